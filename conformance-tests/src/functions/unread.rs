//! Answers that are given before the request's body was read.

use std::time::{Duration, Instant};

use crate::function::{Ctx, Failure, ensure, expect_status};
use crate::parse::RawResponse;
use crate::wire::Connection;

const LIVE: &str = r"GET /api/health/live HTTP/1.1\r\nHost: localhost\r\n\r\n";

/// A request of nobody for a route of users: it is refused before its body is looked at.
fn refused(framing: &str) -> String {
    format!(
        r"POST /api/agent/execute HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n{framing}\r\n\r\n"
    )
}

fn says_close(answer: &RawResponse) -> bool {
    answer.header_text("connection").is_some_and(|value| value.eq_ignore_ascii_case("close"))
}

/// The answer to what was sent says nothing of the connection, and the next request on it is answered.
fn goes_on(ctx: &Ctx, request: &str) -> Result<(), Failure> {
    let mut connection = ctx.connect()?;
    for _ in 0..3 {
        ctx.send(&mut connection, request);
        let answer = ctx.answer(&mut connection, "POST")?;
        expect_status(&answer, 401)?;
        let said = answer.header_text("connection");
        ensure(said.is_none(), || format!("the connection is {said:?}"))?;
    }
    ctx.send(&mut connection, LIVE);
    expect_status(&ctx.answer(&mut connection, "GET")?, 200)
}

/// A body that came with its head is skipped.
pub(super) fn skipped(ctx: &Ctx) -> Result<(), Failure> {
    goes_on(ctx, &(refused("Content-Length: 200") + "{repeat:200:x}"))
}

/// A chunked body that came with its head is skipped to its last chunk.
pub(super) fn skipped_chunks(ctx: &Ctx) -> Result<(), Failure> {
    let chunks = r"64\r\n{repeat:100:x}\r\n64\r\n{repeat:100:x}\r\n0\r\n\r\n";
    goes_on(ctx, &(refused("Transfer-Encoding: chunked") + chunks))
}

/// The answer says that the connection ends, and it does, whatever the client still sends.
fn closes(ctx: &Ctx, mut connection: Connection, rest: &str) -> Result<(), Failure> {
    let begun = Instant::now();
    let answer = ctx.answer(&mut connection, "POST")?;
    expect_status(&answer, 401)?;
    ensure(begun.elapsed() < Duration::from_secs(1), || format!("it came after {:?}", begun.elapsed()))?;
    ensure(says_close(&answer), || format!("the connection is {:?}", answer.header_text("connection")))?;
    ctx.send(&mut connection, rest);
    ensure(connection.is_closed_within(Duration::from_secs(4)), || "the connection stays open".into())
}

/// A body that is slow to come is not waited for.
pub(super) fn not_awaited(ctx: &Ctx) -> Result<(), Failure> {
    for framing in ["Content-Length: 2000", "Transfer-Encoding: chunked"] {
        let mut connection = ctx.connect()?;
        ctx.send(&mut connection, &(refused(framing) + r"64\r\n{repeat:100:x}"));
        closes(ctx, connection, "{repeat:100:x}")?;
    }
    Ok(())
}

/// A large body is not skipped, even if all of it has come.
pub(super) fn too_large(ctx: &Ctx) -> Result<(), Failure> {
    let mut connection = ctx.connect()?;
    ctx.send(&mut connection, &(refused("Content-Length: 66000") + "{repeat:66000:x}"));
    closes(ctx, connection, "")
}

/// A client that waits to be asked for its body is not asked.
pub(super) fn not_asked(ctx: &Ctx) -> Result<(), Failure> {
    let mut connection = ctx.connect()?;
    ctx.send(&mut connection, &refused(r"Content-Length: 200\r\nExpect: 100-continue"));
    let answer = ctx.answer(&mut connection, "POST")?;
    expect_status(&answer, 401)?;
    ensure(says_close(&answer), || format!("the connection is {:?}", answer.header_text("connection")))
}
