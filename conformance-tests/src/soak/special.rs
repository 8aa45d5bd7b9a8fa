//! Visits for one configuration each: they want what only that one has, or exceed its own limit.

use super::clients::{Done, HEAD, Trouble, answer, asks, get};
use crate::function::Ctx;
use crate::functions::requests::agent;

/// The same request again and again, whose every answer tells in these headers where the caller stands.
fn is_limited(ctx: &Ctx, request: &str, wanted: u16, headers: &[&str]) -> Done {
    let mut connection = ctx.connect()?;
    for _ in 0..5 {
        ctx.send(&mut connection, request);
        let answer = answer(ctx, &mut connection, "GET", &[wanted, 429])?;
        if let Some(name) = headers.iter().find(|name| answer.header_text(name).is_none()) {
            return Err(Trouble::Wrong(format!("a limited answer, {}, has no {name}", answer.status)));
        }
    }
    Ok(())
}

pub(super) fn overfills_a_bucket(ctx: &Ctx) -> Done {
    let headers = ["x-ratelimit-limit", "ratelimit-limit", "ratelimit-policy", "ratelimit"];
    is_limited(ctx, &get("/api/health/startup"), 200, &headers)
}

pub(super) fn fails_until_refused(ctx: &Ctx) -> Done {
    let stranger = r"GET /api/test/whoami HTTP/1.1\r\nHost: localhost\r\n\r\n";
    is_limited(ctx, stranger, 401, &["ratelimit", "ratelimit-policy"])
}

/// A request for who the caller is, with credentials of its own.
fn whoami(credentials: &str) -> String {
    format!(r"GET /api/test/whoami HTTP/1.1\r\nHost: localhost\r\nAuthorization: {credentials}\r\n\r\n")
}

/// Wrong passwords of an unknown and of a known name, which is not the name of the other visits: it gets locked.
pub(super) fn guesses_passwords(ctx: &Ctx) -> Done {
    for guess in ["Basic ZXZlOndyb25n", "Basic Y29sb246d3Jvbmc="] {
        asks(ctx, "GET", &whoami(guess), &[401, 429])?;
    }
    asks(ctx, "GET", &whoami("Basic not base64"), &[401])
}

/// One token of each algorithm that is known, and some that are forged.
pub(super) fn shows_tokens(ctx: &Ctx) -> Done {
    let mut connection = ctx.connect()?;
    for (token, wanted) in [
        ("rs256", 200),
        ("ps384", 200),
        ("es256", 200),
        ("eddsa", 200),
        ("rs256-no-kid", 200),
        ("none-lower", 401),
        ("none-upper", 401),
    ] {
        ctx.send(&mut connection, &whoami(&format!("Bearer {{token:{token}}}")));
        answer(ctx, &mut connection, "GET", &[wanted])?;
    }
    Ok(())
}

/// Who the server says that the client is, when every header of a proxy names 192.0.2.1.
fn client(ctx: &Ctx) -> Result<serde_json::Value, Trouble> {
    let mut connection = ctx.connect()?;
    let proxies = r"X-Forwarded-For: 192.0.2.1\r\nX-Real-IP: 192.0.2.1\r\nForwarded: for=192.0.2.1\r\n";
    ctx.send(&mut connection, &format!(r"GET /api/test/client HTTP/1.1\r\n{HEAD}{proxies}\r\n"));
    let answer = answer(ctx, &mut connection, "GET", &[200])?;
    Ok(answer.json().map(|json| json["data"]["address"].clone()).unwrap_or_default())
}

fn is_taken_for(ctx: &Ctx, wanted: &str) -> Done {
    let found = client(ctx)?;
    if found == wanted { Ok(()) } else { Err(Trouble::Wrong(format!("the client is {wanted}, not {found}"))) }
}

pub(super) fn comes_through_a_proxy(ctx: &Ctx) -> Done {
    is_taken_for(ctx, "192.0.2.1")
}

pub(super) fn claims_to_be_a_proxy(ctx: &Ctx) -> Done {
    is_taken_for(ctx, "peer")
}

/// Streams for all places and one more, whoever gets them, and all are left at once.
pub(super) fn takes_all_places(ctx: &Ctx) -> Done {
    let mut held = Vec::new();
    for _ in 0..4 {
        let mut connection = ctx.connect()?;
        ctx.send(&mut connection, &agent("stream", "test/silent", "x"));
        if !connection.answer_begins_with("HTTP/1.1 200") {
            answer(ctx, &mut connection, "POST", &[429, 503])?;
        }
        held.push(connection);
    }
    Ok(())
}
