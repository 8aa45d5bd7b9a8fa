//! `Expect: 100-continue`: when the client may send its body.

use std::time::Duration;

use crate::function::{Ctx, Failure, ensure, expect_status};

/// A client that waits gets its 100 before it sends, and then one answer.
pub(super) fn before_the_body(ctx: &Ctx) -> Result<(), Failure> {
    let mut connection = ctx.connect()?;
    ctx.send(
        &mut connection,
        r"POST /api/test/echo HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nExpect: 100-continue\r\nContent-Length: 7\r\n\r\n",
    );
    connection.read_until("HTTP/1.1 100 ")?;
    ctx.send(&mut connection, r#"{"a":1}"#);
    let answer = ctx.answer(&mut connection, "POST")?;
    expect_status(&answer, 200)?;
    let said = answer.informational.iter().map(|(status, _)| *status).collect::<Vec<_>>();
    ensure(said == [100], || format!("before the answer came {said:?}"))
}

/// HTTP/1.0 knows no 1xx: nothing comes before the answer.
pub(super) fn http10(ctx: &Ctx) -> Result<(), Failure> {
    let mut connection = ctx.connect()?;
    ctx.send(
        &mut connection,
        r"POST /api/test/echo HTTP/1.0\r\nHost: localhost\r\nContent-Type: application/json\r\nExpect: 100-continue\r\nContent-Length: 7\r\n\r\n",
    );
    ensure(!connection.is_closed_within(Duration::from_millis(100)), || "it was closed before the body".into())?;
    ctx.send(&mut connection, r#"{"a":1}"#);
    let answer = ctx.answer(&mut connection, "POST")?;
    expect_status(&answer, 200)?;
    ensure(answer.informational.is_empty(), || format!("1xx came: {:?}", answer.informational))
}
