//! The rate limit: five requests in 60 s from an address.

use std::time::{SystemTime, UNIX_EPOCH};

use crate::case::{HeaderLines, RequestSpec};
use crate::function::{Ctx, Failure, ensure, expect_status};
use crate::parse::RawResponse;

const PATH: &str = "/api/health/startup";
const LIMIT: u64 = 5;

fn number(answer: &RawResponse, name: &str) -> Result<u64, Failure> {
    let text = answer.header_text(name);
    let number = text.as_deref().and_then(|text| text.parse().ok());
    number.ok_or_else(|| Failure::new(format!("header {name} is {text:?}, not a whole number")))
}

fn is_refused(answer: &RawResponse) -> Result<(), Failure> {
    expect_status(answer, 429)?;
    let wait = number(answer, "retry-after")?;
    ensure((1..=60).contains(&wait), || format!("Retry-After is {wait} of a window of 60 s"))
}

/// The headers count down to zero and the sixth request is refused.
pub(super) fn counts_down(ctx: &Ctx) -> Result<(), Failure> {
    for used in 1..=LIMIT {
        let answer = ctx.get(PATH, None)?;
        expect_status(&answer, 200)?;
        ensure(number(&answer, "x-ratelimit-limit")? == LIMIT, || "the limit is not 5".into())?;
        let left = number(&answer, "x-ratelimit-remaining")?;
        ensure(left == LIMIT - used, || format!("{left} are left after {used} requests"))?;
    }
    let answer = ctx.get(PATH, None)?;
    is_refused(&answer)?;
    ensure(number(&answer, "x-ratelimit-remaining")? == 0, || "a refusal has requests left".into())
}

/// What one address used up, another still has.
pub(super) fn apart(ctx: &Ctx) -> Result<(), Failure> {
    for _ in 0..LIMIT {
        expect_status(&ctx.get(PATH, None)?, 200)?;
    }
    is_refused(&ctx.get(PATH, None)?)?;
    expect_status(&ctx.other().get(PATH, None)?, 200)
}

/// A client that nobody trusts cannot choose its address.
pub(super) fn forwarded(ctx: &Ctx) -> Result<(), Failure> {
    for n in 0..=LIMIT {
        let header = |name: &str, value: String| (name.to_owned(), value);
        let answer = ctx.ask(&RequestSpec {
            path: Some(PATH.into()),
            headers: HeaderLines::List(vec![
                header("X-Forwarded-For", format!("192.0.2.{n}")),
                header("X-Real-IP", format!("192.0.2.{n}")),
                header("Forwarded", format!("for=192.0.2.{n}")),
                header("CF-Connecting-IP", format!("192.0.2.{n}")),
                header("True-Client-IP", format!("192.0.2.{n}")),
                header("X-Request-ID", format!("id-{n}")),
            ]),
            ..RequestSpec::default()
        })?;
        if n < LIMIT {
            expect_status(&answer, 200)?;
        } else {
            is_refused(&answer)?;
        }
    }
    Ok(())
}

/// HEAD and GET have one count.
pub(super) fn head(ctx: &Ctx) -> Result<(), Failure> {
    for _ in 0..LIMIT {
        let answer =
            ctx.ask(&RequestSpec { method: Some("HEAD".into()), path: Some(PATH.into()), ..RequestSpec::default() })?;
        expect_status(&answer, 200)?;
    }
    is_refused(&ctx.get(PATH, None)?)
}

/// `X-RateLimit-Reset` is in Unix seconds and at most a window away.
pub(super) fn reset(ctx: &Ctx) -> Result<(), Failure> {
    let answer = ctx.get(PATH, None)?;
    let reset = number(&answer, "x-ratelimit-reset")?;
    let now = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |now| now.as_secs());
    ensure(reset >= now.saturating_sub(1) && reset <= now + 62, || format!("the reset is {reset}, now is {now}"))
}
