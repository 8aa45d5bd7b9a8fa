//! API keys that are issued while the server runs: shown once, used, ended and revoked.

use std::collections::BTreeSet;
use std::time::Duration;

use neurolink_core::Clock as _;
use serde_json::Value;

use crate::case::{HeaderLines, RequestSpec};
use crate::function::{Ctx, Failure, ensure, expect_status};
use crate::parse::RawResponse;

use super::requests::expect_code;

const DAY: u64 = 24 * 60 * 60;

/// A key, what names it, and when it ends.
struct Issued {
    key: String,
    id: String,
    expires: u64,
}

fn ask(ctx: &Ctx, method: &str, path: &str, body: Option<Value>) -> Result<RawResponse, Failure> {
    ctx.ask(&RequestSpec {
        method: Some(method.into()),
        path: Some(path.into()),
        user: Some("admin".into()),
        body_json: body,
        ..RequestSpec::default()
    })
}

fn issue(ctx: &Ctx, wanted: Value) -> Result<Issued, Failure> {
    let answer = ask(ctx, "POST", "/api/test/keys", Some(wanted))?;
    expect_status(&answer, 200)?;
    let data = answer.json().map(|json| json["data"].clone()).unwrap_or_default();
    let text = |name: &str| data[name].as_str().map(str::to_owned);
    match (text("key"), text("id"), data["expires"].as_u64()) {
        (Some(key), Some(id), Some(expires)) => Ok(Issued { key, id, expires }),
        _ => Err(Failure::new(format!("expected a key, its id and its end: {}", answer.text()))),
    }
}

fn with_key(ctx: &Ctx, what: &str, key: &str) -> Result<RawResponse, Failure> {
    ctx.ask(&RequestSpec {
        path: Some(format!("/api/test/issued/{what}")),
        headers: HeaderLines::List(vec![("X-Issued-Key".into(), key.into())]),
        ..RequestSpec::default()
    })
}

fn refused(answer: &RawResponse) -> Result<(), Failure> {
    expect_status(answer, 401)?;
    expect_code(answer, "AUTH_INVALID")
}

/// A key has a prefix and 43 characters that no other has, and lets its user in.
pub(super) fn random(ctx: &Ctx) -> Result<(), Failure> {
    let mut seen = BTreeSet::new();
    for _ in 0..5 {
        let issued = issue(ctx, serde_json::json!({ "user": "alice", "roles": ["user"] }))?;
        let random = issued.key.strip_prefix("nl_").unwrap_or_default();
        let plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_');
        ensure(random.len() == 43 && random.bytes().all(plain), || format!("the key is {:?}", issued.key))?;
        ensure(!issued.key.contains(&issued.id), || "the id is a part of the key".into())?;
        let answer = with_key(ctx, "whoami", &issued.key)?;
        expect_status(&answer, 200)?;
        let id = answer.json().map(|json| json["data"]["id"].clone());
        ensure(id == Some("alice".into()), || format!("expected alice: {}", answer.text()))?;
        ensure(seen.insert(issued.key), || "a key came twice".into())?;
    }
    Ok(())
}

/// A key that is revoked is refused by the next request; another of the same user is not.
pub(super) fn revoked(ctx: &Ctx) -> Result<(), Failure> {
    let wanted = serde_json::json!({ "user": "alice" });
    let (one, other) = (issue(ctx, wanted.clone())?, issue(ctx, wanted)?);
    expect_status(&with_key(ctx, "whoami", &one.key)?, 200)?;
    expect_status(&ask(ctx, "DELETE", &format!("/api/test/keys/{}", one.id), None)?, 200)?;
    refused(&with_key(ctx, "whoami", &one.key)?)?;
    expect_status(&with_key(ctx, "whoami", &other.key)?, 200)
}

/// What is no key is refused: a part of one, its id, one of the configuration.
pub(super) fn guessed(ctx: &Ctx) -> Result<(), Failure> {
    let issued = issue(ctx, serde_json::json!({ "user": "alice" }))?;
    let cut = &issued.key[..issued.key.len() - 1];
    for wrong in [cut, &issued.key[3..], &issued.id, "{api-key}", &format!("{}A", issued.key)] {
        refused(&with_key(ctx, "whoami", wrong)?)?;
    }
    Ok(())
}

/// The scopes of a key are the roles of its user.
pub(super) fn scoped(ctx: &Ctx) -> Result<(), Failure> {
    for (roles, status) in [(serde_json::json!(["user", "admin"]), 200), (serde_json::json!(["user"]), 403)] {
        let issued = issue(ctx, serde_json::json!({ "user": "alice", "roles": roles }))?;
        expect_status(&with_key(ctx, "admin", &issued.key)?, status)?;
    }
    Ok(())
}

/// A key with a limit of its own is refused by the request after that.
pub(super) fn limited(ctx: &Ctx) -> Result<(), Failure> {
    let issued = issue(ctx, serde_json::json!({ "user": "alice", "rateLimit": 3 }))?;
    for status in [200, 200, 200, 429] {
        expect_status(&with_key(ctx, "limited", &issued.key)?, status)?;
    }
    let other = issue(ctx, serde_json::json!({ "user": "alice" }))?;
    for _ in 0..4 {
        expect_status(&with_key(ctx, "limited", &other.key)?, 200)?;
    }
    Ok(())
}

/// A key for a day ends a day after it was issued, and not before.
pub(super) fn ended(ctx: &Ctx) -> Result<(), Failure> {
    let clock = ctx.control()?.clock();
    clock.hold();
    let issued = issue(ctx, serde_json::json!({ "user": "alice", "days": 1 }))?;
    let left = issued.expires.saturating_sub(clock.now().as_secs());
    ensure(left == DAY, || format!("a key for a day has {left} s"))?;
    clock.advance(Duration::from_secs(DAY) - Duration::from_millis(1));
    expect_status(&with_key(ctx, "whoami", &issued.key)?, 200)?;
    clock.advance(Duration::from_millis(1));
    refused(&with_key(ctx, "whoami", &issued.key)?)
}

/// A key is for 1 to 365 days.
pub(super) fn days(ctx: &Ctx) -> Result<(), Failure> {
    for days in [0, 366] {
        let answer = ask(ctx, "POST", "/api/test/keys", Some(serde_json::json!({ "user": "alice", "days": days })))?;
        expect_status(&answer, 400)?;
        expect_code(&answer, "VALIDATION_ERROR")?;
    }
    issue(ctx, serde_json::json!({ "user": "alice", "days": 365 })).map(drop)
}
