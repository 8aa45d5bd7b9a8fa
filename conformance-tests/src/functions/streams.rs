//! Streams while they run.

use std::time::{Duration, Instant};

use crate::function::{Ctx, Failure, ensure, expect_status};
use crate::parse::Framing;

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
