//! How long a request took, for people who look at responses.
//!
//! Adds `X-Response-Time: 12.34ms` and `Server-Timing: total;dur=12.34`: milliseconds until the head was ready.
//! The figures tell a stranger how busy a server is; leave the middleware out where that matters.
//!
//! ```
//! use neurolink_core::{Stack, middleware::Timing};
//!
//! let stack = Stack::builder().with(Timing::new()).build()?;
//! # Ok::<(), neurolink_core::ConfigError>(())
//! ```

use std::io::Write as _;

use http::{HeaderName, HeaderValue};

use crate::stack::order;
use crate::{Context, Hook, Response};

const RESPONSE_TIME: HeaderName = HeaderName::from_static("x-response-time");
const SERVER_TIMING: HeaderName = HeaderName::from_static("server-timing");

/// Adds `X-Response-Time` and `Server-Timing`.
#[derive(Clone, Copy, Debug, Default)]
pub struct Timing;

impl Timing {
    /// The middleware.
    #[must_use]
    pub const fn new() -> Self {
        Self
    }
}

impl Hook for Timing {
    fn name(&self) -> &str {
        "timing"
    }

    fn order(&self) -> i16 {
        order::TRACE
    }

    fn after(&self, ctx: &Context, response: &mut Response) {
        let milliseconds = ctx.elapsed().as_secs_f64() * 1000.0;
        let mut text = Vec::with_capacity(32);
        // Writing into a vector does not fail.
        let _ = write!(text, "total;dur={milliseconds:.2}ms");
        let start = "total;dur=".len();
        let with_unit = HeaderValue::from_bytes(&text[start..]);
        let timing = HeaderValue::from_bytes(&text[..text.len() - 2]);
        if let (Ok(with_unit), Ok(timing)) = (with_unit, timing) {
            response.headers_mut().insert(RESPONSE_TIME, with_unit);
            response.headers_mut().insert(SERVER_TIMING, timing);
        }
    }
}
