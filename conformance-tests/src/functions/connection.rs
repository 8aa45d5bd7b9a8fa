//! What happens on one connection.

use std::thread::sleep;
use std::time::Duration;

use crate::case::RequestSpec;
use crate::function::{Ctx, Failure, ensure, expect_status};
use crate::parse::RawResponse;

const LIVE: &str = r"GET /api/health/live HTTP/1.1\r\nHost: localhost\r\n\r\n";

fn is_live(answer: &RawResponse) -> Result<(), Failure> {
    expect_status(answer, 200)?;
    let status = answer.json().map(|json| json["data"]["status"].clone());
    ensure(status == Some("alive".into()), || format!("expected the live probe, got {}", answer.text()))
}

/// Five requests in one packet get five answers in their order.
pub(super) fn pipelined(ctx: &Ctx) -> Result<(), Failure> {
    let mut connection = ctx.connect()?;
    let text: String =
        (0..5).map(|n| format!(r"GET /api/test/params/p{n} HTTP/1.1\r\nHost: localhost\r\n\r\n")).collect();
    ctx.send(&mut connection, &text);
    for n in 0..5 {
        let answer = ctx.answer(&mut connection, "GET")?;
        expect_status(&answer, 200)?;
        let id = answer.json().map(|json| json["data"]["id"].clone());
        let wanted = format!("p{n}");
        ensure(id == Some(wanted.clone().into()), || format!("expected {wanted}, got {id:?}"))?;
    }
    Ok(())
}

/// A request that comes byte by byte, or cut inside CRLF and a percent escape, is one request.
pub(super) fn in_pieces(ctx: &Ctx) -> Result<(), Failure> {
    let mut connection = ctx.connect()?;
    for piece in [r"G", r"ET /api/test/params/a%", r"20b HTTP/1.1\r", r"\nHo", r"st: localhost\r\n\r", r"\n"] {
        ctx.send(&mut connection, piece);
        sleep(Duration::from_millis(15));
    }
    let answer = ctx.answer(&mut connection, "GET")?;
    expect_status(&answer, 200)?;
    let id = answer.json().map(|json| json["data"]["id"].clone());
    ensure(id == Some("a b".into()), || format!("expected `a b`, got {id:?}"))
}

/// A 400 for the content of a request does not spoil the connection.
pub(super) fn after_error(ctx: &Ctx) -> Result<(), Failure> {
    let mut connection = ctx.connect()?;
    ctx.send(
        &mut connection,
        r"POST /api/test/echo HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: 5\r\n\r\n{bad}",
    );
    expect_status(&ctx.answer(&mut connection, "POST")?, 400)?;
    ctx.send(&mut connection, LIVE);
    is_live(&ctx.answer(&mut connection, "GET")?)
}

/// A body that nobody reads is not taken for the next request: it is skipped, and the request behind it is answered.
pub(super) fn after_unread_body(ctx: &Ctx) -> Result<(), Failure> {
    let mut connection = ctx.connect()?;
    ctx.send(
        &mut connection,
        r"POST /api/agent/execute HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: 186\r\n\r\n{smuggled}",
    );
    let first = ctx.answer(&mut connection, "POST")?;
    expect_status(&first, 401)?;
    // The answer to the request in the body would come first.
    ctx.send(&mut connection, LIVE);
    is_live(&ctx.answer(&mut connection, "GET")?)?;
    let more = connection.take(1, Duration::from_millis(50));
    ensure(more.is_empty(), || "more answers than requests".into())
}

/// A HEAD leaves no byte behind.
pub(super) fn after_head(ctx: &Ctx) -> Result<(), Failure> {
    let mut connection = ctx.connect()?;
    ctx.send(&mut connection, r"HEAD /api/health/live HTTP/1.1\r\nHost: localhost\r\n\r\n");
    expect_status(&ctx.answer(&mut connection, "HEAD")?, 200)?;
    ctx.send(&mut connection, LIVE);
    is_live(&ctx.answer(&mut connection, "GET")?)
}

/// Clients that leave in the middle of a head, of a body or before the answer do no harm.
pub(super) fn clients_leave(ctx: &Ctx) -> Result<(), Failure> {
    for text in [
        r"GET /api/hea",
        r"POST /api/test/echo HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: 100\r\n\r\n{",
        r"POST /api/test/echo HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\nff\r\n{",
        r"GET /api/test/slow HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {user-token}\r\n\r\n",
        "",
    ] {
        let mut connection = ctx.connect()?;
        ctx.send(&mut connection, text);
        // Once another is answered that came later, the server has seen this one.
        is_live(&ctx.get("/api/health/live", None)?)?;
        drop(connection);
    }
    is_live(&ctx.get("/api/health/live", None)?)
}

/// A connection on which nothing is said does not keep others waiting.
pub(super) fn idle(ctx: &Ctx) -> Result<(), Failure> {
    let silent: Result<Vec<_>, _> = (0..8).map(|_| ctx.connect()).collect();
    let silent = silent?;
    is_live(&ctx.get("/api/health/live", None)?)?;
    drop(silent);
    Ok(())
}

/// HEAD tells the length that GET would have.
pub(super) fn head_length(ctx: &Ctx) -> Result<(), Failure> {
    let length = |answer: &RawResponse| -> Result<i64, Failure> {
        let text = answer.header_text("content-length").unwrap_or_default();
        text.parse().map_err(|_| Failure::new(format!("content-length is {text:?}")))
    };
    let get = ctx.get("/api/test/params/abc", None)?;
    let head = ctx.ask(&RequestSpec {
        method: Some("HEAD".into()),
        path: Some("/api/test/params/abc".into()),
        ..RequestSpec::default()
    })?;
    expect_status(&head, 200)?;
    // The duration in the metadata may have more digits in one than in the other.
    let (get, head) = (length(&get)?, length(&head)?);
    ensure((get - head).abs() <= 3, || format!("GET has {get} bytes, HEAD tells {head}"))
}
