//! The limits and the log of the preset `keryx`: the clock stands still, and the case puts it forward.

use std::time::Duration;

use neurolink_core::Clock as _;
use serde_json::json;

use crate::function::{Ctx, Failure, ensure, expect_status, wait_until};
use crate::parse::RawResponse;
use crate::wire::Connection;

use super::access_log::{Listening, lines_with};
use super::requests::SOON;

const WINDOW: Duration = Duration::from_secs(60);
const OF_STRANGERS: usize = 20;
const OF_USERS: usize = 200;

const STRANGER: &str = r"GET /api/test/params/a HTTP/1.1\r\nHost: localhost\r\n\r\n";
const USER: &str = r"GET /api/test/whoami HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {user-token}\r\n\r\n";
const OTHER: &str = r"GET /api/test/whoami HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {other-token}\r\n\r\n";

/// Stops the clock where a window begins, and tells when that is.
fn window_begins(ctx: &Ctx) -> Result<Duration, Failure> {
    let clock = ctx.control()?.clock();
    clock.hold();
    let into = Duration::from_nanos(u64::try_from(clock.now().as_nanos() % WINDOW.as_nanos()).unwrap_or(0));
    clock.advance(WINDOW - into);
    Ok(clock.now())
}

/// Sends a request so many times, in heaps that fit into a socket, and fails unless each answer has this status.
fn ask(
    ctx: &Ctx,
    connection: &mut Connection,
    request: &str,
    times: usize,
    status: u16,
) -> Result<RawResponse, Failure> {
    let (mut left, mut last) = (times, None);
    while left > 0 {
        let heap = left.min(50);
        ctx.send(connection, &request.repeat(heap));
        for _ in 0..heap {
            let answer = ctx.answer(connection, "GET")?;
            expect_status(&answer, status)?;
            last = Some(answer);
        }
        left -= heap;
    }
    last.ok_or_else(|| Failure::new("nothing was asked"))
}

fn expect_header(answer: &RawResponse, name: &str, value: &str) -> Result<(), Failure> {
    let found = answer.header_text(name);
    ensure(found.as_deref() == Some(value), || format!("{name} is {found:?}, expected {value:?}"))
}

/// The twenty-first request of a stranger is refused with Keryx's text and all headers, and another address is not.
pub(super) fn of_strangers(ctx: &Ctx) -> Result<(), Failure> {
    window_begins(ctx)?;
    let mut connection = ctx.connect()?;
    let last = ask(ctx, &mut connection, STRANGER, OF_STRANGERS, 200)?;
    expect_header(&last, "x-ratelimit-remaining", "0")?;
    let refused = ask(ctx, &mut connection, STRANGER, 1, 429)?;
    expect_header(&refused, "retry-after", "60")?;
    expect_header(&refused, "access-control-allow-origin", "*")?;
    expect_header(&refused, "x-frame-options", "DENY")?;
    let message = refused.json().unwrap_or_default()["error"]["message"].take();
    ensure(message == json!("Rate limit exceeded. Try again in 60 seconds."), || format!("the message is {message}"))?;
    let other = ctx.other();
    ask(&other, &mut other.connect()?, STRANGER, 1, 200).map(drop)
}

/// The request after two hundred of a user is refused, and another user of that address is not.
pub(super) fn of_users(ctx: &Ctx) -> Result<(), Failure> {
    window_begins(ctx)?;
    let mut connection = ctx.connect()?;
    let last = ask(ctx, &mut connection, USER, OF_USERS, 200)?;
    expect_header(&last, "x-ratelimit-remaining", "0")?;
    ask(ctx, &mut connection, USER, 1, 429)?;
    ask(ctx, &mut connection, OTHER, 1, 200).map(drop)
}

/// Users and strangers of one address have a count each.
pub(super) fn apart(ctx: &Ctx) -> Result<(), Failure> {
    window_begins(ctx)?;
    let mut connection = ctx.connect()?;
    for (request, left) in [(USER, "199"), (OTHER, "199"), (STRANGER, "19"), (USER, "198")] {
        let answer = ask(ctx, &mut connection, request, 1, 200)?;
        expect_header(&answer, "x-ratelimit-remaining", left)?;
    }
    Ok(())
}

/// A window ends with a minute of the clock, whenever the first request came; of the one before, what it still covers counts.
pub(super) fn windows(ctx: &Ctx) -> Result<(), Failure> {
    let begin = window_begins(ctx)?;
    let clock = ctx.control()?.clock();
    let mut connection = ctx.connect()?;
    clock.advance(Duration::from_secs(59));
    let answer = ask(ctx, &mut connection, STRANGER, 10, 200)?;
    expect_header(&answer, "x-ratelimit-reset", &(begin + WINDOW).as_secs().to_string())?;
    clock.advance(Duration::from_secs(1));
    let answer = ask(ctx, &mut connection, STRANGER, 1, 200)?;
    expect_header(&answer, "x-ratelimit-reset", &(begin + 2 * WINDOW).as_secs().to_string())?;
    expect_header(&answer, "x-ratelimit-remaining", "9")?;
    clock.advance(WINDOW / 2);
    let answer = ask(ctx, &mut connection, STRANGER, 1, 200)?;
    expect_header(&answer, "x-ratelimit-remaining", "13")
}

/// Who is refused is counted: twenty too many are still felt in the middle of the next window.
pub(super) fn refused_count(ctx: &Ctx) -> Result<(), Failure> {
    window_begins(ctx)?;
    let mut connection = ctx.connect()?;
    ask(ctx, &mut connection, STRANGER, OF_STRANGERS, 200)?;
    ask(ctx, &mut connection, STRANGER, OF_STRANGERS, 429)?;
    ctx.control()?.clock().advance(WINDOW + WINDOW / 2);
    let refused = ask(ctx, &mut connection, STRANGER, 1, 429)?;
    expect_header(&refused, "retry-after", "30")?;
    ctx.control()?.clock().advance(2 * WINDOW);
    ask(ctx, &mut connection, STRANGER, 1, 200).map(drop)
}

/// A request is Keryx's line with the id of its answer, and a client can put no part into it.
pub(super) fn line_of_log(ctx: &Ctx) -> Result<(), Failure> {
    let mark = format!("keryx-{}", ctx.addr().port());
    let _listening = Listening::begin();
    let mut connection = ctx.connect()?;
    let mut get = |path: &str, status: u16| -> Result<String, Failure> {
        let forged = r"X-Request-Id: mine] {} [cor:mine\r\nUser-Agent: [cor:mine]";
        ctx.send(&mut connection, &format!(r"GET {path} HTTP/1.1\r\nHost: localhost\r\n{forged}\r\n\r\n"));
        let answer = ctx.answer(&mut connection, "GET")?;
        expect_status(&answer, status)?;
        Ok(answer.header_text("x-request-id").unwrap_or_default())
    };
    let ids = [
        get(&format!("/api/test/params/{mark}?token=hunter2"), 200)?,
        get(&format!("/api/test/params/{mark})%20[cor:mine]%20%7B%7D"), 200)?,
        get(&format!("/api/{mark}"), 404)?,
    ];
    wait_until(SOON, "a line for each request", || lines_with(&mark).len() >= ids.len())?;
    let lines = lines_with(&mark);
    let parts = [
        (
            " message=[ACTION:WEB:OK] /api/test/params/{id} (",
            format!("(http://localhost/api/test/params/{mark}) "),
            "{}",
        ),
        (
            " message=[ACTION:WEB:OK] /api/test/params/{id} (",
            format!("(http://localhost/api/test/params/{mark}%29"),
            "{}",
        ),
        (" message=[ACTION:WEB:ERROR] - (", format!("(http://localhost/api/{mark}) "), "404 {}"),
    ];
    ensure(lines.len() == parts.len(), || format!("3 requests are these lines: {lines:?}"))?;
    for ((line, id), (begin, url, end)) in lines.iter().zip(&ids).zip(&parts) {
        let is_right = line.starts_with(begin)
            && line.contains("ms) [GET] 127.")
            && line.contains(url)
            && line.ends_with(&format!(" [cor:{id}] {end}"))
            && !["mine] ", "[cor:mine", "hunter2"].iter().any(|forged| line.contains(forged))
            && line.trim_start().split(' ').count() == 6 + end.split(' ').count();
        ensure(is_right, || format!("with the id {id} and the end {end:?} this is no line of Keryx: {line:?}"))?;
    }
    Ok(())
}
