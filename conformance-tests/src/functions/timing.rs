//! What needs a clock.

use std::thread::sleep;
use std::time::{Duration, Instant};

use crate::function::{Ctx, Failure, ensure, expect_status};

use super::requests::agent;

/// A body that comes slowly is read to its end.
pub(super) fn slow_body(ctx: &Ctx) -> Result<(), Failure> {
    let mut connection = ctx.connect()?;
    ctx.send(
        &mut connection,
        r"POST /api/test/echo HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: 9\r\n\r\n",
    );
    for piece in ["{\"a\"", ":[1", "]}"] {
        sleep(Duration::from_millis(40));
        ctx.send(&mut connection, piece);
    }
    let answer = ctx.answer(&mut connection, "POST")?;
    expect_status(&answer, 200)?;
    let body = answer.json().map(|json| json["data"]["body"].clone());
    ensure(body == Some(serde_json::json!({ "a": [1] })), || format!("the body came as {body:?}"))
}

/// A declared length over the limit is refused before a byte of the body is there.
pub(super) fn early_413(ctx: &Ctx) -> Result<(), Failure> {
    let mut connection = ctx.connect()?;
    ctx.send(
        &mut connection,
        r"POST /api/test/echo HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: 5000\r\n\r\n",
    );
    let answer = ctx.answer(&mut connection, "POST")?;
    expect_status(&answer, 413)?;
    code(&answer.text(), "PAYLOAD_TOO_LARGE")
}

/// A chunked body is refused as soon as it is over the limit; its end is not waited for.
pub(super) fn chunked_413(ctx: &Ctx) -> Result<(), Failure> {
    let mut connection = ctx.connect()?;
    ctx.send(
        &mut connection,
        r#"POST /api/test/echo HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n401\r\n"{repeat:1024:a}\r\n400\r\n{repeat:1024:b}\r\n"#,
    );
    let answer = ctx.answer(&mut connection, "POST")?;
    expect_status(&answer, 413)?;
    code(&answer.text(), "PAYLOAD_TOO_LARGE")
}

/// The deadline of 300 ms is kept: not at once, and long before the handler's 5 s.
pub(super) fn timeout(ctx: &Ctx) -> Result<(), Failure> {
    let begun = Instant::now();
    let answer = ctx.get("/api/test/slow", Some("user"))?;
    let took = begun.elapsed();
    expect_status(&answer, 504)?;
    code(&answer.text(), "TIMEOUT")?;
    let in_time = (Duration::from_millis(250)..Duration::from_secs(2)).contains(&took);
    ensure(in_time, || format!("the answer took {took:?}"))
}

/// What the timing headers tell lasts as long as the handler, and no longer than the answer took.
pub(super) fn response_time(ctx: &Ctx) -> Result<(), Failure> {
    let begun = Instant::now();
    let mut connection = ctx.connect()?;
    ctx.send(&mut connection, &agent("execute", "offline/slow-100ms", "x"));
    let answer = ctx.answer(&mut connection, "POST")?;
    let took = begun.elapsed().as_secs_f64() * 1000.0;
    expect_status(&answer, 200)?;
    let text = answer.header_text("x-response-time").unwrap_or_default();
    let told = text.strip_suffix("ms").and_then(|number| number.parse::<f64>().ok());
    ensure(told.is_some_and(|told| (100.0..=took).contains(&told)), || {
        format!("X-Response-Time is {text:?} of {took:.2} ms, of which the handler has at least 100")
    })?;
    let timing = answer.header_text("server-timing");
    let same = format!("total;dur={}", text.trim_end_matches("ms"));
    ensure(timing.as_deref() == Some(&*same), || format!("Server-Timing is {timing:?}, expected {same:?}"))
}

fn code(text: &str, code: &str) -> Result<(), Failure> {
    ensure(text.contains(&format!("\"{code}\"")), || format!("expected the code {code}: {text}"))
}
