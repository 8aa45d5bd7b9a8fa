//! Which user the engine is told of.

use serde_json::json;

use crate::case::RequestSpec;
use crate::function::{Ctx, Failure, ensure, expect_status};

/// Whoever a body names, in any of the fields that the original had for it, the engine works for the user of the
/// credential.
pub(super) fn of_the_credential(ctx: &Ctx) -> Result<(), Failure> {
    // The named one exists: it is the reference's `other`.
    for route in ["execute", "stream"] {
        for field in ["userId", "user_id", "user", "sessionId"] {
            let answer = ctx.ask(&RequestSpec {
                method: Some("POST".into()),
                path: Some(format!("/api/agent/{route}")),
                user: Some("user".into()),
                body_json: Some(json!({ "input": "who", field: "u2" })),
                ..RequestSpec::default()
            })?;
            expect_status(&answer, 200)?;
            let told = ctx.control()?.engine().user();
            ensure(told.as_deref() == Some("u1"), || {
                format!("{route} with {field}: u1 asked, and the engine was told of {told:?}")
            })?;
        }
    }
    Ok(())
}
