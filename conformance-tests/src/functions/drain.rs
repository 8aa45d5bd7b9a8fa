//! What is open while a server stops: half a second of being not ready, a second in which requests on open connections
//! are served, half a second in which they are refused, and the end.

use std::time::{Duration, Instant};

use neurolink_core::server::ServerError;

use crate::function::{Ctx, Failure, ensure, expect_status, wait_until};
use crate::wire::{Connection, ConnectionOptions};

use super::requests::{SOON, agent, at_work, expect_close, expect_code, is_alive, slow_stream};

/// Waits until the listener is closed: the server drains.
fn drains(ctx: &Ctx) -> Result<(), Failure> {
    wait_until(SOON, "a closed listener", || ctx.connect().is_err()).map(|_| ())
}

/// Readiness says no while everything is still served, on new connections too.
pub(super) fn readiness_first(ctx: &Ctx) -> Result<(), Failure> {
    let control = ctx.control()?;
    expect_status(&ctx.get("/api/health/ready", None)?, 200)?;
    let stop = control.stop();
    wait_until(SOON, "readiness says 503", || {
        ctx.get("/api/health/ready", None).is_ok_and(|answer| answer.status == 503)
    })?;
    let answer = ctx.get("/api/health/ready", None)?;
    expect_status(&answer, 503)?;
    let ready = answer.json().map(|json| json["data"]["ready"].clone());
    ensure(ready == Some(false.into()), || format!("expected the success envelope, got {}", answer.text()))?;
    expect_status(&ctx.get("/api/health/live", None)?, 200)?;
    expect_status(&ctx.get("/api/test/params/a", None)?, 200)?;
    stop.within(SOON)?.map_err(|error| Failure::new(error.to_string()))
}

/// In the first second a request on an open connection is answered, and the connection closes after it.
pub(super) fn first_second(ctx: &Ctx) -> Result<(), Failure> {
    let control = ctx.control()?;
    let mut used = ctx.connect()?;
    is_alive(ctx, &mut used)?;
    let mut fresh = ctx.connect()?;
    let stop = control.stop();
    drains(ctx)?;
    for connection in [&mut used, &mut fresh] {
        ctx.send(connection, r"GET /api/test/params/a HTTP/1.1\r\nHost: localhost\r\n\r\n");
        let answer = ctx.answer(connection, "GET")?;
        expect_status(&answer, 200)?;
        expect_close(&answer)?;
        ensure(connection.is_closed_within(SOON), || "the connection stays open after `Connection: close`".into())?;
    }
    stop.within(SOON)?.map_err(|error| Failure::new(error.to_string()))
}

/// A connection on which a request has begun, and the rest of it.
fn begun(ctx: &Ctx, path: &str) -> Result<Connection, Failure> {
    let mut connection = ctx.connect()?;
    ctx.send(&mut connection, &format!(r"GET {path} HTTP/1.1\r\nHost: local"));
    Ok(connection)
}

/// After the first second a request whose head was not whole is refused, and liveness still says yes.
pub(super) fn half_a_head(ctx: &Ctx) -> Result<(), Failure> {
    let control = ctx.control()?;
    // Idle connections are closed then; on the others a request has begun.
    let mut idle = ctx.connect()?;
    is_alive(ctx, &mut idle)?;
    let mut plain = begun(ctx, "/api/test/params/a")?;
    let mut live = begun(ctx, "/api/health/live")?;
    let mut upload = ctx.connect()?;
    ctx.send(&mut upload, r"POST /api/test/upload HTTP/1.1\r\nContent-Length: 60000\r\nHost: local");
    let stop = control.stop();
    drains(ctx)?;
    ensure(idle.is_closed_within(SOON), || "an idle connection stays open".into())?;
    for connection in [&mut plain, &mut live] {
        ctx.send(connection, r"host\r\n\r\n");
    }
    // Not all of its body is there when it is answered.
    ctx.send(&mut upload, &format!(r"host\r\n\r\n{}", "x".repeat(30_000)));
    let refused = ctx.answer(&mut upload, "POST")?;
    let answer = ctx.answer(&mut plain, "GET")?;
    for answer in [&refused, &answer] {
        expect_status(answer, 503)?;
        expect_code(answer, "DRAINING")?;
        expect_close(answer)?;
    }
    // It is answered inside of the onion, as everything is.
    let sniff = answer.header_text("x-content-type-options");
    ensure(sniff.as_deref() == Some("nosniff"), || format!("503 has X-Content-Type-Options {sniff:?}"))?;
    let answer = ctx.answer(&mut live, "GET")?;
    expect_status(&answer, 200)?;
    expect_close(&answer)?;
    stop.within(SOON)?.map_err(|error| Failure::new(error.to_string()))
}

/// A request in work is answered whole.
pub(super) fn in_flight(ctx: &Ctx) -> Result<(), Failure> {
    let control = ctx.control()?;
    let mut connection = ctx.connect()?;
    ctx.send(&mut connection, &agent("execute", "offline/slow-100ms", "one two three four five six"));
    at_work(control, 1)?;
    let stop = control.stop();
    drains(ctx)?;
    ensure(control.engine().running() == 1, || "the request was over before the drain".into())?;
    let answer = ctx.answer(&mut connection, "POST")?;
    expect_status(&answer, 200)?;
    stop.within(SOON)?.map_err(|error| Failure::new(error.to_string()))
}

/// A stream goes on during the grace and then says why it ends.
pub(super) fn stream_says_goodbye(ctx: &Ctx) -> Result<(), Failure> {
    let control = ctx.control()?;
    let mut connection = ctx.connect()?;
    ctx.send(&mut connection, &slow_stream(100));
    connection.read_until("data: {")?;
    let stop = control.stop();
    drains(ctx)?;
    let before = control.engine().events();
    let answer = ctx.answer(&mut connection, "POST")?;
    let during = control.engine().events() - before;
    ensure(during >= 5, || format!("{during} events came during a grace of 1.5 s, one each 100 ms"))?;
    goodbye(&answer.text())?;
    ensure(connection.is_closed_within(SOON), || "the connection stays open".into())?;
    stop.within(SOON)?.map_err(|error| Failure::new(format!("a stream that ended well is a clean stop: {error}")))
}

fn goodbye(text: &str) -> Result<(), Failure> {
    let end = text.rfind("data: {").map_or("", |at| &text[at..]);
    let is_goodbye = end.contains(r#""type":"error""#)
        && end.contains(r#""code":"DRAINING""#)
        && end.contains(r#""retryable":true"#)
        && end.ends_with("\n\ndata: [DONE]\n\n");
    ensure(is_goodbye, || format!("the stream ends with {end:?}"))
}

/// A stream without an end ends with the grace, and the stop is clean.
pub(super) fn endless_stream(ctx: &Ctx) -> Result<(), Failure> {
    let control = ctx.control()?;
    let mut connection = ctx.connect()?;
    // Faster than any real engine, and not so fast that megabytes are on their way when the grace ends.
    ctx.send(&mut connection, &agent("stream", "test/steady", "x"));
    connection.read_until("data: {")?;
    let stop = control.stop();
    // All is read as it comes; only its end is kept.
    let mut tail = Vec::new();
    loop {
        let piece = connection.take(1024, SOON);
        if piece.is_empty() {
            break;
        }
        tail.extend_from_slice(&piece);
        let cut = tail.len().saturating_sub(4096);
        tail.drain(..cut);
    }
    let tail = String::from_utf8_lossy(&tail).into_owned();
    let chunk = tail.strip_suffix("\r\n0\r\n\r\n").and_then(|tail| tail.rsplit("\r\n").next());
    goodbye(chunk.ok_or_else(|| Failure::new(format!("the answer ends with {tail:?}")))?)?;
    stop.within(SOON)?.map_err(|error| Failure::new(format!("a stream that ended well is a clean stop: {error}")))
}

/// What does not end by itself is cut after the grace, and the stop says so.
pub(super) fn cut(ctx: &Ctx) -> Result<(), Failure> {
    let control = ctx.control()?;
    let mut waiting = ctx.connect()?;
    ctx.send(&mut waiting, &agent("execute", "test/silent", "x"));
    let mut unread =
        ctx.connect_with(ConnectionOptions { receive_buffer: Some(4096), ..ConnectionOptions::default() })?;
    ctx.send(&mut unread, &agent("stream", "test/endless", "x"));
    at_work(control, 2)?;
    let begun = Instant::now();
    let result = control.stop().within(Duration::from_secs(8))?;
    let took = begun.elapsed();
    ensure(matches!(result, Err(ServerError::Forced)), || format!("the stop gives {result:?}"))?;
    // 2 s of drain delay and grace, a second for goodbyes, and at most two until all is cut.
    let in_time = (Duration::from_secs(2)..Duration::from_millis(5500)).contains(&took);
    ensure(in_time, || format!("the stop took {took:?}"))?;
    at_work(control, 0)?;
    ensure(waiting.is_closed_within(SOON), || "the waiting connection stays open".into())
}
