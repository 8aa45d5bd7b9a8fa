//! One line of log for every request, refused ones included.
//!
//! A `tracing` event with the target `neurolink::access`: method, canonical path without the query, matched pattern,
//! status, milliseconds, client, user, request id and user agent; beside the id of a trusted proxy our own.
//! 401, 403, 429 and a probe's 503 are warnings, other 5xx are errors.
//! What a client chose is cut and its control characters are escaped, so that no line can be forged.
//!
//! ```
//! use neurolink_core::stack::IntoRegistration as _;
//! use neurolink_core::{Stack, middleware::AccessLog};
//!
//! let stack = Stack::builder().with(AccessLog::new().except(["/api/health"])).build()?;
//! # Ok::<(), neurolink_core::ConfigError>(())
//! ```

use std::fmt;
use std::time::Duration;

use http::{HeaderMap, header};

use crate::stack::order;
use crate::{Context, Hook, Response};

/// Logs every request.
#[derive(Clone, Copy, Debug, Default)]
pub struct AccessLog;

impl AccessLog {
    /// The middleware.
    #[must_use]
    pub const fn new() -> Self {
        Self
    }
}

impl Hook for AccessLog {
    fn name(&self) -> &str {
        "access-log"
    }

    fn order(&self) -> i16 {
        order::TRACE
    }

    fn after(&self, ctx: &Context, response: &mut Response) {
        macro_rules! log {
            ($level:ident) => {
                tracing::event!(
                    target: "neurolink::access",
                    tracing::Level::$level,
                    method = %Cut(ctx.method().as_str().as_bytes()),
                    path = %Cut(ctx.path().as_bytes()),
                    matched = ctx.matched().unwrap_or("-"),
                    status = response.status().as_u16(),
                    duration_ms = milliseconds(ctx.elapsed()),
                    client = ctx.client_address().map(tracing::field::display),
                    user = ctx.user().map(|user| tracing::field::display(Cut(user.id.as_bytes()))),
                    request_id = %ctx.request_id(),
                    own_id = ctx.own_request_id().map(tracing::field::display),
                    user_agent = user_agent(ctx.headers()).map(tracing::field::display),
                    "request"
                )
            };
        }
        match response.status().as_u16() {
            // A probe that says no is what it is there for.
            503 if ctx.target().probe => log!(WARN),
            500.. => log!(ERROR),
            401 | 403 | 429 => log!(WARN),
            _ => log!(INFO),
        }
    }
}

/// Milliseconds to the microsecond: the digits behind it say nothing.
fn milliseconds(elapsed: Duration) -> f64 {
    (elapsed.as_secs_f64() * 1_000_000.0).round() / 1000.0
}

fn user_agent(headers: &HeaderMap) -> Option<Cut<'_>> {
    headers.get(header::USER_AGENT).map(|value| Cut(value.as_bytes()))
}

/// A value that a client chose, cut and escaped.
struct Cut<'a>(&'a [u8]);

/// Bytes of a value that a line of log holds.
const LONGEST: usize = 200;

impl fmt::Display for Cut<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let shown = &self.0[..self.0.len().min(LONGEST)];
        write!(f, "{}", shown.escape_ascii())?;
        if shown.len() < self.0.len() { f.write_str("..") } else { Ok(()) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_have_three_decimals() {
        assert_eq!(milliseconds(Duration::from_nanos(484_239)).to_string(), "0.484");
        assert_eq!(milliseconds(Duration::from_secs(2)).to_string(), "2000");
    }

    // Shows S2-46, O-D45.
    #[test]
    fn a_line_cannot_be_forged() {
        assert_eq!(Cut(b"a\r\n2026 INFO b\x1b[31m").to_string(), "a\\r\\n2026 INFO b\\x1b[31m");
        assert_eq!(Cut(&[b'x'; 300]).to_string().len(), 202);
    }
}
