//! Requests at one time: two of an address, three of all, one more waits for 300 ms.

use std::time::{Duration, Instant};

use crate::function::{Ctx, Failure, ensure, expect_status, wait_until};
use crate::parse::RawResponse;
use crate::wire::Connection;

use super::requests::{SOON, agent, expect_code, is_alive};

const PATH: &str = "/api/test/params/a";
const QUEUE: Duration = Duration::from_millis(300);

/// A request that holds its place: a stream in which nothing happens.
fn hold(ctx: &Ctx) -> Result<Connection, Failure> {
    let mut connection = ctx.connect()?;
    ctx.send(&mut connection, &agent("stream", "test/silent", "x"));
    connection.read_until("text/event-stream")?;
    Ok(connection)
}

fn is_refused(answer: &RawResponse, status: u16, code: &str) -> Result<(), Failure> {
    expect_status(answer, status)?;
    expect_code(answer, code)?;
    ensure(answer.header_text("retry-after").as_deref() == Some("1"), || "Retry-After is not 1".into())
}

/// One more of an address is refused at once, another address is answered.
pub(super) fn of_a_caller(ctx: &Ctx) -> Result<(), Failure> {
    let _held = [hold(ctx)?, hold(ctx)?];
    for path in [PATH, "/api/nope"] {
        is_refused(&ctx.get(path, None)?, 429, "RATE_LIMIT_EXCEEDED")?;
    }
    expect_status(&ctx.other().get(PATH, None)?, 200)
}

/// A client that leaves gives its place back.
pub(super) fn given_back(ctx: &Ctx) -> Result<(), Failure> {
    let held = [hold(ctx)?, hold(ctx)?];
    is_refused(&ctx.get(PATH, None)?, 429, "RATE_LIMIT_EXCEEDED")?;
    drop(held);
    wait_until(SOON, "a free place", || ctx.get(PATH, None).is_ok_and(|answer| answer.status == 200)).map(|_| ())
}

/// A stream that has ended gives its place back, and its connection goes on.
pub(super) fn ended(ctx: &Ctx) -> Result<(), Failure> {
    let _held = hold(ctx)?;
    let mut connection = ctx.connect()?;
    for _ in 0..3 {
        ctx.send(&mut connection, &agent("stream", "offline-echo", "x"));
        expect_status(&ctx.answer(&mut connection, "POST")?, 200)?;
    }
    Ok(())
}

/// When all places are taken and nobody leaves, one more waits and is refused, a second one is refused at once, and
/// probes are answered.
pub(super) fn shed(ctx: &Ctx) -> Result<(), Failure> {
    let _held = [hold(ctx)?, hold(ctx)?, hold(&ctx.other())?];
    let refused = || {
        let asked = Instant::now();
        is_refused(&ctx.other().get(PATH, None)?, 503, "UNAVAILABLE")?;
        Ok::<_, Failure>(asked.elapsed())
    };
    let both = std::thread::scope(|scope| {
        let both = [scope.spawn(refused), scope.spawn(refused)];
        both.map(|one| one.join().unwrap_or_else(|_| Err(Failure::new("a client panicked"))))
    });
    let [first, second] = both;
    let (first, second) = (first?, second?);
    let (short, long) = (first.min(second), first.max(second));
    ensure(long >= QUEUE && short < QUEUE, || format!("they waited for {short:?} and {long:?}"))?;
    is_alive(ctx, &mut ctx.connect()?).map(|_| ())
}

/// Who waits gets the place of one who leaves.
pub(super) fn queued(ctx: &Ctx) -> Result<(), Failure> {
    let _held = [hold(ctx)?, hold(ctx)?];
    let leaving = hold(&ctx.other())?;
    let third = ctx.other();
    let mut waiting = third.connect()?;
    third.send(&mut waiting, &format!(r"GET {PATH} HTTP/1.1\r\nHost: localhost\r\n\r\n"));
    ensure(waiting.take(1, QUEUE / 3).is_empty(), || "it was answered while all places were taken".into())?;
    drop(leaving);
    expect_status(&third.answer(&mut waiting, "GET")?, 200)
}
