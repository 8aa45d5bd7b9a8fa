//! Clients that stop, wait, or send without an end: each gets a refusal or a close in time, and others are served.

use std::time::{Duration, Instant};

use crate::function::{Ctx, Failure, ensure, expect_status};
use crate::wire::{Connection, End, Until};

/// How long a server may wait for a head: 10 s, and what a busy machine adds.
const HEAD: Duration = Duration::from_secs(14);

const POST: &str = r"POST /api/test/echo HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n";

/// The server answers others.
fn lives(ctx: &Ctx) -> Result<(), Failure> {
    expect_status(&ctx.get("/api/health/live", None)?, 200)
}

/// Reads what comes: nothing but 4xx, and then a close.
fn is_refused(ctx: &Ctx, connection: &mut Connection, what: &str) -> Result<(), Failure> {
    let exchange = ctx.read(connection, "POST", Until::Closed);
    let right = exchange.answers.iter().all(|answer| (400..500).contains(&answer.status));
    let closed = matches!(exchange.end, End::Closed | End::Reset);
    ensure(right && closed, || format!("{what}: expected 4xx or nothing, and a close: {}", exchange.summary()))
}

/// A client that closes its half in the middle of a request is refused, never answered as if it were whole.
pub(super) fn half_close(ctx: &Ctx) -> Result<(), Failure> {
    for (what, rest) in [
        ("line", "GET /api/hea".to_owned()),
        ("head", r"GET /api/health/live HTTP/1.1\r\nHost: localhost\r\n".to_owned()),
        ("body", format!(r"{POST}Content-Length: 20\r\n\r\n{{}}")),
        ("no body", format!(r"{POST}Content-Length: 20\r\n\r\n")),
        ("chunk", format!(r"{POST}Transfer-Encoding: chunked\r\n\r\n7\r\n{{}}")),
        ("chunks", format!(r"{POST}Transfer-Encoding: chunked\r\n\r\n2\r\n{{}}\r\n")),
        ("last line", format!(r"{POST}Transfer-Encoding: chunked\r\n\r\n2\r\n{{}}\r\n0\r\n")),
    ] {
        let mut connection = ctx.connect()?;
        ctx.send(&mut connection, &rest);
        connection.finish_sending();
        is_refused(ctx, &mut connection, what)?;
    }
    lives(ctx)
}

/// A client that closes its half behind a whole request gets the answer that is ready, once.
pub(super) fn half_close_behind(ctx: &Ctx) -> Result<(), Failure> {
    // The end may be seen with the request, behind it, or with its answer: each has one outcome.
    for _ in 0..20 {
        let statuses = closed_behind(ctx, "/api/test/params/a")?;
        ensure(statuses == [200], || format!("expected one answer, got {statuses:?}"))?;
    }
    lives(ctx)
}

/// What is still at work when a client closes its half is for one that has gone: no answer comes, and nothing is waited
/// for.
pub(super) fn half_close_at_work(ctx: &Ctx) -> Result<(), Failure> {
    let statuses = closed_behind(ctx, "/api/test/slow")?;
    ensure(statuses.is_empty(), || format!("the client had gone and was answered: {statuses:?}"))?;
    lives(ctx)
}

/// Asks for a path with the end of the sending half in the same packet: the answers until the server closes.
fn closed_behind(ctx: &Ctx, path: &str) -> Result<Vec<u16>, Failure> {
    let mut connection = ctx.connect()?;
    let request = format!(r"GET {path} HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {{user-token}}\r\n\r\n");
    ctx.send_last(&mut connection, &request);
    let exchange = ctx.read(&mut connection, "GET", Until::Closed);
    let closed = matches!(exchange.end, End::Closed | End::Reset) && exchange.problem.is_none();
    ensure(closed, || format!("expected a close: {}", exchange.summary()))?;
    Ok(exchange.answers.iter().map(|answer| answer.status).collect())
}

/// Clients that reset their connection in the middle of a request do no harm.
pub(super) fn resets(ctx: &Ctx) -> Result<(), Failure> {
    let cuts = [
        "GET /api/hea".to_owned(),
        format!(r"{POST}Content-Length: 100\r\n\r\n{{"),
        format!(r"{POST}Transfer-Encoding: chunked\r\n\r\nff\r\n{{"),
        r"GET /api/test/slow HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {user-token}\r\n\r\n".to_owned(),
    ];
    for cut in cuts.iter().cycle().take(40) {
        let mut connection = ctx.connect()?;
        ctx.send(&mut connection, cut);
        connection.reset();
    }
    lives(ctx)
}

/// A body that stops coming is refused in time, however its end is told, and the connection is closed.
pub(super) fn body_stops(ctx: &Ctx) -> Result<(), Failure> {
    for rest in [
        r"Content-Length: 20\r\n\r\n{",
        r"Content-Length: 20\r\n\r\n",
        r"Transfer-Encoding: chunked\r\n\r\n7\r\n{",
        r"Transfer-Encoding: chunked\r\n\r\n",
    ] {
        let mut connection = ctx.connect()?;
        ctx.send(&mut connection, &format!("{POST}{rest}"));
        let exchange = ctx.read(&mut connection, "POST", Until::Closed);
        let statuses: Vec<_> = exchange.answers.iter().map(|answer| answer.status).collect();
        let closed = matches!(exchange.end, End::Closed | End::Reset);
        ensure(statuses == [408] && closed, || format!("{rest}: expected 408 and a close: {}", exchange.summary()))?;
    }
    Ok(())
}

/// A body that comes byte by byte does not last longer than the request may.
pub(super) fn body_drips(ctx: &Ctx) -> Result<(), Failure> {
    let head = format!(r"{POST}Content-Length: 1000\r\n\r\n");
    let answer = drip(ctx, &head, b" ", Duration::from_millis(20), Duration::from_secs(4))?;
    ensure(answer.starts_with("HTTP/1.1 408 "), || format!("expected 408, got {answer:?}"))
}

/// An answer that comes before the end of a body closes the connection: nobody waits for the rest.
pub(super) fn early_answer_closes(ctx: &Ctx) -> Result<(), Failure> {
    for rest in [
        r"Content-Length: 5000\r\n\r\n{",
        r"Transfer-Encoding: chunked\r\n\r\n1000\r\n{repeat:2000: }",
        r"Transfer-Encoding: chunked\r\n\r\nffffffff\r\n{repeat:2000: }",
    ] {
        let mut connection = ctx.connect()?;
        ctx.send(&mut connection, &format!("{POST}{rest}"));
        is_refused(ctx, &mut connection, rest)?;
    }
    Ok(())
}

/// Megabytes are refused while they come, and nobody else waits.
pub(super) fn megabytes(ctx: &Ctx) -> Result<(), Failure> {
    for rest in [
        r"Content-Length: 10000000\r\n\r\n{repeat:10000000:9}",
        r"Content-Length: 200000\r\n\r\n{repeat:100000:[}{repeat:100000:]}",
        r#"Content-Length: 500001\r\n\r\n{repeat:100000:{"a":}1"#,
        r"Transfer-Encoding: chunked\r\n\r\n186a0\r\n{repeat:100000:[}\r\n0\r\n\r\n",
        r"Transfer-Encoding: chunked\r\n\r\n989680\r\n{repeat:10000000:9}\r\n0\r\n\r\n",
    ] {
        let mut connection = ctx.connect()?;
        let begun = Instant::now();
        ctx.send(&mut connection, &format!(r"{POST}Connection: close\r\n{rest}"));
        is_refused(ctx, &mut connection, &rest[..20])?;
        let took = begun.elapsed();
        ensure(took < Duration::from_secs(4), || format!("{}: the refusal took {took:?}", &rest[..20]))?;
        lives(ctx)?;
    }
    Ok(())
}

/// A connection on which nothing is said is closed.
pub(super) fn silent(ctx: &Ctx) -> Result<(), Failure> {
    let answer = drip(ctx, "", b"", Duration::from_millis(250), HEAD)?;
    let right = answer.is_empty() || answer.starts_with("HTTP/1.1 408 ");
    ensure(right, || format!("expected nothing or 408, got {answer:?}"))?;
    lives(ctx)
}

/// A head that never ends is given up, though bytes keep coming.
pub(super) fn slow_head(ctx: &Ctx) -> Result<(), Failure> {
    let answer = drip(ctx, SLOW, b"a", Duration::from_millis(250), HEAD)?;
    ensure(answer.starts_with("HTTP/1.1 408 "), || format!("expected 408, got {answer:?}"))?;
    lives(ctx)
}

/// So is one behind a request that was answered: whoever has asked once has no more time than others.
pub(super) fn slow_head_behind_a_request(ctx: &Ctx) -> Result<(), Failure> {
    let both = format!(r"GET /api/health/live HTTP/1.1\r\nHost: localhost\r\n\r\n{SLOW}");
    let answer = drip(ctx, &both, b"a", Duration::from_millis(250), HEAD)?;
    let right = answer.starts_with("HTTP/1.1 200 ") && answer.contains("}HTTP/1.1 408 ");
    ensure(right, || format!("expected 200 and then 408, got {answer:?}"))?;
    lives(ctx)
}

const SLOW: &str = r"GET /api/health/live HTTP/1.1\r\nHost: localhost\r\nX-Slow: ";

/// Says how a request begins and then `more` after each pause, until the server closes: what it said before.
fn drip(ctx: &Ctx, begin: &str, more: &[u8], pause: Duration, most: Duration) -> Result<String, Failure> {
    let mut connection = ctx.connect()?;
    ctx.send(&mut connection, begin);
    let (begun, mut answer) = (Instant::now(), Vec::new());
    while begun.elapsed() < most {
        let piece = ctx.take(&mut connection, 4096, pause);
        if connection.end() == End::Open && piece.is_empty() {
            // It may have been closed in between.
            connection.send(more);
        }
        answer.extend(piece);
        if connection.end() != End::Open {
            return Ok(String::from_utf8_lossy(&answer).into_owned());
        }
    }
    Err(Failure::new(format!("the connection is open after {most:?}")))
}
