//! Streams while they run.

use std::time::{Duration, Instant};

use crate::function::{Ctx, Failure, ensure, expect_status};
use crate::parse::Framing;
use crate::watched::PAIR_COUNT;

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

/// A small event is sent when it is there, and does not wait until the client has told that it got the one before.
pub(super) fn not_gathered(ctx: &Ctx) -> Result<(), Failure> {
    let mut connection = ctx.connect()?;
    ctx.send(&mut connection, &agent("stream", "test/pairs", "x"));
    let engine = ctx.control()?.engine();
    // Those that came before the engine had made the one behind them.
    let mut at_once = 0;
    let (mut came, mut text) = (Vec::new(), String::new());
    while !text.contains("[DONE]") {
        let piece = connection.piece();
        ensure(!piece.is_empty(), || format!("the stream ended after {} events", came.len()))?;
        // An event may be in two pieces.
        text.push_str(&String::from_utf8_lossy(&piece));
        let count = text.matches("tick").count();
        at_once += usize::from(count > came.len() && count % 2 == 1 && engine.events() == count as u64);
        came.resize(count, Instant::now());
    }
    ensure(2 * at_once as u64 > PAIR_COUNT, || "the first of two small events waits for the second".into())?;
    // The second of a pair is made 15 ms behind the first. It comes then, or when the client has told that it got the
    // first: 40 ms behind it.
    let mut gaps: Vec<Duration> = came.chunks_exact(2).map(|pair| pair[1] - pair[0]).collect();
    ensure(gaps.len() as u64 == PAIR_COUNT, || format!("{} of {} events came", came.len(), 2 * PAIR_COUNT))?;
    gaps.sort_unstable();
    ensure(gaps[gaps.len() / 2] < Duration::from_millis(30), || "small events come gathered".into())
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

/// While the engine is silent comments come, and after its time the stream says so and ends.
pub(super) fn silence(ctx: &Ctx) -> Result<(), Failure> {
    let mut connection = ctx.connect()?;
    ctx.send(&mut connection, &agent("stream", "test/silent", "x"));
    let answer = ctx.answer(&mut connection, "POST")?;
    expect_status(&answer, 200)?;
    let text = answer.text();
    let parts = [": keep-alive\n\n", r#""code":"TIMEOUT""#, "data: [DONE]\n\n"].map(|part| text.find(part));
    let in_order = parts.iter().all(Option::is_some) && parts.is_sorted();
    ensure(in_order, || format!("expected a comment, a TIMEOUT and the end, got {text:?}"))
}
