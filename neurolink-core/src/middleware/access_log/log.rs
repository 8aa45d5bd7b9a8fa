use std::time::Duration;

use http::{HeaderMap, header};

use super::cut::Cut;
use super::keryx::Line;
use crate::stack::order;
use crate::{Context, Hook, Response};

/// Logs every request.
#[derive(Clone, Copy, Debug, Default)]
pub struct AccessLog {
    as_keryx: bool,
}

impl AccessLog {
    /// Lines of named fields.
    #[must_use]
    pub const fn new() -> Self {
        Self { as_keryx: false }
    }

    /// The line of Keryx as the event's message, and no other field, for who reads such logs:
    /// `[ACTION:WEB:OK] /api/version (3ms) [GET] 127.0.0.1(http://localhost/api/version) [cor:a1b2] {}`.
    ///
    /// The action is the pattern of the route, an answer of 400 and more is `ERROR` and has its status in front of the
    /// parameters, and those are never told. In what a client chose, blanks, brackets and control characters are
    /// written as in a URL, so that a line has the parts that it seems to have.
    ///
    /// ```
    /// use neurolink_core::{Stack, middleware::AccessLog};
    ///
    /// let stack = Stack::builder().with(AccessLog::keryx()).build()?;
    /// # Ok::<(), neurolink_core::ConfigError>(())
    /// ```
    #[must_use]
    pub const fn keryx() -> Self {
        Self { as_keryx: true }
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
                if self.as_keryx {
                    tracing::event!(target: "neurolink::access", tracing::Level::$level, "{}", Line { ctx, response });
                } else {
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
                }
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_have_three_decimals() {
        assert_eq!(milliseconds(Duration::from_nanos(484_239)).to_string(), "0.484");
        assert_eq!(milliseconds(Duration::from_secs(2)).to_string(), "2000");
    }
}
