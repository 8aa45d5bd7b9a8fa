//! Forms in parts: what a handler gets of them, and what bounds them.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};
use std::time::Duration;

use bytes::Bytes;
use futures_util::{StreamExt as _, stream};
use http::header;
use neurolink_core::{App, AppBuilder, Body, BoxError, ContentCoding, Error, Json, Multipart, Route};
use proptest::prelude::*;
use serde_json::{Value, json};

use crate::support::{Answer, app, send, to};

const FORM: &str = "multipart/form-data; boundary=B";

/// Name, file name, type and text of each part.
async fn list(mut form: Multipart) -> Result<Json<Value>, Error> {
    let mut parts = Vec::new();
    while let Some(part) = form.next_part().await? {
        let (name, file) = (part.name().to_owned(), part.file_name().map(str::to_owned));
        let kind = part.content_type().map(str::to_owned);
        parts.push(json!([name, file, kind, part.text().await?]));
    }
    Ok(Json(parts.into()))
}

/// The length of each part, taken as it comes.
async fn lengths(mut form: Multipart) -> Result<Json<Vec<usize>>, Error> {
    let mut lengths = Vec::new();
    while let Some(mut part) = form.next_part().await? {
        let mut length = 0;
        while let Some(chunk) = part.chunk().await? {
            assert!(!chunk.is_empty());
            length += chunk.len();
        }
        lengths.push(length);
    }
    Ok(Json(lengths))
}

/// Counts what it can, and does not care how it ends.
async fn careless(mut form: Multipart) -> String {
    let mut count = 0;
    while let Ok(Some(_)) = form.next_part().await {
        count += 1;
    }
    count.to_string()
}

/// With 100,000 bytes for a body.
fn forms() -> AppBuilder {
    app()
        .configure(|settings| settings.limits.body = 100_000)
        .route(Route::post("/api/list", list))
        .route(Route::post("/api/lengths", lengths))
        .route(Route::post("/api/careless", careless))
}

fn built(builder: AppBuilder) -> App {
    builder.build().expect("valid")
}

async fn post(app: &App, path: &str, kind: &str, body: impl Into<Body>) -> Answer {
    send(app, to(path).method("POST").header(header::CONTENT_TYPE, kind), body.into()).await
}

fn data(answer: &Answer) -> Value {
    serde_json::from_str::<Value>(&answer.body).expect("JSON")["data"].clone()
}

/// A part of a form with the boundary `B`.
fn part(head: &str, text: &str) -> String {
    format!("--B\r\n{head}\r\n\r\n{text}\r\n")
}

fn named(name: &str, text: &str) -> String {
    part(&format!("Content-Disposition: form-data; name=\"{name}\""), text)
}

fn in_pieces(text: &str, size: usize) -> Body {
    let pieces: Vec<_> =
        text.as_bytes().chunks(size).map(|piece| Ok::<_, BoxError>(Bytes::copy_from_slice(piece))).collect();
    Body::from_stream(stream::iter(pieces))
}

#[tokio::test]
async fn parts_come_with_their_names_types_and_texts_however_the_body_is_cut() {
    let app = built(forms());
    let file = "Content-Disposition: form-data; name=\"f\"; filename=\"a.txt\"\r\nContent-Type: text/plain";
    let text = format!(
        "before{}{}{}--B--\r\nbehind",
        &format!("\r\n{}", named("a", "")),
        named("ä", "1\r\n--b"),
        part(file, "x\r\n")
    );
    let whole = json!([["a", null, null, ""], ["ä", null, null, "1\r\n--b"], ["f", "a.txt", "text/plain", "x\r\n"]]);
    assert_eq!(data(&post(&app, "/api/list", FORM, text.clone()).await), whole);
    for size in 1..text.len() {
        assert_eq!(data(&post(&app, "/api/list", FORM, in_pieces(&text, size)).await), whole, "by {size}");
    }
    let quoted = post(&app, "/api/list", "Multipart/Form-Data; charset=utf-8; boundary=\"B\"", text.clone()).await;
    assert_eq!(data(&quoted), whole);
    assert_eq!(data(&post(&app, "/api/careless", FORM, text).await), "3", "what is not read is passed over");
}

#[tokio::test]
async fn a_form_of_no_bytes_and_one_without_parts_have_none() {
    let app = built(forms());
    for (kind, body) in [
        (FORM, Body::empty()),
        ("text/plain", Body::empty()),
        (FORM, in_pieces("", 1)),
        (FORM, Body::from("--B--")),
        (FORM, Body::from("--B--\r\n")),
    ] {
        assert_eq!(data(&post(&app, "/api/list", kind, body).await), json!([]));
    }
}

#[tokio::test]
async fn another_type_is_415_and_a_boundary_that_is_none_400() {
    let app = built(forms());
    for kind in ["application/json", "multipart/mixed; boundary=B", "multipart/form-datax; boundary=B", "text/plain"] {
        assert_eq!(post(&app, "/api/list", kind, named("a", "1")).await.code(), "UNSUPPORTED_MEDIA_TYPE", "{kind}");
    }
    let long = format!("multipart/form-data; boundary={}", "b".repeat(71));
    for kind in
        ["multipart/form-data", "multipart/form-data; boundary=", "multipart/form-data; boundary=\"a\tb\"", &long]
    {
        let refused = post(&app, "/api/list", kind, named("a", "1")).await;
        assert!(refused.status == 400 && refused.body.contains("boundary"), "{kind}: {}", refused.body);
    }
}

#[tokio::test]
async fn a_form_that_is_malformed_is_400_whatever_the_handler_makes_of_it() {
    let app = built(forms());
    let whole = format!("{}--B--", named("a", "1"));
    for (what, text) in [
        ("no boundary", "text".to_owned()),
        ("another boundary", whole.replace("--B", "--C")),
        ("no end", named("a", "1")),
        ("cut in its text", whole[..whole.len() - 8].to_owned()),
        ("cut in its head", whole[..20].to_owned()),
        ("cut in its boundary", "--B".to_owned()),
        ("text behind the boundary", whole.replace("--B\r\n", "--B x\r\n")),
        ("no name", format!("{}--B--", part("Content-Disposition: form-data", "1"))),
        ("no disposition", format!("{}--B--", part("Content-Type: text/plain", "1"))),
        ("another disposition", format!("{}--B--", part("Content-Disposition: attachment; name=\"a\"", "1"))),
        ("a head that is none", format!("{}--B--", part("what is this", "1"))),
        (
            "an encoding of mail",
            format!(
                "{}--B--",
                part("Content-Disposition: form-data; name=a\r\nContent-Transfer-Encoding: base64", "MQ==")
            ),
        ),
    ] {
        for path in ["/api/list", "/api/lengths", "/api/careless"] {
            let refused = post(&app, path, FORM, text.clone()).await;
            assert_eq!((refused.status, &*refused.code()), (400, "BAD_REQUEST"), "{what} {path}: {}", refused.body);
        }
    }
    let no_text = [b"--B\r\nContent-Disposition: form-data; name=a\r\n\r\n\xff\r\n--B--".to_vec()].concat();
    assert_eq!(post(&app, "/api/list", FORM, no_text.clone()).await.status, 400);
    assert_eq!(data(&post(&app, "/api/lengths", FORM, no_text).await), json!([1]));
}

#[tokio::test]
async fn parts_their_sizes_and_their_heads_have_limits() {
    let app = built(forms().configure(|settings| {
        let limits = &mut settings.limits;
        (limits.multipart_parts, limits.multipart_part, limits.multipart_head) = (3, Some(1000), 200);
    }));
    let form = |parts: &[String]| format!("{}--B--", parts.concat());
    let one = || named("a", "1");
    let head = |length: usize| {
        let rest = length - "content-disposition: form-data; name=a\r\nx: \r\n".len();
        part(&format!("Content-Disposition: form-data; name=a\r\nX: {}", "h".repeat(rest)), "1")
    };
    for (what, text, fits) in [
        ("three parts", form(&[one(), one(), one()]), true),
        ("four parts", form(&[one(), one(), one(), one()]), false),
        ("1000 bytes", form(&[named("a", &"x".repeat(1000)), one()]), true),
        ("1001 bytes", form(&[one(), named("a", &"x".repeat(1001))]), false),
        ("a head of 200 bytes", form(&[head(200)]), true),
        ("a head of 201 bytes", form(&[one(), head(201)]), false),
        ("a large body", form(&[named("a", &"x".repeat(100_000))]), false),
    ] {
        for path in ["/api/list", "/api/lengths", "/api/careless"] {
            for body in [Body::from(text.clone()), in_pieces(&text, 1), in_pieces(&text, 20_000)] {
                let answer = post(&app, path, FORM, body).await;
                let expected = if fits { (200, String::new()) } else { (413, "PAYLOAD_TOO_LARGE".to_owned()) };
                assert_eq!((answer.status, answer.code()), expected, "{what} {path}: {}", answer.body);
            }
        }
    }
}

/// Pieces of a body, and how many bytes of them were taken.
fn counted(first: String, more: usize) -> (Body, Arc<AtomicUsize>) {
    let taken = Arc::new(AtomicUsize::new(0));
    let counts = Arc::clone(&taken);
    let pieces = stream::iter(std::iter::once(first).chain(std::iter::repeat_n("x".repeat(1000), more)));
    let body = pieces.map(move |piece| {
        counts.fetch_add(piece.len(), Relaxed);
        Ok::<_, BoxError>(Bytes::from(piece))
    });
    (Body::from_stream(body), taken)
}

/// A parser that takes whatever has come would hold all of it.
#[tokio::test]
async fn no_more_is_taken_than_is_asked_for() {
    let first = async |mut form: Multipart| -> Result<String, Error> {
        let mut part = form.next_part().await?.ok_or_else(|| Error::internal("no part"))?;
        let chunk = part.chunk().await?;
        Ok(chunk.map_or(0, |chunk| chunk.len()).to_string())
    };
    // What nobody reads is skipped up to 64 KiB, so that the connection can go on.
    const SKIPPED: usize = 64 * 1024 + 2000;
    let endless = "--B\r\nX: ".to_owned();
    let app = forms().route(Route::post("/api/first", first).unlimited_body());
    let app = built(app.route(Route::post("/api/any", lengths).unlimited_body()));
    let (body, taken) =
        counted(format!("--B\r\nContent-Disposition: form-data; name=a\r\n\r\n{}", "x".repeat(500)), 1000);
    let answer = post(&app, "/api/first", FORM, body).await;
    assert!(
        answer.status == 200 && taken.load(Relaxed) <= SKIPPED + 2000,
        "{} of {}",
        answer.body,
        taken.load(Relaxed)
    );
    let (body, taken) = counted(endless, 1000);
    assert_eq!(post(&app, "/api/any", FORM, body).await.status, 413, "a head without an end");
    assert!(taken.load(Relaxed) <= SKIPPED + 10_000, "{} bytes", taken.load(Relaxed));
}

#[tokio::test]
async fn the_budget_counts_the_parts_that_are_held() {
    let two = async |mut form: Multipart| -> Result<String, Error> {
        let mut held = Vec::new();
        while let Some(part) = form.next_part().await? {
            held.push(part.bytes().await?);
        }
        Ok(held.len().to_string())
    };
    let app = forms().configure(|settings| settings.limits.body_budget = 100_000);
    let app = built(app.route(Route::post("/api/two", two)));
    let first = format!("{}--B\r\nContent-Disposition: form-data; name=b\r\n\r\n", named("a", &"x".repeat(60_000)));
    let first = stream::iter([Ok::<_, BoxError>(Bytes::from(first))]);
    let endless = Body::from_stream(first.chain(stream::pending()));
    let mut slow = Box::pin(post(&app, "/api/two", FORM, endless));
    assert!(futures_util::poll!(slow.as_mut()).is_pending());
    assert_eq!(app.body_memory(), 60_000);
    let large = format!("{}--B--", named("a", &"x".repeat(50_000)));
    assert_eq!(post(&app, "/api/two", FORM, large.clone()).await.status, 503);
    assert_eq!(post(&app, "/api/lengths", FORM, large.clone()).await.status, 200, "what passes through is not held");
    drop(slow);
    assert_eq!((post(&app, "/api/two", FORM, large).await.status, app.body_memory()), (200, 0));
}

#[tokio::test(start_paused = true)]
async fn a_form_has_the_times_of_other_bodies_and_the_handlers_own_do_not_count() {
    let slow = async |mut form: Multipart| -> Result<Json<usize>, Error> {
        let mut length = 0;
        while let Some(mut part) = form.next_part().await? {
            while let Some(chunk) = part.chunk().await? {
                tokio::time::sleep(Duration::from_secs(5)).await;
                length += chunk.len();
            }
        }
        Ok(Json(length))
    };
    let app = forms().configure(|settings| {
        (settings.body_timeout, settings.body_rate) = (Duration::from_secs(1), 100);
    });
    let app = built(app.route(Route::post("/api/slow", slow).timeout(Duration::from_secs(600))));
    let every = |millis: u64, size: usize| {
        let text = format!("{}--B--", named("a", &"x".repeat(2000)));
        let pieces: Vec<_> = text.as_bytes().chunks(size).map(Bytes::copy_from_slice).collect();
        Body::from_stream(stream::iter(pieces).then(move |piece| async move {
            tokio::time::sleep(Duration::from_millis(millis)).await;
            Ok::<_, BoxError>(piece)
        }))
    };
    assert_eq!(post(&app, "/api/lengths", FORM, every(1100, 100)).await.code(), "REQUEST_TIMEOUT", "a pause");
    assert_eq!(post(&app, "/api/lengths", FORM, every(900, 10)).await.code(), "REQUEST_TIMEOUT", "a drip");
    assert_eq!(data(&post(&app, "/api/lengths", FORM, every(900, 200)).await), json!([2000]));
    let slow = post(&app, "/api/slow", FORM, every(900, 200)).await;
    assert_eq!(data(&slow), 2000, "{}", slow.body);
}

#[tokio::test]
async fn a_form_may_come_in_a_content_coding() {
    use std::io::Write as _;
    let app = built(forms().configure(|settings| settings.decompress = vec![ContentCoding::Gzip]));
    let coded = |text: &str| {
        let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
        encoder.write_all(text.as_bytes()).and_then(|()| encoder.finish()).expect("in memory")
    };
    let ask = async |body: Vec<u8>| {
        let request = to("/api/lengths").method("POST").header(header::CONTENT_TYPE, FORM);
        send(&app, request.header(header::CONTENT_ENCODING, "gzip"), Body::from(body)).await
    };
    let whole = coded(&format!("{}--B--", named("a", &"x".repeat(50_000))));
    assert_eq!(data(&ask(whole.clone()).await), json!([50_000]));
    assert_eq!(ask(whole[..whole.len() / 2].to_vec()).await.status, 400);
    assert_eq!(ask(coded(&format!("{}--B--", named("a", &"x".repeat(200_000))))).await.status, 413);
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, ..ProptestConfig::default() })]

    #[test]
    fn any_texts_in_any_pieces_are_what_they_were(
        texts in proptest::collection::vec("[\r\n\\-Bx]{0,60}", 0..5),
        size in 1..80_usize,
    ) {
        // What is in a text must not look like its end.
        let texts: Vec<_> = texts.into_iter().map(|text| text.replace("\r\n--B", "")).filter(|text| !format!("\r\n{text}").contains("\r\n--B")).collect();
        let body: String = texts.iter().map(|text| named("a", text)).collect();
        let answer = block_on(async { post(&built(forms()), "/api/list", FORM, in_pieces(&format!("{body}--B--"), size)).await });
        let expected: Vec<_> = texts.iter().map(|text| json!(["a", null, null, text])).collect();
        prop_assert_eq!(data(&answer), Value::from(expected));
    }

    #[test]
    fn any_bytes_have_an_answer(text in "(--B(\r\n|--)?|Content-Disposition: form-data; name=a\r\n\r\n|[\r\n:x-]){0,20}", size in 1..40_usize) {
        let answer = block_on(async { post(&built(forms()), "/api/list", FORM, in_pieces(&text, size)).await });
        prop_assert!(matches!(answer.status, 200 | 400), "{}", answer.status);
    }
}

fn block_on<T>(future: impl Future<Output = T>) -> T {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().expect("a runtime");
    runtime.block_on(async { tokio::time::timeout(Duration::from_secs(20), future).await.expect("it hangs") })
}
