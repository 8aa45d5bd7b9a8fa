//! Streams while they run.

use std::time::{Duration, Instant};

use crate::function::{Ctx, Failure, ensure, expect_status};
use crate::parse::Framing;
use crate::watched::TICK_COUNT;

use super::requests::agent;

fn stream(model: &str, version: &str) -> String {
    let body = format!(r#"{{"input":"one two three four five six","model":"{model}"}}"#);
    let length = body.len();
    format!(
        r"POST /api/agent/stream HTTP/{version}\r\nHost: localhost\r\nAuthorization: Bearer {{user-token}}\r\nContent-Type: application/json\r\nContent-Length: {length}\r\n\r\n{body}"
    )
}

/// The first event is there long before the last: nothing gathers them.
pub(super) fn one_by_one(ctx: &Ctx) -> Result<(), Failure> {
    let mut connection = ctx.connect()?;
    ctx.send(&mut connection, &stream("offline/slow-100ms", "1.1"));
    let begun = Instant::now();
    connection.read_until("data: {")?;
    let first = begun.elapsed();
    let answer = ctx.answer(&mut connection, "POST")?;
    let whole = begun.elapsed();
    expect_status(&answer, 200)?;
    ensure(whole >= first + Duration::from_millis(250), || {
        format!("the first event came after {first:?} and the last after {whole:?}")
    })
}

/// Each of many small events is sent when it is there, and does not wait until the client has told that it got the last.
pub(super) fn not_gathered(ctx: &Ctx) -> Result<(), Failure> {
    let mut connection = ctx.connect()?;
    ctx.send(&mut connection, &agent("stream", "test/ticks", "x"));
    let (mut pieces, mut events) = (0, 0);
    loop {
        let piece = connection.piece();
        if piece.is_empty() {
            return Err(Failure::new(format!("the stream ended after {events} events")));
        }
        let text = String::from_utf8_lossy(&piece).into_owned();
        let count = text.matches("tick").count();
        (pieces, events) = (pieces + usize::from(count > 0), events + count);
        if text.contains("[DONE]") {
            break;
        }
    }
    ensure(events == TICK_COUNT, || format!("{events} of {TICK_COUNT} events came"))?;
    // Gathered, they come in pairs; a client that is slow finds some together too.
    ensure(pieces * 5 > TICK_COUNT * 3, || "small events come gathered".into())
}

/// A client that leaves in the middle of a stream does no harm.
pub(super) fn leave(ctx: &Ctx) -> Result<(), Failure> {
    for _ in 0..3 {
        let mut connection = ctx.connect()?;
        ctx.send(&mut connection, &stream("offline/slow-100ms", "1.1"));
        connection.read_until("data: {")?;
    }
    expect_status(&ctx.get("/api/health/live", None)?, 200)
}

/// A stream for an HTTP/1.0 client ends with the connection.
pub(super) fn http10(ctx: &Ctx) -> Result<(), Failure> {
    let mut connection = ctx.connect()?;
    ctx.send(&mut connection, &stream("offline/chunks-50", "1.0"));
    let asked = crate::parse::Asked { method: "POST".into(), http10: true };
    let answer = connection.answer(&asked)?;
    expect_status(&answer, 200)?;
    ensure(answer.framing == Framing::Close, || format!("the framing is {:?}", answer.framing))?;
    ensure(answer.text().ends_with("data: [DONE]\n\n"), || "the stream has no end".into())
}
