//! Requests that several conversations send, and what they wait for.

use std::time::{Duration, Instant};

use crate::control::Control;
use crate::function::{Ctx, Failure, ensure, expect_status, wait_until};
use crate::parse::RawResponse;
use crate::wire::Connection;

use super::pauses::Pauses;

/// Far above what anything takes that is not waited for on purpose.
pub(crate) const SOON: Duration = Duration::from_secs(5);

pub(crate) const LIVE: &str = r"GET /api/health/live HTTP/1.1\r\nHost: localhost\r\n\r\n";

/// A POST of the agent's, as a user of every configuration.
pub(crate) fn agent(route: &str, model: &str, input: &str) -> String {
    let body = format!(r#"{{"input":"{input}","model":"{model}"}}"#);
    let length = body.len();
    format!(
        r"POST /api/agent/{route} HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {{user-token}}\r\nContent-Type: application/json\r\nContent-Length: {length}\r\n\r\n{body}"
    )
}

/// A stream that lasts 100 ms a word.
pub(crate) fn slow_stream(words: usize) -> String {
    agent("stream", "offline/slow-100ms", "word ".repeat(words).trim_end())
}

/// Waits until the engine works on so many requests.
pub(crate) fn at_work(control: &Control, count: u64) -> Result<Duration, Failure> {
    wait_until(SOON, &format!("{count} at work in the engine"), || control.engine().running() == count)
}

/// Sees the engine stop within 250 ms after its client has left; the pauses are those since it began to leave.
///
/// The time is the engine's own: from where the client has left to where its work is dropped. What the machine itself
/// paused meanwhile, for threads that only wanted to wake, is no fault of the server's and comes on top, up to as much
/// again.
pub(crate) fn stops_within_250_ms(control: &Control, pauses: Pauses) -> Result<(), Failure> {
    const PROMISED: Duration = Duration::from_millis(250);
    const MOST_PAUSED: Duration = Duration::from_millis(250);
    let left = Instant::now();
    at_work(control, 0)?;
    let ended = control.engine().ended().ok_or_else(|| Failure::new("the engine was never at work"))?;
    let (took, paused) = (ended.saturating_duration_since(left), pauses.worst());
    ensure(took <= PROMISED + paused.min(MOST_PAUSED), || {
        format!(
            "the engine went on for {took:?} after its client had left, and 250 ms are promised; \
             the machine paused for {paused:?}"
        )
    })
}

/// A request on an open connection that is answered with the live probe.
pub(crate) fn is_alive(ctx: &Ctx, connection: &mut Connection) -> Result<RawResponse, Failure> {
    ctx.send(connection, LIVE);
    let answer = ctx.answer(connection, "GET")?;
    expect_status(&answer, 200)?;
    Ok(answer)
}

/// Fails unless the error of an answer has this code.
pub(crate) fn expect_code(answer: &RawResponse, code: &str) -> Result<(), Failure> {
    let found = answer.json().map(|json| json["error"]["code"].clone());
    ensure(found == Some(code.into()), || format!("expected the code {code}: {}", answer.text()))
}

/// Fails unless an answer says that the connection closes.
pub(crate) fn expect_close(answer: &RawResponse) -> Result<(), Failure> {
    let header = answer.header_text("connection").unwrap_or_default();
    ensure(header.eq_ignore_ascii_case("close"), || format!("expected `Connection: close`, got {header:?}"))
}
