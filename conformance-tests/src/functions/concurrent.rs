//! Requests beside each other.

use std::collections::BTreeSet;

use crate::case::{HeaderLines, RequestSpec};
use crate::function::{Ctx, Failure, ensure, expect_status};
use crate::wire::Connection;

/// Two users are inside of a handler at one time with the same `X-Request-ID`: each sees only itself.
pub(super) fn same_id_at_once(ctx: &Ctx) -> Result<(), Failure> {
    for round in 0..5 {
        let [mut one, mut two] = [(ctx.connect()?, "user-token", "u1"), (ctx.connect()?, "other-token", "u2")];
        // The name is the case's own: others may meet at this server too.
        let place = format!("{}-{round}", one.0.number());
        for (connection, token, _) in [&mut one, &mut two] {
            let request = format!(
                r"GET /api/test/meeting/{place} HTTP/1.1\r\nHost: localhost\r\nX-Request-ID: shared-1\r\nAuthorization: Bearer {{{token}}}\r\n\r\n"
            );
            ctx.send(connection, &request);
        }
        for (connection, _, id) in [&mut one, &mut two] {
            let answer = ctx.answer(connection, "GET")?;
            expect_status(&answer, 200)?;
            let data = answer.json().unwrap_or_default()["data"].take();
            ensure(data["met"] == true, || format!("the requests were not inside at one time: {data}"))?;
            ensure(data["id"] == *id, || format!("{id} was answered as {data}"))?;
        }
    }
    Ok(())
}

/// Users that send the same `X-Request-ID` close to each other see only themselves, and the id is no credential.
pub(super) fn same_id(ctx: &Ctx) -> Result<(), Failure> {
    let request = |token: &str| {
        format!(
            r"GET /api/test/whoami HTTP/1.1\r\nHost: localhost\r\nX-Request-ID: shared-1\r\nAuthorization: Bearer {{{token}}}\r\n\r\n"
        )
    };
    let users = [("user-token", "u1"), ("other-token", "u2"), ("admin-token", "admin")];
    for _ in 0..5 {
        let mut open = Vec::new();
        for (token, id) in users {
            open.push((ctx.connect()?, request(token), id));
        }
        for (connection, text, _) in &mut open {
            ctx.send(connection, text);
        }
        for (connection, _, id) in &mut open {
            let answer = ctx.answer(connection, "GET")?;
            expect_status(&answer, 200)?;
            let found = answer.json().and_then(|json| json["data"]["id"].as_str().map(str::to_owned));
            ensure(found.as_deref() == Some(*id), || format!("{id} was answered as {found:?}"))?;
        }
    }
    // The id alone is no credential, also not while or after somebody used it.
    let answer = ctx.ask(&RequestSpec {
        path: Some("/api/test/whoami".into()),
        headers: HeaderLines::List(vec![("X-Request-ID".into(), "shared-1".into())]),
        ..RequestSpec::default()
    })?;
    expect_status(&answer, 401)
}

/// Ten answers have ten ids, on one connection and on several.
pub(super) fn unique_ids(ctx: &Ctx) -> Result<(), Failure> {
    let mut ids = BTreeSet::new();
    let mut connection: Connection = ctx.connect()?;
    for _ in 0..5 {
        ctx.send(&mut connection, r"GET /api/health/live HTTP/1.1\r\nHost: localhost\r\n\r\n");
        ids.insert(ctx.answer(&mut connection, "GET")?.header_text("x-request-id"));
        ids.insert(ctx.get("/api/health/live", None)?.header_text("x-request-id"));
    }
    ensure(ids.len() == 10 && !ids.contains(&None), || format!("10 requests had the ids {ids:?}"))
}

/// The id in the header is the id in the body, of a success and of an error.
pub(super) fn one_id(ctx: &Ctx) -> Result<(), Failure> {
    for path in ["/api/test/params/a", "/api/test/whoami", "/api/test/params/%zz"] {
        let answer = ctx.get(path, None)?;
        let header = answer.header_text("x-request-id");
        let body = answer.json().map(|json| json["metadata"]["requestId"].clone());
        let body = body.as_ref().and_then(serde_json::Value::as_str);
        ensure(header.is_some() && header.as_deref() == body, || {
            format!("{path}: the header has {header:?}, the body {body:?}")
        })?;
    }
    Ok(())
}
