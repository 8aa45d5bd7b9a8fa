//! What depends on the time of day: the case puts the clock forward.

use std::time::{Duration, Instant};

use neurolink_core::Clock as _;

use crate::function::{Ctx, Failure, ensure, expect_status};
use crate::parse::RawResponse;

use super::requests::{SOON, agent, at_work, expect_code};

/// A path that five requests in 60 s from an address may ask for.
const LIMITED: &str = "/api/health/startup";

/// The wait that a refusal tells is exactly what is needed: a second less is not enough.
pub(super) fn retry_after(ctx: &Ctx) -> Result<(), Failure> {
    let clock = ctx.control()?.clock();
    let wait = |answer: &RawResponse| -> Result<u64, Failure> {
        expect_status(answer, 429)?;
        let text = answer.header_text("retry-after").unwrap_or_default();
        text.parse().map_err(|_| Failure::new(format!("Retry-After is {text:?}")))
    };
    for _ in 0..5 {
        expect_status(&ctx.get(LIMITED, None)?, 200)?;
    }
    let told = wait(&ctx.get(LIMITED, None)?)?;
    ensure((2..=60).contains(&told), || format!("Retry-After is {told} of a window of 60 s"))?;
    clock.advance(Duration::from_secs(told - 1));
    let left = wait(&ctx.get(LIMITED, None)?)?;
    ensure(left == 1, || format!("a second before the end Retry-After is {left}"))?;
    clock.advance(Duration::from_secs(1));
    let answer = ctx.get(LIMITED, None)?;
    expect_status(&answer, 200)?;
    let remaining = answer.header_text("x-ratelimit-remaining");
    ensure(remaining.as_deref() == Some("4"), || format!("a new window begins with {remaining:?} left"))
}

/// When `{jwt-valid}` expires, since the epoch.
const EXPIRES: Duration = Duration::from_secs(4_102_444_800);

/// Puts the clock so far before the expiry of `{jwt-valid}`.
fn before_expiry(ctx: &Ctx, by: Duration) -> Result<(), Failure> {
    let clock = ctx.control()?.clock();
    clock.advance(EXPIRES.saturating_sub(by).saturating_sub(clock.now()));
    Ok(())
}

/// A token that was good for one request is expired for the next, on the same connection.
pub(super) fn token(ctx: &Ctx) -> Result<(), Failure> {
    before_expiry(ctx, Duration::from_secs(60))?;
    let request = r"GET /api/test/whoami HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {jwt-valid}\r\n\r\n";
    let mut connection = ctx.connect()?;
    ctx.send(&mut connection, request);
    expect_status(&ctx.answer(&mut connection, "GET")?, 200)?;
    ctx.control()?.clock().advance(Duration::from_secs(60));
    ctx.send(&mut connection, request);
    let answer = ctx.answer(&mut connection, "GET")?;
    expect_status(&answer, 401)?;
    expect_code(&answer, "TOKEN_EXPIRED")?;
    let challenge = answer.header_text("www-authenticate").unwrap_or_default();
    ensure(challenge.contains("invalid_token"), || format!("the challenge is {challenge:?}"))
}

/// The end of a stream whose credential has expired.
fn ends_expired(answer: &RawResponse) -> Result<(), Failure> {
    let text = answer.text();
    let end = text.rfind("data: {").map_or("", |at| &text[at..]);
    let expired = end.contains(r#""type":"error""#)
        && end.contains(r#""code":"AUTH_EXPIRED""#)
        && end.ends_with("\n\ndata: [DONE]\n\n");
    ensure(expired, || format!("the stream ends with {end:?}"))
}

/// A stream that is at work ends when its credential does.
pub(super) fn stream(ctx: &Ctx) -> Result<(), Failure> {
    let control = ctx.control()?;
    before_expiry(ctx, Duration::from_secs(60))?;
    let words = "word ".repeat(50);
    let mut connection = ctx.connect()?;
    ctx.send(
        &mut connection,
        &agent("stream", "offline/slow-100ms", words.trim_end()).replace("{user-token}", "{jwt-valid}"),
    );
    connection.read_until("data: {")?;
    control.clock().advance(Duration::from_secs(60));
    let answer = ctx.answer(&mut connection, "POST")?;
    ends_expired(&answer)?;
    at_work(control, 0).map(|_| ())
}

/// A stream on which nothing happens ends in time too.
pub(super) fn silent_stream(ctx: &Ctx) -> Result<(), Failure> {
    let control = ctx.control()?;
    let left = Duration::from_millis(700);
    before_expiry(ctx, left)?;
    let begun = Instant::now();
    let mut connection = ctx.connect()?;
    ctx.send(&mut connection, &agent("stream", "test/silent", "x").replace("{user-token}", "{jwt-valid}"));
    let answer = ctx.answer(&mut connection, "POST")?;
    let took = begun.elapsed();
    expect_status(&answer, 200)?;
    ends_expired(&answer)?;
    let in_time = (left - Duration::from_millis(50)..SOON).contains(&took);
    ensure(in_time, || format!("it ended after {took:?}, and its credential after {left:?}"))?;
    at_work(control, 0).map(|_| ())
}
