//! Refuses state-changing requests that a browser sends from another site (the check of Go 1.25's `net/http`).

use http::{HeaderName, Method, header};

use crate::stack::order;
use crate::{Code, Context, Error, Hook, Response};

const SEC_FETCH_SITE: HeaderName = HeaderName::from_static("sec-fetch-site");

/// Safe methods pass; a trusted origin passes; then `Sec-Fetch-Site` decides, and without it `Origin` against the host.
pub(crate) struct CrossSite {
    pub(crate) trusted: Vec<String>,
}

impl CrossSite {
    fn allows(&self, ctx: &Context) -> bool {
        if matches!(*ctx.method(), Method::GET | Method::HEAD | Method::OPTIONS) {
            return true;
        }
        let origin = ctx.headers().get(header::ORIGIN).map(|value| value.to_str().unwrap_or("null"));
        if origin.is_some_and(|origin| self.trusts(ctx, origin)) {
            return true;
        }
        let mut sites = ctx.headers().get_all(SEC_FETCH_SITE).iter().map(http::HeaderValue::as_bytes);
        match (sites.next(), sites.next()) {
            // A browser sends one; of several nobody can tell which is the browser's.
            (Some(b"same-origin" | b"none"), None) => true,
            (Some(_), _) => false,
            (None, _) => origin.is_none_or(|origin| same_authority(origin, ctx)),
        }
    }

    /// Whether the settings trust an origin everywhere, or CORS on this path.
    fn trusts(&self, ctx: &Context, origin: &str) -> bool {
        self.trusted.iter().any(|trusted| trusted == origin)
            || ctx.target().members.iter().any(|member| member.trusts_origin(ctx, origin))
    }
}

fn same_authority(origin: &str, ctx: &Context) -> bool {
    let Some((_, authority)) = origin.split_once("://") else { return false };
    ctx.host().is_some_and(|host| host.eq_ignore_ascii_case(authority))
}

impl Hook for CrossSite {
    fn name(&self) -> &str {
        "cross-site"
    }

    fn order(&self) -> i16 {
        order::CORS
    }

    fn summary(&self) -> String {
        "unsafe methods from other sites are refused".into()
    }

    fn before(&self, ctx: &mut Context) -> Option<Response> {
        if self.allows(ctx) {
            return None;
        }
        Some(ctx.fail(Error::new(Code::Forbidden).with_message("Cross-site requests are not allowed")))
    }
}
