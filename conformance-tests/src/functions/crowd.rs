//! Many connections, many streams, many questions.

use std::time::{Duration, Instant};

use crate::control::Control;
use crate::function::{Ctx, Failure, ensure, expect_status, wait_until};
use crate::process::{enough_files, open_at};
use crate::wire::{Connection, ConnectionOptions};

use super::requests::{LIVE, SOON, agent, is_alive, slow_stream};

const CROWD: usize = 1000;
/// Both ends of each connection are in this process, and other cases run beside.
const FILES: u64 = 4096;

/// A thousand connections that say nothing: honest clients do not notice, and nothing is left of them.
pub(super) fn thousand(ctx: &Ctx) -> Result<(), Failure> {
    enough_files(FILES)?;
    let mut idle: Vec<Connection> = Vec::with_capacity(CROWD);
    for _ in 0..CROWD {
        idle.push(
            ctx.connect_with(ConnectionOptions { timeout: Duration::from_secs(30), ..ConnectionOptions::default() })?,
        );
    }
    // Where the queue of a listener was full, the kernel tries again after 1, 3, 7 and 15 s.
    wait_until(Duration::from_secs(20), "all are accepted by the kernel", || {
        open_at(ctx.addr()).is_ok_and(|open| open >= CROWD)
    })?;
    let mut busy = ctx.connect()?;
    let mut slowest = Duration::ZERO;
    for _ in 0..20 {
        let begun = Instant::now();
        is_alive(ctx, &mut busy)?;
        expect_status(&ctx.get("/api/test/params/a", None)?, 200)?;
        slowest = slowest.max(begun.elapsed());
    }
    ensure(slowest < Duration::from_secs(1), || format!("an honest client waited for {slowest:?}"))?;
    // Each of them can still speak.
    for connection in idle.iter_mut().step_by(100) {
        is_alive(ctx, connection)?;
    }
    drop((idle, busy));
    // A thousand ends take a busy machine a while.
    wait_until(4 * SOON, "all are freed", || open_at(ctx.addr()).is_ok_and(|open| open == 0)).map(|_| ())
}

/// Answers of pipelined requests keep their order when the first takes its time.
pub(super) fn slow_first(ctx: &Ctx) -> Result<(), Failure> {
    let mut connection = ctx.connect()?;
    let quick = |id: &str| format!(r"GET /api/test/params/{id} HTTP/1.1\r\nHost: localhost\r\n\r\n");
    ctx.send(
        &mut connection,
        &[&slow_stream(3), &quick("a"), &agent("execute", "offline/slow-100ms", "one two"), &quick("b")]
            .map(String::as_str)
            .concat(),
    );
    let stream = ctx.answer(&mut connection, "POST")?;
    ensure(stream.text().ends_with("data: [DONE]\n\n"), || "the first answer is not the whole stream".into())?;
    let texts = [r#""id":"a""#, r#""content""#, r#""id":"b""#];
    for (method, text) in ["GET", "POST", "GET"].into_iter().zip(texts) {
        let answer = ctx.answer(&mut connection, method)?;
        expect_status(&answer, 200)?;
        ensure(answer.text().contains(text), || format!("expected {text} in {}", answer.text()))?;
    }
    Ok(())
}

/// How many streams a user may have at one time.
const STREAMS: usize = 32;

/// One user's streams are so many; another user is not held up, and a stream that ends makes room.
pub(super) fn streams(ctx: &Ctx) -> Result<(), Failure> {
    let request = agent("stream", "test/silent", "x");
    let open = |ctx: &Ctx| -> Result<Connection, Failure> {
        let mut connection = ctx.connect()?;
        ctx.send(&mut connection, &request);
        connection.read_until("text/event-stream")?;
        Ok(connection)
    };
    let mut streams = Vec::new();
    for _ in 0..STREAMS {
        streams.push(open(ctx)?);
    }
    let mut refused = ctx.connect()?;
    ctx.send(&mut refused, &request);
    let answer = ctx.answer(&mut refused, "POST")?;
    expect_status(&answer, 429)?;
    ensure(answer.header_text("retry-after").is_some(), || "the 429 has no Retry-After".into())?;
    let mut other = ctx.connect()?;
    ctx.send(&mut other, &request.replace("{user-token}", "{other-token}"));
    other.read_until("text/event-stream")?;
    streams.pop();
    let again = || {
        let mut connection = ctx.connect().ok()?;
        connection.send(&ctx.bytes(&request));
        connection.answer_begins_with("HTTP/1.1 200").then_some(connection)
    };
    let mut room = None;
    wait_until(SOON, "a stream that ended makes room", || {
        room = again();
        room.is_some()
    })
    .map(|_| ())
}

/// Fifty probes a second from one address are answered, further ones are refused until the second is over.
pub(super) fn probes(ctx: &Ctx) -> Result<(), Failure> {
    const PROBES: usize = 50;
    // In this process the second lasts as long as the case wants; elsewhere the questions come in one write.
    let clock = ctx.control().ok().map(Control::clock);
    if let Some(clock) = clock {
        clock.hold();
    }
    let mut connection = ctx.connect()?;
    ctx.send(&mut connection, &LIVE.repeat(4 * PROBES));
    let mut answered = 0;
    let refused = loop {
        let answer = ctx.answer(&mut connection, "GET")?;
        if answer.status == 429 {
            break answer;
        }
        expect_status(&answer, 200)?;
        answered += 1;
        ensure(answered < 4 * PROBES, || format!("{answered} probes in one write were all answered"))?;
    };
    // Those behind it have to be judged too, before the second is over.
    for _ in answered + 1..4 * PROBES {
        ctx.answer(&mut connection, "GET")?;
    }
    let right = if clock.is_some() { answered == PROBES } else { answered >= PROBES };
    ensure(right, || format!("expected {PROBES} probes to be answered, got {answered}"))?;
    ensure(refused.header_text("retry-after").as_deref() == Some("1"), || "Retry-After is not 1".into())?;
    // Another address is not held up by it, and waiting helps.
    expect_status(&ctx.other().get("/api/health/live", None)?, 200)?;
    let again = || ctx.get("/api/health/live", None).map(|answer| answer.status == 200);
    let Some(clock) = clock else {
        return wait_until(Duration::from_secs(3), "the next second", || again().unwrap_or(false)).map(|_| ());
    };
    ensure(!again()?, || "a probe was answered before the second was over".into())?;
    clock.advance(Duration::from_secs(1));
    ensure(again()?, || "no probe was answered when the second was over".into())
}
