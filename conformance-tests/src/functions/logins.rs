//! Logins: tokens that replace one another, and what ends them.

use std::collections::BTreeSet;
use std::time::Duration;

use serde_json::{Value, json};

use super::requests::expect_code;
use crate::case::{HeaderLines, RequestSpec};
use crate::function::{Ctx, Failure, ensure, expect_status};
use crate::parse::RawResponse;

const SECOND: Duration = Duration::from_secs(1);
const DAY: Duration = Duration::from_secs(24 * 60 * 60);
const PASSWORD: &str = "correct horse";

/// What a login gave.
struct Tokens {
    access: String,
    refresh: String,
}

fn post(ctx: &Ctx, route: &str, body: Value) -> Result<RawResponse, Failure> {
    ctx.ask(&RequestSpec {
        method: Some("POST".into()),
        path: Some(format!("/api/auth/{route}")),
        body_json: Some(body),
        ..RequestSpec::default()
    })
}

fn log_in(ctx: &Ctx, name: &str, password: &str) -> Result<RawResponse, Failure> {
    post(ctx, "login", json!({ "username": name, "password": password }))
}

fn refresh(ctx: &Ctx, token: &str) -> Result<RawResponse, Failure> {
    post(ctx, "refresh", json!({ "refreshToken": token }))
}

/// Both tokens of an answer, which is whole and may not be stored.
fn tokens(answer: &RawResponse) -> Result<Tokens, Failure> {
    expect_status(answer, 200)?;
    let data = answer.json().unwrap_or_default()["data"].take();
    let text = |name: &str| {
        let found = data[name].as_str().filter(|text| !text.is_empty()).map(str::to_owned);
        found.ok_or_else(|| Failure::new(format!("there is no {name}: {}", answer.text())))
    };
    let times = (&data["tokenType"], &data["expiresIn"], data["refreshExpiresIn"].as_u64());
    let expected = (&json!("Bearer"), &json!(900));
    ensure((times.0, times.1) == expected && times.2.is_some_and(|left| left <= 2_592_000), || {
        format!("the tokens last {times:?}")
    })?;
    let stored = answer.header_text("cache-control");
    ensure(stored.as_deref() == Some("no-store"), || format!("tokens may be stored: {stored:?}"))?;
    Ok(Tokens { access: text("accessToken")?, refresh: text("refreshToken")? })
}

fn logged_in(ctx: &Ctx) -> Result<Tokens, Failure> {
    tokens(&log_in(ctx, "ada", PASSWORD)?)
}

fn refreshed(ctx: &Ctx, token: &str) -> Result<Tokens, Failure> {
    tokens(&refresh(ctx, token)?)
}

fn get(ctx: &Ctx, path: &str, access: &str) -> Result<RawResponse, Failure> {
    let headers = HeaderLines::List(vec![("Authorization".into(), format!("Bearer {access}"))]);
    ctx.ask(&RequestSpec { path: Some(path.into()), headers, ..RequestSpec::default() })
}

fn who(ctx: &Ctx, access: &str) -> Result<RawResponse, Failure> {
    get(ctx, "/api/test/whoami", access)
}

/// A token that does not count: 401, in the words of any that is wrong.
fn is_refused(answer: &RawResponse) -> Result<(), Failure> {
    expect_status(answer, 401)?;
    expect_code(answer, "AUTH_INVALID")
}

/// Nothing of a login counts any more.
fn has_ended(ctx: &Ctx, tokens: &Tokens) -> Result<(), Failure> {
    is_refused(&who(ctx, &tokens.access)?)?;
    is_refused(&refresh(ctx, &tokens.refresh)?)
}

/// A name and its password are tokens, which are the user with their roles.
pub(super) fn signs_in(ctx: &Ctx) -> Result<(), Failure> {
    for (name, password, id, admin) in [
        ("ada", PASSWORD, "u1", 403),
        ("bob", PASSWORD, "u2", 200),
        ("old", PASSWORD, "u4", 403),
        ("ünï", "pässwörd £", "u3", 403),
    ] {
        let own = tokens(&log_in(ctx, name, password)?)?;
        let answer = who(ctx, &own.access)?;
        expect_status(&answer, 200)?;
        let data = answer.json().unwrap_or_default()["data"].take();
        ensure(data["id"] == id, || format!("{name} is {data}"))?;
        expect_status(&get(ctx, "/api/test/admin", &own.access)?, admin)?;
    }
    Ok(())
}

/// The routes are public: what stands in `Authorization` is not looked at.
pub(super) fn judges_the_body_alone(ctx: &Ctx) -> Result<(), Failure> {
    for credentials in ["Bearer wrong", "Basic wrong", "Nothing"] {
        let answer = ctx.ask(&RequestSpec {
            method: Some("POST".into()),
            path: Some("/api/auth/login".into()),
            headers: HeaderLines::List(vec![("Authorization".into(), credentials.into())]),
            body_json: Some(json!({ "username": "ada", "password": PASSWORD })),
            ..RequestSpec::default()
        })?;
        tokens(&answer)?;
    }
    Ok(())
}

/// A refresh gives other tokens, and those count.
pub(super) fn rotates(ctx: &Ctx) -> Result<(), Failure> {
    let mut last = logged_in(ctx)?;
    for _ in 0..3 {
        let next = refreshed(ctx, &last.refresh)?;
        ensure(next.refresh != last.refresh && next.access != last.access, || "the same tokens came again".into())?;
        for access in [&last.access, &next.access] {
            expect_status(&who(ctx, access)?, 200)?;
        }
        last = next;
    }
    Ok(())
}

/// The token that was just replaced gets the same successor, up to ten seconds later.
pub(super) fn in_grace(ctx: &Ctx) -> Result<(), Failure> {
    let clock = ctx.control()?.clock();
    clock.hold();
    let first = logged_in(ctx)?;
    let second = refreshed(ctx, &first.refresh)?;
    let again = refreshed(ctx, &first.refresh)?;
    ensure(again.refresh == second.refresh, || "there are two successors".into())?;
    clock.advance(10 * SECOND);
    let last = refreshed(ctx, &first.refresh)?;
    ensure(last.refresh == second.refresh, || "there are two successors".into())?;
    expect_status(&who(ctx, &last.access)?, 200)?;
    refreshed(ctx, &second.refresh).map(drop)
}

/// A replay after that ends the login, and no other of the same user.
pub(super) fn replay(ctx: &Ctx) -> Result<(), Failure> {
    let clock = ctx.control()?.clock();
    clock.hold();
    let (first, other) = (logged_in(ctx)?, logged_in(ctx)?);
    let second = refreshed(ctx, &first.refresh)?;
    clock.advance(10 * SECOND + Duration::from_millis(1));
    is_refused(&refresh(ctx, &first.refresh)?)?;
    is_refused(&who(ctx, &first.access)?)?;
    has_ended(ctx, &second)?;
    expect_status(&who(ctx, &other.access)?, 200)?;
    refreshed(ctx, &other.refresh).map(drop)
}

/// A token that is not the preceding one ends the login at once.
pub(super) fn older_replay(ctx: &Ctx) -> Result<(), Failure> {
    let first = logged_in(ctx)?;
    let second = refreshed(ctx, &first.refresh)?;
    let third = refreshed(ctx, &second.refresh)?;
    is_refused(&refresh(ctx, &first.refresh)?)?;
    has_ended(ctx, &third)
}

/// Fifty refreshes at one time are one successor, and end nothing.
pub(super) fn at_once(ctx: &Ctx) -> Result<(), Failure> {
    let first = logged_in(ctx)?;
    let body = json!({ "refreshToken": first.refresh }).to_string();
    let request = format!(
        r"POST /api/auth/refresh HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: {}\r\n\r\n{body}",
        body.len()
    );
    let mut open = Vec::new();
    for _ in 0..50 {
        open.push(ctx.connect()?);
    }
    for connection in &mut open {
        ctx.send(connection, &request);
    }
    let mut successors = BTreeSet::new();
    for connection in &mut open {
        successors.insert(tokens(&ctx.answer(connection, "POST")?)?.refresh);
    }
    ensure(successors.len() == 1, || format!("there are {} successors", successors.len()))?;
    expect_status(&who(ctx, &first.access)?, 200)?;
    for successor in &successors {
        refreshed(ctx, successor)?;
    }
    Ok(())
}

/// A logout ends one login, by any of its tokens, and is answered as one of nothing.
pub(super) fn logs_out(ctx: &Ctx) -> Result<(), Failure> {
    let other = logged_in(ctx)?;
    for by_old in [false, true] {
        let first = logged_in(ctx)?;
        let second = refreshed(ctx, &first.refresh)?;
        let token = if by_old { &first.refresh } else { &second.refresh };
        for _ in 0..2 {
            let answer = post(ctx, "logout", json!({ "refreshToken": token }))?;
            expect_status(&answer, 200)?;
            let data = answer.json().unwrap_or_default()["data"].take();
            ensure(data == json!({ "loggedOut": true }), || format!("a logout answers {data}"))?;
        }
        has_ended(ctx, &second)?;
    }
    expect_status(&who(ctx, &other.access)?, 200)
}

/// An access token ends after fifteen minutes, and a refresh gives another.
pub(super) fn access_expires(ctx: &Ctx) -> Result<(), Failure> {
    let clock = ctx.control()?.clock();
    clock.hold();
    let first = logged_in(ctx)?;
    clock.advance(899 * SECOND);
    expect_status(&who(ctx, &first.access)?, 200)?;
    clock.advance(SECOND);
    let late = who(ctx, &first.access)?;
    expect_status(&late, 401)?;
    expect_code(&late, "TOKEN_EXPIRED")?;
    expect_status(&who(ctx, &refreshed(ctx, &first.refresh)?.access)?, 200)
}

/// A login that nobody refreshes ends after thirty days.
pub(super) fn idle(ctx: &Ctx) -> Result<(), Failure> {
    let clock = ctx.control()?.clock();
    clock.hold();
    let first = logged_in(ctx)?;
    clock.advance(30 * DAY - SECOND);
    let second = refreshed(ctx, &first.refresh)?;
    clock.advance(30 * DAY);
    is_refused(&refresh(ctx, &second.refresh)?)
}

/// A login ends after ninety days, however often it is refreshed.
pub(super) fn absolute(ctx: &Ctx) -> Result<(), Failure> {
    let clock = ctx.control()?.clock();
    clock.hold();
    let mut last = logged_in(ctx)?;
    for _ in 0..3 {
        clock.advance(30 * DAY - 1000 * SECOND);
        last = refreshed(ctx, &last.refresh)?;
    }
    clock.advance(3000 * SECOND);
    is_refused(&refresh(ctx, &last.refresh)?)
}

/// Five failures lock a name where they came from; the right password is then answered as a wrong one.
pub(super) fn locked(ctx: &Ctx) -> Result<(), Failure> {
    let shape = |answer: &RawResponse| {
        let error = answer.json().map(|json| json["error"].to_string());
        (answer.status, error, answer.header_text("www-authenticate"), answer.header_text("retry-after"))
    };
    let wrong = log_in(ctx, "ada", "wrong")?;
    is_refused(&wrong)?;
    for _ in 1..5 {
        is_refused(&log_in(ctx, "ada", "wrong")?)?;
    }
    let locked = log_in(ctx, "ada", PASSWORD)?;
    ensure(shape(&locked) == shape(&wrong), || format!("expected the answer to a wrong password: {}", locked.text()))?;
    tokens(&log_in(&ctx.other(), "ada", PASSWORD)?).map(drop)
}

/// An address that has guessed too often waits, also with what is right; who refreshes well does not guess.
pub(super) fn guesses(ctx: &Ctx) -> Result<(), Failure> {
    let own = logged_in(ctx)?;
    let mut last = own.refresh;
    for guess in 0..20 {
        is_refused(&refresh(ctx, &format!("nlrt_{guess}"))?)?;
        if guess < 19 {
            last = refreshed(ctx, &last)?.refresh;
        }
    }
    for answer in [refresh(ctx, &last)?, refresh(ctx, "nlrt_x")?, log_in(ctx, "ada", PASSWORD)?] {
        expect_status(&answer, 429)?;
        expect_code(&answer, "RATE_LIMIT_EXCEEDED")?;
        let wait = answer.header_text("retry-after");
        ensure(wait.is_some(), || "nobody says when to come back".into())?;
    }
    refreshed(&ctx.other(), &last).map(drop)
}

/// Each kind of token is one: neither takes the place of the other.
pub(super) fn kinds(ctx: &Ctx) -> Result<(), Failure> {
    let own = logged_in(ctx)?;
    is_refused(&who(ctx, &own.refresh)?)?;
    is_refused(&refresh(ctx, &own.access)?)?;
    refreshed(ctx, &own.refresh).map(drop)
}

/// A token with a changed character is none: it neither counts nor ends the login that it resembles.
pub(super) fn changed(ctx: &Ctx) -> Result<(), Failure> {
    let own = logged_in(ctx)?;
    for at in [6, 20, 40, 50, 60, 95] {
        let other = if own.refresh.as_bytes().get(at) == Some(&b'A') { "B" } else { "A" };
        let (Some(before), Some(behind)) = (own.refresh.get(..at), own.refresh.get(at + 1..)) else {
            return Err(Failure::new(format!("the token has no character {at}: {}", own.refresh)));
        };
        is_refused(&refresh(ctx, &format!("{before}{other}{behind}"))?)?;
    }
    expect_status(&who(ctx, &own.access)?, 200)?;
    refreshed(ctx, &own.refresh).map(drop)
}

/// A user has so many logins: one more ends the oldest, and nobody else's.
pub(super) fn so_many(ctx: &Ctx) -> Result<(), Failure> {
    let strangers = tokens(&log_in(ctx, "bob", PASSWORD)?)?;
    let mut own = Vec::new();
    for _ in 0..4 {
        own.push(logged_in(ctx)?);
    }
    let (oldest, rest) = own.split_at(1);
    for ended in oldest {
        has_ended(ctx, ended)?;
    }
    for going_on in rest {
        expect_status(&who(ctx, &going_on.access)?, 200)?;
    }
    expect_status(&who(ctx, &strangers.access)?, 200)
}

/// A stream that was opened with an access token is the user's; the login's end is asked for while it goes on.
pub(super) fn opens_streams(ctx: &Ctx) -> Result<(), Failure> {
    let own = logged_in(ctx)?;
    let stream = |access: &str| {
        ctx.ask(&RequestSpec {
            method: Some("POST".into()),
            path: Some("/api/agent/stream".into()),
            headers: HeaderLines::List(vec![("Authorization".into(), format!("Bearer {access}"))]),
            body_json: Some(json!({ "input": "hello" })),
            ..RequestSpec::default()
        })
    };
    let open = stream(&own.access)?;
    expect_status(&open, 200)?;
    ensure(open.text().ends_with("data: [DONE]\n\n"), || format!("the stream ends with {:?}", open.text()))?;
    post(ctx, "logout", json!({ "refreshToken": own.refresh }))?;
    is_refused(&stream(&own.access)?)
}
