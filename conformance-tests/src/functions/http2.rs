//! HTTP/2 by prior knowledge: the same answers as over HTTP/1.

use std::time::{Duration, Instant};

use crate::case::{HeaderLines, RequestSpec};
use crate::function::{Ctx, Failure, ensure, wait_until};
use crate::h2::{Answer, Ask, Client};
use crate::parse::RawResponse;

use super::pauses::Pauses;
use super::requests::{SOON, at_work, stops_within_250_ms};

const USER: (&str, &str) = ("authorization", "Bearer reference-user-token-0123456789abcdef");
const JSON: (&str, &str) = ("content-type", "application/json");

/// A POST of the agent's.
fn agent<'a>(path: &'a str, body: &'a [&'a str]) -> Ask<'a> {
    Ask { method: "POST", path, headers: &[USER, JSON], body }
}

const SILENT: &[&str] = &[r#"{"input":"x","model":"test/silent"}"#];

fn expect(answer: &Answer, status: u16) -> Result<(), Failure> {
    ensure(answer.status == status, || format!("expected status {status}, got {}: {}", answer.status, answer.body))
}

/// What differs between any two answers, or belongs to a version of HTTP.
const NOMINAL: [&str; 7] =
    ["connection", "date", "keep-alive", "server-timing", "transfer-encoding", "x-request-id", "x-response-time"];

fn same(one: &RawResponse, two: &Answer) -> Result<(), Failure> {
    expect(two, one.status)?;
    let mut first: Vec<_> = one
        .headers
        .iter()
        .map(|(name, value)| (name.to_ascii_lowercase(), String::from_utf8_lossy(value).into_owned()))
        .collect();
    let mut second: Vec<_> = two
        .headers
        .iter()
        .map(|(name, value)| (name.as_str().to_owned(), String::from_utf8_lossy(value.as_bytes()).into_owned()))
        .collect();
    for headers in [&mut first, &mut second] {
        headers.retain(|(name, _)| !NOMINAL.contains(&name.as_str()));
        // The duration in the metadata may have more digits in one than in the other.
        headers.iter_mut().filter(|(name, _)| name == "content-length").for_each(|(_, value)| value.clear());
        headers.sort();
    }
    ensure(first == second, || format!("headers over HTTP/1: {first:?}, over HTTP/2: {second:?}"))?;
    let (first, second) = (one.json().unwrap_or_default(), two.json());
    for part in ["data", "error"] {
        ensure(first[part] == second[part], || format!("over HTTP/1: {}, over HTTP/2: {}", one.text(), two.body))?;
    }
    Ok(())
}

/// Answers of all kinds have the status, headers and body that they have over HTTP/1.
pub(super) fn answers(ctx: &Ctx) -> Result<(), Failure> {
    let client = Client::open(ctx)?;
    let long = format!("{:?}", "x".repeat(2000));
    let long = [long.as_str()];
    let echo = Ask { method: "POST", headers: &[JSON], ..Ask::get("/api/test/echo") };
    let rows = [
        Ask::get("/api/test/params/a"),
        Ask::get("/api/test/query?a=1&a=2&b=%20"),
        Ask::get("/api/test/set-cookies"),
        Ask { headers: &[USER], ..Ask::get("/api/test/whoami") },
        Ask::get("/api/test/whoami"),
        Ask { headers: &[USER], ..Ask::get("/api/test/nope") },
        Ask { method: "PATCH", headers: &[USER], ..Ask::get("/api/test/params/a") },
        Ask::get("/api/test/params/%zz"),
        Ask { body: &["{bad}"], ..echo },
        Ask { body: &long, ..echo },
    ];
    for ask in rows {
        let owned = ask.headers.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        let first = ctx.ask(&RequestSpec {
            method: Some(ask.method.into()),
            path: Some(ask.path.into()),
            headers: HeaderLines::List(owned),
            body: ask.body.first().map(|body| (*body).to_owned()),
            ..RequestSpec::default()
        })?;
        same(&first, &client.ask(&ask)?)?;
    }
    Ok(())
}

/// A body in several frames is one body.
pub(super) fn body(ctx: &Ctx) -> Result<(), Failure> {
    let client = Client::open(ctx)?;
    let body = ["{\"a\"", ":[1", ",2]}"];
    let answer = client.ask(&Ask { method: "POST", path: "/api/test/echo", headers: &[JSON], body: &body })?;
    expect(&answer, 200)?;
    let found = answer.json()["data"]["body"].clone();
    ensure(found == serde_json::json!({ "a": [1, 2] }), || format!("the body arrived as {found}"))
}

/// HEAD has the headers of GET and no body.
pub(super) fn head(ctx: &Ctx) -> Result<(), Failure> {
    let client = Client::open(ctx)?;
    let get = client.ask(&Ask::get("/api/test/params/a"))?;
    let head = client.ask(&Ask { method: "HEAD", ..Ask::get("/api/test/params/a") })?;
    expect(&head, 200)?;
    ensure(head.body.is_empty(), || format!("a HEAD has the body {:?}", head.body))?;
    ensure(head.header("content-length").is_some(), || "the length is not told".into())?;
    ensure(head.header("content-type") == get.header("content-type"), || "the types differ".into())
}

/// Another host's name in `:authority`, or beside it, is refused.
pub(super) fn authority(ctx: &Ctx) -> Result<(), Failure> {
    let foreign = Client::open(ctx)?.named("evil.example");
    expect(&foreign.ask(&Ask::get("/api/test/params/a"))?, 400)?;
    let client = Client::open(ctx)?;
    let two = Ask { headers: &[("host", "evil.example")], ..Ask::get("/api/test/params/a") };
    expect(&client.ask(&two)?, 400)
}

/// The first event is there long before the last, and other requests are answered in between.
pub(super) fn events(ctx: &Ctx) -> Result<(), Failure> {
    let client = Client::open(ctx)?;
    let body = [r#"{"input":"one two three four five six","model":"offline/slow-100ms"}"#];
    let begun = Instant::now();
    let mut coming = client.send(&agent("/api/agent/stream", &body))?.answer()?;
    ensure(coming.status == 200, || format!("the stream's status is {}", coming.status))?;
    let first = coming.piece()?.unwrap_or_default();
    let after_first = begun.elapsed();
    ensure(first.starts_with(b"data: {"), || format!("the first piece is {first:?}"))?;
    for _ in 0..20 {
        expect(&client.ask(&Ask::get("/api/test/params/a"))?, 200)?;
    }
    let answer = coming.rest()?;
    let whole = begun.elapsed();
    ensure(answer.body.ends_with("data: [DONE]\n\n"), || format!("the stream ends with {:?}", answer.body))?;
    ensure(whole >= after_first + Duration::from_millis(250), || {
        format!("the first event came after {after_first:?} and the last after {whole:?}")
    })
}

/// A client that resets one stream stops the engine's work for it; the others go on.
pub(super) fn reset(ctx: &Ctx) -> Result<(), Failure> {
    let control = ctx.control()?;
    let client = Client::open(ctx)?;
    let kept = client.send(&agent("/api/agent/execute", SILENT))?;
    let waiting = client.send(&agent("/api/agent/execute", SILENT))?;
    let stream = client.send(&agent("/api/agent/stream", SILENT))?.answer()?;
    at_work(control, 3)?;
    drop(waiting);
    at_work(control, 2)?;
    drop(stream);
    at_work(control, 1)?;
    expect(&client.ask(&Ask::get("/api/test/params/a"))?, 200)?;
    let pauses = Pauses::watch();
    drop(kept);
    stops_within_250_ms(control, pauses)
}

/// A connection that goes takes all its work with it.
pub(super) fn leave(ctx: &Ctx) -> Result<(), Failure> {
    let control = ctx.control()?;
    let client = Client::open(ctx)?;
    let waiting = client.send(&agent("/api/agent/execute", SILENT))?;
    let stream = client.send(&agent("/api/agent/stream", SILENT))?.answer()?;
    at_work(control, 2)?;
    let pauses = Pauses::watch();
    // Not reset one by one: the socket goes.
    drop((waiting, stream));
    drop(client);
    stops_within_250_ms(control, pauses)
}

/// A server that stops tells its clients to go, and lets what runs come to its end.
pub(super) fn goaway(ctx: &Ctx) -> Result<(), Failure> {
    let control = ctx.control()?;
    let idle = Client::open(ctx)?;
    expect(&idle.ask(&Ask::get("/api/test/params/a"))?, 200)?;
    let client = Client::open(ctx)?;
    let words = "w ".repeat(8);
    let body = [format!(r#"{{"input":"{}","model":"offline/slow-100ms"}}"#, words.trim_end())];
    let body = body.each_ref().map(String::as_str);
    let mut coming = client.send(&agent("/api/agent/stream", &body))?.answer()?;
    coming.piece()?;
    let stop = control.stop();
    idle.ends()?;
    // What overtakes the GOAWAY may be answered.
    wait_until(SOON, "a refused request", || client.ask(&Ask::get("/api/test/params/a")).is_err())?;
    ensure(control.engine().running() == 1, || "the stream was over before".into())?;
    let answer = coming.rest()?;
    ensure(answer.body.ends_with("data: [DONE]\n\n") && !answer.body.contains("DRAINING"), || {
        format!("the stream did not come to its own end: {:?}", answer.body)
    })?;
    client.ends()?;
    stop.within(SOON)?.map_err(|error| Failure::new(error.to_string()))
}

/// A stream that goes on beyond the grace says why it ends.
pub(super) fn goodbye(ctx: &Ctx) -> Result<(), Failure> {
    let control = ctx.control()?;
    let client = Client::open(ctx)?;
    let coming = client.send(&agent("/api/agent/stream", SILENT))?.answer()?;
    let stop = control.stop();
    let answer = coming.rest()?;
    let text = &answer.body;
    ensure(text.contains(r#""code":"DRAINING""#) && text.ends_with("data: [DONE]\n\n"), || {
        format!("the stream ends with {text:?}")
    })?;
    client.ends()?;
    stop.within(SOON)?.map_err(|error| Failure::new(error.to_string()))
}
