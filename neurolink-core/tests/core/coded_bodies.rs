//! Request bodies in a content coding: what handlers and middleware get, and what bounds it.

use std::io::Write as _;
use std::time::Duration;

use bytes::Bytes;
use flate2::Compression;
use flate2::write::{GzEncoder, ZlibEncoder};
use futures_util::{StreamExt as _, stream};
use http::{HeaderMap, header};
use http_body_util::BodyExt as _;
use neurolink_core::stack::IntoRegistration as _;
use neurolink_core::{
    App, AppBuilder, Body, BoxError, ConnInfo, ContentCoding, Context, Error, Json, Next, Reply, Request, Response,
    ResultExt as _, Route, Settings, Stack, from_fn,
};
use serde_json::Value;

use crate::support::{Answer, Auth, app, send, to};

fn gzip(data: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
    encoder.write_all(data).and_then(|()| encoder.finish()).expect("in memory")
}

fn deflate(data: &[u8]) -> Vec<u8> {
    let mut encoder = ZlibEncoder::new(Vec::new(), Compression::default());
    encoder.write_all(data).and_then(|()| encoder.finish()).expect("in memory")
}

/// The head of a file and then a name that is longer than any limit here: much on the wire, and nothing in the file.
fn named(length: usize) -> Vec<u8> {
    let plain = gzip(b"x");
    let mut head = plain[..10].to_vec();
    head[3] |= 8;
    [&head, &b"n".repeat(length)[..], &[0], &plain[10..]].concat()
}

async fn length(body: Bytes) -> String {
    body.len().to_string()
}

async fn streamed(mut body: Body) -> String {
    let mut length = 0;
    while let Some(Ok(frame)) = body.frame().await {
        length += frame.data_ref().map_or(0, Bytes::len);
    }
    length.to_string()
}

/// With these codings, and 100,000 bytes for a body.
fn decoding(codings: &[ContentCoding]) -> AppBuilder {
    let codings = codings.to_vec();
    app().configure(move |settings| (settings.decompress, settings.limits.body) = (codings, 100_000))
}

async fn post(app: &App, path: &str, coding: &str, body: impl Into<Body>) -> Answer {
    let request = to(path).method("POST").header(header::CONTENT_ENCODING, coding);
    send(app, request.header(header::CONTENT_TYPE, "application/json"), body.into()).await
}

#[tokio::test]
async fn handlers_get_the_body_and_the_head_of_a_plain_one() {
    let lines = async |headers: HeaderMap, body: Bytes| {
        let left: Vec<_> =
            headers.keys().filter(|name| name.as_str().starts_with("content-")).map(ToString::to_string).collect();
        format!("{left:?} {}", body.len())
    };
    let own = async |headers: HeaderMap, body: Body| {
        let length = http_body_util::BodyExt::collect(body).await.or_internal()?.to_bytes().len();
        Reply::data(&(headers.contains_key("content-encoding"), headers.contains_key("content-length"), length))
    };
    let app = decoding(&ContentCoding::ALL)
        .route(Route::post("/api/json", async |Json(body): Json<Value>| Json(body)))
        .route(Route::post("/api/whole", lines))
        .route(Route::post("/api/streamed", own))
        .build()
        .expect("valid");
    for (coding, body) in
        [("gzip", gzip(b"{\"a\":[1]}")), ("X-GZIP", gzip(b"{\"a\":[1]}")), ("deflate", deflate(b"{\"a\":[1]}"))]
    {
        let answer = post(&app, "/api/json", coding, body.clone()).await;
        assert!(answer.status == 200 && answer.body.contains(r#""data":{"a":[1]}"#), "{coding}: {}", answer.body);
        let request = to("/api/whole").method("POST").header("content-encoding", coding);
        let answer = send(&app, request.header("content-length", body.len()), Body::from(body.clone())).await;
        assert!(answer.body.contains(r#""data":"[] 9""#), "{coding}: {}", answer.body);
        let request = to("/api/streamed").method("POST").header("content-encoding", coding);
        let answer = send(&app, request.header("content-length", body.len()), Body::from(body)).await;
        assert!(answer.body.contains(r#""data":[false,false,9]"#), "{coding}: {}", answer.body);
    }
    let plain = post(&app, "/api/json", "identity", Body::from("[2]")).await;
    assert!(plain.body.contains(r#""data":[2]"#), "{}", plain.body);
}

#[tokio::test]
async fn a_coding_that_is_not_allowed_is_415_with_what_is() {
    let routes = |builder: AppBuilder| {
        let builder = builder.route(Route::post("/api/whole", length)).route(Route::post("/api/streamed", streamed));
        builder.route(Route::post("/api/unread", async || "unread")).build().expect("valid")
    };
    let off = routes(decoding(&[]));
    let refused = post(&off, "/api/whole", "gzip", gzip(b"x")).await;
    assert_eq!((refused.status, &refused.headers["accept-encoding"]), (415, &"identity".parse().expect("a value")));
    let taken = post(&off, "/api/streamed", "gzip", gzip(b"x")).await;
    assert!(taken.status == 200 && taken.body.contains(r#""data":"21""#), "it comes in its coding: {}", taken.body);

    let on = routes(decoding(&[ContentCoding::Deflate]));
    for path in ["/api/whole", "/api/streamed"] {
        for coding in ["gzip", "br", "deflate, deflate", "deflate, gzip"] {
            let refused = post(&on, path, coding, deflate(&deflate(b"x"))).await;
            assert_eq!(refused.code(), "UNSUPPORTED_MEDIA_TYPE", "{path} {coding}");
            assert_eq!(refused.headers["accept-encoding"], "deflate", "{path} {coding}");
        }
        assert_eq!(post(&on, path, "br", Body::empty()).await.status, 200, "no body is in no coding");
    }
    assert_eq!(post(&on, "/api/unread", "br", gzip(b"x")).await.status, 200, "nobody reads it");
}

#[tokio::test]
async fn the_limit_holds_on_the_wire_and_for_what_it_becomes() {
    let app = decoding(&[ContentCoding::Gzip])
        .route(Route::post("/api/whole", length))
        .route(Route::post("/api/streamed", streamed))
        .route(Route::post("/api/any", streamed).unlimited_body())
        .build()
        .expect("valid");
    let chunked = |bytes: Vec<u8>| {
        let pieces: Vec<_> = bytes.chunks(1000).map(|piece| Ok::<_, BoxError>(Bytes::copy_from_slice(piece))).collect();
        Body::from_stream(stream::iter(pieces))
    };
    for path in ["/api/whole", "/api/streamed"] {
        let whole = post(&app, path, "gzip", gzip(&[b'x'; 100_000])).await;
        assert!(whole.body.contains(r#""data":"100000""#), "{path}: {}", whole.body);
        for (what, body) in [
            ("a byte more", Body::from(gzip(&[b'x'; 100_001]))),
            ("a bomb", Body::from(gzip(&vec![0; 10_000_000]))),
            ("a bomb in chunks", chunked(gzip(&vec![0; 10_000_000]))),
            ("much on the wire", Body::from(named(100_000))),
            ("much on the wire in chunks", chunked(named(100_000))),
        ] {
            let refused = post(&app, path, "gzip", body).await;
            assert_eq!((refused.status, &*refused.code()), (413, "PAYLOAD_TOO_LARGE"), "{path} {what}");
        }
        assert_eq!(post(&app, path, "gzip", named(99_000)).await.status, 200, "{path}");
    }
    let any = post(&app, "/api/any", "gzip", gzip(&[b'x'; 1_000_000])).await;
    assert!(any.body.contains(r#""data":"1000000""#), "{}", any.body);
}

#[tokio::test]
async fn what_is_not_what_its_coding_says_is_400_whatever_the_handler_makes_of_it() {
    let careful = async |body: Body| {
        let length = http_body_util::BodyExt::collect(body).await.or_internal()?.to_bytes().len();
        Reply::data(&length)
    };
    let app = decoding(&[ContentCoding::Gzip])
        .route(Route::post("/api/json", async |Json(body): Json<Value>| Json(body)))
        .route(Route::post("/api/careless", streamed))
        .route(Route::post("/api/careful", careful))
        .build()
        .expect("valid");
    let whole = gzip(b"[1]");
    let two = [&whole[..], &whole].concat();
    for path in ["/api/json", "/api/careless", "/api/careful"] {
        for (what, body) in [("plain", &b"[1]"[..]), ("cut", &whole[..whole.len() - 1]), ("two members", &two)] {
            let refused = post(&app, path, "gzip", body.to_vec()).await;
            assert_eq!((refused.status, &*refused.code()), (400, "BAD_REQUEST"), "{path} {what}: {}", refused.body);
            assert!(refused.body.contains("Content-Encoding"), "{}", refused.body);
        }
    }
}

#[tokio::test]
async fn the_budget_counts_what_bodies_become() {
    let app = decoding(&[ContentCoding::Gzip]).configure(|settings| settings.limits.body_budget = 100_000);
    let app = app.route(Route::post("/api/x", length)).build().expect("valid");
    let mut held = GzEncoder::new(Vec::new(), Compression::default());
    held.write_all(&[b'x'; 60_000]).and_then(|()| held.flush()).expect("in memory");
    let first = stream::iter([Ok::<_, BoxError>(Bytes::from(held.get_ref().clone()))]);
    let endless = Body::from_stream(first.chain(stream::pending()));
    let mut held = std::pin::pin!(post(&app, "/api/x", "gzip", endless));
    assert!(futures_util::poll!(held.as_mut()).is_pending());
    assert_eq!(app.body_memory(), 60_000);
    assert_eq!(post(&app, "/api/x", "gzip", gzip(&[b'x'; 50_000])).await.status, 503);
    assert_eq!(post(&app, "/api/x", "gzip", gzip(&[b'x'; 40_000])).await.status, 200);
    assert_eq!(app.body_memory(), 60_000);
}

/// A piece each 900 ms.
fn dripping(bytes: &[u8], piece: usize) -> Body {
    let pieces: Vec<_> = bytes.chunks(piece).map(Bytes::copy_from_slice).collect();
    Body::from_stream(stream::iter(pieces).then(async |piece| {
        tokio::time::sleep(Duration::from_millis(900)).await;
        Ok::<_, BoxError>(piece)
    }))
}

#[tokio::test(start_paused = true)]
async fn time_goes_by_what_is_on_the_wire() {
    let app = decoding(&[ContentCoding::Gzip])
        .configure(|settings| (settings.body_timeout, settings.body_rate) = (Duration::from_secs(1), 100))
        .route(Route::post("/api/x", length))
        .build()
        .expect("valid");
    // Slow on the wire and large behind it.
    let large = gzip(&vec![0; 90_000]);
    let slow = post(&app, "/api/x", "gzip", dripping(&large, 10)).await;
    assert_eq!((slow.status, &*slow.code()), (408, "REQUEST_TIMEOUT"));
    // Fast enough on the wire, of which nothing comes for ten times the timeout.
    let nothing_yet = post(&app, "/api/x", "gzip", dripping(&named(1000), 100)).await;
    assert!(nothing_yet.body.contains(r#""data":"1""#), "{}", nothing_yet.body);
}

async fn reads(ctx: &mut Context, next: Next<'_>) -> Result<Response, Error> {
    let length = ctx.read_body().await?.len();
    let mut response = next.run(ctx).await;
    response.headers_mut().insert("x-length", length.into());
    Ok(response)
}

#[tokio::test]
async fn before_authorisation_64_kib_are_inflated_and_the_handler_reads_them_again() {
    let app = decoding(&[ContentCoding::Gzip]).middleware(Auth).middleware(from_fn("signed", reads).with_body().at(6));
    let app = app.route(Route::post("/api/x", length)).build().expect("valid");
    let of = async |size: usize| {
        let request = to("/api/x").method("POST").header("authorization", "u1").header("content-encoding", "gzip");
        send(&app, request, Body::from(gzip(&vec![b'x'; size]))).await
    };
    let whole = of(64 * 1024).await;
    assert!(whole.status == 200 && whole.body.contains(r#""data":"65536""#), "{}", whole.body);
    assert_eq!(whole.headers["x-length"], "65536");
    assert_eq!(of(64 * 1024 + 1).await.status, 413);
}

#[tokio::test]
async fn bodies_of_a_hosts_own_routes_stay_as_they_are() {
    let ask = async |stack: Stack, body: Vec<u8>| {
        let mut settings = Settings::default();
        settings.decompress = ContentCoding::ALL.to_vec();
        let protected = stack.protect(settings).expect("valid");
        let request = to("/echo")
            .method("POST")
            .header("host", "localhost")
            .header("content-encoding", "gzip")
            .body(Body::from(body));
        let native = async |request: Request| {
            let coded = request.headers().contains_key("content-encoding");
            let mut response = Response::new(request.into_body());
            response.headers_mut().insert("x-coded", coded.to_string().parse().expect("a value"));
            response
        };
        let response = protected.wrap(request.expect("a request"), ConnInfo::default(), native).await;
        let (head, body) = response.into_parts();
        (head, http_body_util::BodyExt::collect(body).await.expect("a body").to_bytes())
    };
    let body = gzip(b"hello");
    let (head, echoed) = ask(Stack::builder().build().expect("valid"), body.clone()).await;
    assert_eq!((head.headers["x-coded"].as_bytes(), &echoed[..]), (&b"true"[..], &body[..]));
    // A middleware that reads it would hand on something else than what came.
    let reading = Stack::builder().with(from_fn("reads", reads).with_body()).build().expect("valid");
    let (head, _) = ask(reading, body).await;
    assert_eq!((head.status.as_u16(), &head.headers["accept-encoding"]), (415, &"identity".parse().expect("a value")));
}
