//! Names that fail too often: five times from one network, and then not even the right password is looked at.

use crate::function::{Ctx, Failure, ensure, expect_status};
use crate::parse::RawResponse;

use super::requests::expect_code;

/// `bob` with the right password, and with a wrong one; a name of nobody's.
const RIGHT: &str = "Ym9iOmNvcnJlY3QgaG9yc2U=";
const WRONG: &str = "Ym9iOndyb25n";
const NOBODY: &str = "bm9ib2R5Ondyb25n";
/// How many failures of a name one network has.
const FAILURES: usize = 5;

fn sign_in(ctx: &Ctx, credentials: &str) -> Result<RawResponse, Failure> {
    let mut connection = ctx.connect()?;
    ctx.send(
        &mut connection,
        &format!(r"GET /api/test/whoami HTTP/1.1\r\nHost: localhost\r\nAuthorization: Basic {credentials}\r\n\r\n"),
    );
    ctx.answer(&mut connection, "GET")
}

/// What a refusal looks like, but for what is of the request alone.
fn shape(answer: &RawResponse) -> (u16, Option<String>, Option<String>) {
    let error = answer.json().map(|json| json["error"].to_string());
    (answer.status, error, answer.header_text("www-authenticate"))
}

/// A locked name is refused with its right password, in the words of a wrong one; elsewhere it is not locked.
pub(super) fn locked(ctx: &Ctx) -> Result<(), Failure> {
    let wrong = sign_in(ctx, WRONG)?;
    expect_status(&wrong, 401)?;
    expect_code(&wrong, "AUTH_INVALID")?;
    for _ in 1..FAILURES {
        expect_status(&sign_in(ctx, WRONG)?, 401)?;
    }
    let locked = sign_in(ctx, RIGHT)?;
    ensure(shape(&locked) == shape(&wrong), || {
        format!("expected the answer to a wrong password, got {}", locked.text())
    })?;
    expect_status(&sign_in(&ctx.other(), RIGHT)?, 200)
}

/// A password that was right is not forgotten by four that are wrong.
pub(super) fn not_yet(ctx: &Ctx) -> Result<(), Failure> {
    for _ in 1..FAILURES {
        expect_status(&sign_in(ctx, WRONG)?, 401)?;
    }
    expect_status(&sign_in(ctx, RIGHT)?, 200)
}

/// A name that nobody has locks as any other does.
pub(super) fn of_nobody(ctx: &Ctx) -> Result<(), Failure> {
    let first = sign_in(ctx, NOBODY)?;
    for _ in 0..FAILURES + 2 {
        let again = sign_in(ctx, NOBODY)?;
        ensure(shape(&again) == shape(&first), || format!("one answer is another: {}", again.text()))?;
    }
    expect_status(&sign_in(ctx, RIGHT)?, 200)
}
