//! Bodies that come in pieces, and several of them at one time.

use crate::case::{HeaderLines, RequestSpec};
use crate::function::{Ctx, Failure, ensure, expect_status, wait_until};
use crate::parse::RawResponse;

use super::requests::{SOON, expect_code};

fn bytes(answer: &RawResponse) -> Option<u64> {
    answer.json()?["data"]["bytes"].as_u64()
}

/// A handler that takes a body piece by piece has the first one before the last one is sent.
pub(super) fn piece_by_piece(ctx: &Ctx) -> Result<(), Failure> {
    for (name, head, first, last) in [
        ("length", "Content-Length: 9", "first", "last"),
        ("chunks", "Transfer-Encoding: chunked", r"5\r\nfirst\r\n", r"4\r\nlast\r\n0\r\n\r\n"),
    ] {
        let path = format!("/api/test/pieces/{name}");
        let mut connection = ctx.connect()?;
        ctx.send(&mut connection, &format!(r"POST {path} HTTP/1.1\r\nHost: localhost\r\n{head}\r\n\r\n{first}"));
        wait_until(SOON, &format!("{name}: the handler has the first piece"), || {
            ctx.get(&path, None).is_ok_and(|answer| bytes(&answer) == Some(5))
        })?;
        ctx.send(&mut connection, last);
        let answer = ctx.answer(&mut connection, "POST")?;
        expect_status(&answer, 200)?;
        ensure(bytes(&answer) == Some(9), || format!("{name}: the whole body came as {}", answer.text()))?;
    }
    Ok(())
}

fn upload(ctx: &Ctx, length: usize) -> Result<RawResponse, Failure> {
    ctx.ask(&RequestSpec {
        method: Some("POST".into()),
        path: Some("/api/test/upload".into()),
        body: Some("x".repeat(length)),
        ..RequestSpec::default()
    })
}

/// Bodies that are held at one time have a budget together: what is above it is told to come back, and then fits.
pub(super) fn budget(ctx: &Ctx) -> Result<(), Failure> {
    let app = ctx.control()?.app();
    let mut slow = ctx.connect()?;
    ctx.send(
        &mut slow,
        r"POST /api/test/upload HTTP/1.1\r\nHost: localhost\r\nContent-Length: 40900\r\n\r\n{repeat:40000:x}",
    );
    wait_until(SOON, "40000 bytes are held", || app.body_memory() == 40_000)?;
    let refused = upload(ctx, 30_000)?;
    expect_status(&refused, 503)?;
    expect_code(&refused, "UNAVAILABLE")?;
    let wait = refused.header_text("retry-after");
    ensure(wait.as_deref() == Some("1"), || format!("Retry-After is {wait:?}"))?;
    expect_status(&upload(ctx, 10_000)?, 200)?;
    ctx.send(&mut slow, "{repeat:900:x}");
    let answer = ctx.answer(&mut slow, "POST")?;
    expect_status(&answer, 200)?;
    ensure(bytes(&answer) == Some(40_900), || format!("the body that was held came as {}", answer.text()))?;
    wait_until(SOON, "nothing is held", || app.body_memory() == 0)?;
    expect_status(&upload(ctx, 40 * 1024)?, 200)
}

/// 40,000 times `x` in gzip, up to where its end could be told.
const BEGIN: &str = concat!(
    r"\x1f\x8b\x08\x00\x00\x00\x00\x00\x02\x03\xec\xc1\x31\x01\x00\x00\x00\xc2\xa0\xda\x8b\xef\x65\x0b",
    r"\xa0\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00",
    r"\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x80\x1b\x00\x00\x00\xff\xff",
);
/// 900 more of them, and the end.
const END: &str = r"\x1b\x05\xa3\x60\x14\x0c\x2c\x00\x00\x42\xb7\xf4\xbd\xc4\x9f\x00\x00";
/// 10,000 times `x` in gzip.
const SMALL: &str = concat!(
    r"\x1f\x8b\x08\x00\x00\x00\x00\x00\x02\x03\xed\xc1\x01\x0d\x00\x00\x00\xc2\xa0\xda\x8f\x6f\x0e\x37",
    r"\xa0\x00\x00\x00\x00\x00\x00\x00\x00\x00\xe0\xdf\x00\xa3\xa4\x55\x0d\x10\x27\x00\x00",
);
/// 30,000 times `x` in gzip.
const LARGE: &str = concat!(
    r"\x1f\x8b\x08\x00\x00\x00\x00\x00\x02\x03\xed\xc1\x31\x01\x00\x00\x00\xc2\xa0\xda\x8b\x6f\x09\x4f",
    r"\xa0\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00",
    r"\x00\x00\x00\x00\x00\x00\x3e\x06\xfd\xb0\x65\x75\x30\x75\x00\x00",
);

/// A whole body in gzip.
fn upload_gzip(ctx: &Ctx, bytes: &str) -> Result<RawResponse, Failure> {
    ctx.ask(&RequestSpec {
        method: Some("POST".into()),
        path: Some("/api/test/upload".into()),
        headers: HeaderLines::List(vec![("Content-Encoding".into(), "gzip".into())]),
        body: Some(bytes.into()),
        ..RequestSpec::default()
    })
}

/// The budget counts what bodies in a content coding become.
pub(super) fn budget_of_coded(ctx: &Ctx) -> Result<(), Failure> {
    let app = ctx.control()?.app();
    let mut slow = ctx.connect()?;
    let (begin, end) = (ctx.bytes(BEGIN).len(), ctx.bytes(END).len());
    ctx.send(
        &mut slow,
        &format!(
            r"POST /api/test/upload HTTP/1.1\r\nHost: localhost\r\nContent-Encoding: gzip\r\nContent-Length: {}\r\n\r\n{BEGIN}",
            begin + end
        ),
    );
    wait_until(SOON, "40000 bytes are held", || app.body_memory() == 40_000)?;
    let refused = upload_gzip(ctx, LARGE)?;
    expect_status(&refused, 503)?;
    expect_code(&refused, "UNAVAILABLE")?;
    expect_status(&upload_gzip(ctx, SMALL)?, 200)?;
    ctx.send(&mut slow, END);
    let answer = ctx.answer(&mut slow, "POST")?;
    expect_status(&answer, 200)?;
    ensure(bytes(&answer) == Some(40_900), || format!("the body that was held came as {}", answer.text()))?;
    wait_until(SOON, "nothing is held", || app.body_memory() == 0)?;
    expect_status(&upload_gzip(ctx, LARGE)?, 200)
}
