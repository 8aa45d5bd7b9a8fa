//! The line of Keryx: `[ACTION:WEB:OK] /api/version (3ms) [GET] 127.0.0.1(http://localhost/api/version) [cor:a1b2] {}`.

use std::fmt;

use super::cut::Part;
use crate::{Context, Response};

/// A request and its answer, as Keryx writes them.
///
/// The action is the pattern of the route. An answer of 400 and more is `ERROR`, and its status stands where Keryx has
/// its error. The parameters are always `{}`: neither query nor body is written.
pub(super) struct Line<'a> {
    pub(super) ctx: &'a Context,
    pub(super) response: &'a Response,
}

impl fmt::Display for Line<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { ctx, response } = self;
        let failed = response.status().as_u16() >= 400;
        let (outcome, scheme) = (if failed { "ERROR" } else { "OK" }, if ctx.is_https() { "https" } else { "http" });
        write!(f, "[ACTION:WEB:{outcome}] {} ({}ms) ", ctx.matched().unwrap_or("-"), ctx.elapsed().as_millis())?;
        write!(f, "[{}] ", Part(ctx.method().as_str()))?;
        match ctx.client_address() {
            Some(address) => write!(f, "{address}")?,
            None => f.write_str("-")?,
        }
        write!(f, "({scheme}://{}{}) ", Part(ctx.host().unwrap_or("-")), Part(ctx.path()))?;
        write!(f, "[cor:{}] ", Part(ctx.request_id().as_str()))?;
        if failed {
            write!(f, "{} ", response.status().as_u16())?;
        }
        f.write_str("{}")
    }
}
