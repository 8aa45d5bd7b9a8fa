//! Clients that leave: what was done for them ends.

use std::time::Duration;

use crate::function::{Ctx, Failure, ensure, wait_until};
use crate::wire::Connection;

use super::pauses::Pauses;
use super::requests::{SOON, agent, at_work, stops_within_250_ms};

#[derive(Clone, Copy)]
enum Leaves {
    Closing,
    Resetting,
}

/// Sends a request, waits for `shown` in its answer, leaves, and sees the engine stop.
fn stops(ctx: &Ctx, request: &str, shown: Option<&str>, leaves: Leaves) -> Result<(), Failure> {
    let control = ctx.control()?;
    let mut connection = ctx.connect()?;
    ctx.send(&mut connection, request);
    at_work(control, 1)?;
    if let Some(text) = shown {
        connection.read_until(text)?;
    }
    let pauses = Pauses::watch();
    match leaves {
        Leaves::Closing => drop(connection),
        Leaves::Resetting => connection.reset(),
    }
    stops_within_250_ms(control, pauses)
}

pub(super) fn closes_before_the_answer(ctx: &Ctx) -> Result<(), Failure> {
    stops(ctx, &agent("execute", "test/silent", "x"), None, Leaves::Closing)
}

pub(super) fn resets_before_the_answer(ctx: &Ctx) -> Result<(), Failure> {
    stops(ctx, &agent("execute", "test/silent", "x"), None, Leaves::Resetting)
}

pub(super) fn closes_during_a_silent_stream(ctx: &Ctx) -> Result<(), Failure> {
    stops(ctx, &agent("stream", "test/silent", "x"), Some("text/event-stream"), Leaves::Closing)
}

pub(super) fn closes_during_a_stream(ctx: &Ctx) -> Result<(), Failure> {
    stops(ctx, &agent("stream", "test/endless", "x"), Some("data: {"), Leaves::Closing)
}

pub(super) fn resets_during_a_stream(ctx: &Ctx) -> Result<(), Failure> {
    stops(ctx, &agent("stream", "test/endless", "x"), Some("data: {"), Leaves::Resetting)
}

/// A request whose body never comes whole never reaches the engine, and its connection is gone with its client.
pub(super) fn leaves_inside_the_body(ctx: &Ctx) -> Result<(), Failure> {
    let control = ctx.control()?;
    let head = r"POST /api/agent/execute HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {user-token}\r\nContent-Type: application/json\r\n";
    let bodies = [r#"Content-Length: 100\r\n\r\n{"input":"#, r#"Transfer-Encoding: chunked\r\n\r\nff\r\n{"input":"#];
    for leave in [drop::<Connection>, Connection::reset] {
        for body in bodies {
            let mut connection = ctx.connect()?;
            ctx.send(&mut connection, &format!("{head}{body}"));
            wait_until(SOON, "the server has the half body", || control.app().body_memory() > 0)?;
            leave(connection);
            wait_until(SOON, "the half body is let go", || control.app().body_memory() == 0)?;
        }
    }
    ensure(control.engine().begun() == 0, || "the engine was asked with half a body".into())?;
    // Nothing is left that a stop would have to wait for: far less than the time a body may take.
    let begun = std::time::Instant::now();
    control.stop().within(SOON)?.map_err(|error| Failure::new(error.to_string()))?;
    let took = begun.elapsed();
    ensure(took < Duration::from_millis(900), || format!("connections of clients that left held up the stop: {took:?}"))
}
