//! Response headers that tell browsers to be careful.
//!
//! Every response gets them, streams and errors included; a handler's own value wins.
//! [`SecurityHeaders::modern`] is for APIs; [`SecurityHeaders::neurolink`], [`SecurityHeaders::keryx`] and
//! [`SecurityHeaders::helmet`] send what those systems send.
//!
//! HSTS is sent only on connections that this server knows to be encrypted, unless told otherwise:
//! on plain HTTP browsers ignore it (RFC 6797, section 7.2).
//!
//! ```
//! use neurolink_core::Stack;
//! use neurolink_core::middleware::{Csp, FrameOptions, SecurityHeaders};
//!
//! let headers = SecurityHeaders::modern()
//!     .content_security_policy(Some(Csp::new().directive("default-src", ["'self'"])))
//!     .frame_options(FrameOptions::SameOrigin)
//!     .custom("x-api-version", "1.0.0");
//! let stack = Stack::builder().with(headers).build()?;
//! # Ok::<(), neurolink_core::ConfigError>(())
//! ```

use std::fmt;

use http::header::{
    CONTENT_SECURITY_POLICY, HeaderName, HeaderValue, REFERRER_POLICY, STRICT_TRANSPORT_SECURITY,
    X_CONTENT_TYPE_OPTIONS, X_FRAME_OPTIONS, X_XSS_PROTECTION,
};

use crate::http::{fixed, reserved};
use crate::stack::order;
use crate::{Context, Hook, Response};

const PERMISSIONS_POLICY: HeaderName = HeaderName::from_static("permissions-policy");
const OPENER_POLICY: HeaderName = HeaderName::from_static("cross-origin-opener-policy");
const RESOURCE_POLICY: HeaderName = HeaderName::from_static("cross-origin-resource-policy");
const AGENT_CLUSTER: HeaderName = HeaderName::from_static("origin-agent-cluster");

/// Who may show a page in a frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum FrameOptions {
    /// Nobody.
    Deny,
    /// Pages of the same origin.
    SameOrigin,
    /// The header is not sent.
    Off,
}

/// `Strict-Transport-Security` (RFC 6797).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Hsts {
    /// Seconds that browsers remember it.
    pub max_age: u64,
    /// Whether subdomains are meant too.
    pub include_subdomains: bool,
    /// Whether browsers may ship it built in; hard to undo.
    pub preload: bool,
    /// Whether it is sent on encrypted connections only.
    pub https_only: bool,
}

impl Default for Hsts {
    /// A year, with subdomains, on encrypted connections only.
    fn default() -> Self {
        Self { max_age: 31_536_000, include_subdomains: true, preload: false, https_only: true }
    }
}

impl fmt::Display for Hsts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "max-age={}", self.max_age)?;
        if self.include_subdomains {
            f.write_str("; includeSubDomains")?;
        }
        if self.preload {
            f.write_str("; preload")?;
        }
        Ok(())
    }
}

/// A `Content-Security-Policy`, directive by directive.
#[derive(Clone, Debug, Default)]
pub struct Csp(Vec<String>);

impl Csp {
    /// A policy of no directives.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a directive, such as `default-src` with `'self'`.
    #[must_use]
    pub fn directive<'a>(mut self, name: &str, sources: impl IntoIterator<Item = &'a str>) -> Self {
        let sources: Vec<&str> = sources.into_iter().collect();
        self.0.push(format!("{name} {}", sources.join(" ")).trim_end().to_owned());
        self
    }
}

impl From<Csp> for String {
    fn from(csp: Csp) -> Self {
        csp.0.join("; ")
    }
}

/// A `Permissions-Policy`, feature by feature.
#[derive(Clone, Debug, Default)]
pub struct PermissionsPolicy(Vec<String>);

impl PermissionsPolicy {
    /// A policy of no features.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Denies a feature to everybody.
    #[must_use]
    pub fn deny(self, feature: &str) -> Self {
        self.allow(feature, [])
    }

    /// Allows a feature to these, such as `self` or `"https://a.example"`.
    #[must_use]
    pub fn allow<'a>(mut self, feature: &str, who: impl IntoIterator<Item = &'a str>) -> Self {
        let who: Vec<&str> = who.into_iter().collect();
        self.0.push(format!("{feature}=({})", who.join(" ")));
        self
    }
}

impl From<PermissionsPolicy> for String {
    fn from(policy: PermissionsPolicy) -> Self {
        policy.0.join(", ")
    }
}

/// Adds security headers to every response that does not have them.
#[derive(Clone, Debug)]
pub struct SecurityHeaders {
    headers: Vec<(HeaderName, HeaderValue)>,
    hsts: Option<Hsts>,
    hsts_value: Option<HeaderValue>,
    problems: Vec<String>,
}

impl SecurityHeaders {
    /// No headers; add them one by one.
    #[must_use]
    pub const fn none() -> Self {
        Self { headers: Vec::new(), hsts: None, hsts_value: None, problems: Vec::new() }
    }

    /// What an API should send today.
    #[must_use]
    pub fn modern() -> Self {
        Self::none()
            .frame_options(FrameOptions::Deny)
            .xss_protection(Some("0"))
            .hsts(Some(Hsts::default()))
            .content_security_policy(Some(
                "default-src 'none'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'",
            ))
            .referrer_policy(Some("no-referrer"))
            .permissions_policy(Some("geolocation=(), microphone=(), camera=()"))
            .content_type_options(true)
            .isolated()
    }

    /// What the original's middleware sends.
    #[must_use]
    pub fn neurolink() -> Self {
        Self::none()
            .frame_options(FrameOptions::Deny)
            .xss_protection(Some("1; mode=block"))
            .hsts(Some(Hsts { https_only: false, ..Hsts::default() }))
            .referrer_policy(Some("strict-origin-when-cross-origin"))
            .content_type_options(true)
    }

    /// What Keryx's page about security promises: five headers, and a policy for pages that load scripts, styles and
    /// fonts from jsDelivr. Whoever serves no such page names a stricter one.
    #[must_use]
    pub fn keryx() -> Self {
        let jsdelivr = "https://cdn.jsdelivr.net";
        let policy = Csp::new()
            .directive("default-src", ["'self'"])
            .directive("script-src", ["'self'", jsdelivr])
            .directive("style-src", ["'self'", "'unsafe-inline'", jsdelivr])
            .directive("font-src", ["'self'", jsdelivr, "data:"])
            .directive("img-src", ["'self'", "data:", "blob:"])
            .directive("connect-src", ["'self'"])
            .directive("worker-src", ["blob:"]);
        Self::none()
            .frame_options(FrameOptions::Deny)
            .hsts(Some(Hsts { https_only: false, ..Hsts::default() }))
            .content_security_policy(Some(policy))
            .referrer_policy(Some("strict-origin-when-cross-origin"))
            .content_type_options(true)
    }

    /// What helmet 8 sends by default.
    #[must_use]
    pub fn helmet() -> Self {
        Self::none()
            .frame_options(FrameOptions::SameOrigin)
            .xss_protection(Some("0"))
            .hsts(Some(Hsts { https_only: false, ..Hsts::default() }))
            .content_security_policy(Some(
                "default-src 'self';base-uri 'self';font-src 'self' https: data:;form-action 'self';\
                 frame-ancestors 'self';img-src 'self' data:;object-src 'none';script-src 'self';\
                 script-src-attr 'none';style-src 'self' https: 'unsafe-inline';upgrade-insecure-requests",
            ))
            .referrer_policy(Some("no-referrer"))
            .content_type_options(true)
            .isolated()
            .custom("x-dns-prefetch-control", "off")
            .custom("x-download-options", "noopen")
            .custom("x-permitted-cross-domain-policies", "none")
    }

    fn isolated(self) -> Self {
        self.cross_origin_opener_policy(Some("same-origin"))
            .cross_origin_resource_policy(Some("same-origin"))
            .origin_agent_cluster(true)
    }

    /// `Content-Security-Policy`; `None` leaves it out.
    #[must_use]
    pub fn content_security_policy<T: Into<String>>(self, policy: Option<T>) -> Self {
        self.set(CONTENT_SECURITY_POLICY, policy)
    }

    /// `X-Frame-Options`.
    #[must_use]
    pub fn frame_options(self, options: FrameOptions) -> Self {
        let value = match options {
            FrameOptions::Deny => Some("DENY"),
            FrameOptions::SameOrigin => Some("SAMEORIGIN"),
            FrameOptions::Off => None,
        };
        self.set(X_FRAME_OPTIONS, value)
    }

    /// `X-Content-Type-Options: nosniff`.
    #[must_use]
    pub fn content_type_options(self, nosniff: bool) -> Self {
        self.set(X_CONTENT_TYPE_OPTIONS, nosniff.then_some("nosniff"))
    }

    /// `Strict-Transport-Security`; `None` leaves it out.
    #[must_use]
    pub fn hsts(mut self, hsts: Option<Hsts>) -> Self {
        self.hsts = hsts;
        // Digits and ASCII words are a valid header value.
        self.hsts_value = hsts.and_then(|hsts| fixed(&hsts.to_string()).ok());
        self
    }

    /// `Referrer-Policy`; `None` leaves it out.
    #[must_use]
    pub fn referrer_policy<T: Into<String>>(self, policy: Option<T>) -> Self {
        self.set(REFERRER_POLICY, policy)
    }

    /// `X-XSS-Protection`; `None` leaves it out. Anything but `0` turns on a filter that browsers have given up.
    #[must_use]
    pub fn xss_protection<T: Into<String>>(self, value: Option<T>) -> Self {
        self.set(X_XSS_PROTECTION, value)
    }

    /// `Permissions-Policy`; `None` leaves it out.
    #[must_use]
    pub fn permissions_policy<T: Into<String>>(self, policy: Option<T>) -> Self {
        self.set(PERMISSIONS_POLICY, policy)
    }

    /// `Cross-Origin-Opener-Policy`; `None` leaves it out.
    #[must_use]
    pub fn cross_origin_opener_policy<T: Into<String>>(self, policy: Option<T>) -> Self {
        self.set(OPENER_POLICY, policy)
    }

    /// `Cross-Origin-Resource-Policy`; `None` leaves it out.
    #[must_use]
    pub fn cross_origin_resource_policy<T: Into<String>>(self, policy: Option<T>) -> Self {
        self.set(RESOURCE_POLICY, policy)
    }

    /// `Origin-Agent-Cluster: ?1`.
    #[must_use]
    pub fn origin_agent_cluster(self, yes: bool) -> Self {
        self.set(AGENT_CLUSTER, yes.then_some("?1"))
    }

    /// Any other header; one of the above is replaced.
    ///
    /// What frames a message, such as `Content-Length`, is the server's own: a mistake at build.
    #[must_use]
    pub fn custom(mut self, name: &str, value: impl Into<String>) -> Self {
        match name.parse::<HeaderName>() {
            Ok(STRICT_TRANSPORT_SECURITY) => {
                self.hsts = None;
                self.set(STRICT_TRANSPORT_SECURITY, Some(value))
            }
            Ok(name) => match reserved::response(&name) {
                Ok(()) => self.set(name, Some(value)),
                Err(problem) => self.problem(problem),
            },
            Err(_) => {
                let problem =
                    format!("`{}` is no header name; write for example `x-api-version`", name.escape_default());
                self.problem(problem)
            }
        }
    }

    /// Leaves a header out, whichever set it comes from.
    #[must_use]
    pub fn without(mut self, name: &str) -> Self {
        if name.eq_ignore_ascii_case(STRICT_TRANSPORT_SECURITY.as_str()) {
            self = self.hsts(None);
        }
        self.headers.retain(|(other, _)| !other.as_str().eq_ignore_ascii_case(name));
        self
    }

    fn problem(mut self, problem: String) -> Self {
        self.problems.push(problem);
        self
    }

    fn set<T: Into<String>>(mut self, name: HeaderName, value: Option<T>) -> Self {
        self.headers.retain(|(other, _)| *other != name);
        if let Some(value) = value {
            match fixed(&value.into()) {
                Ok(value) => self.headers.push((name, value)),
                Err(_) => self.problems.push(format!(
                    "the value of `{name}` has a line break or a control character; write it on one line"
                )),
            }
        }
        self
    }
}

impl Default for SecurityHeaders {
    fn default() -> Self {
        Self::modern()
    }
}

impl Hook for SecurityHeaders {
    fn name(&self) -> &str {
        "security-headers"
    }

    fn order(&self) -> i16 {
        order::HEADERS
    }

    fn summary(&self) -> String {
        let mut names: Vec<&str> = self.headers.iter().map(|(name, _)| name.as_str()).collect();
        names.extend(self.hsts.map(|_| STRICT_TRANSPORT_SECURITY.as_str()));
        names.join(", ")
    }

    fn problems(&self) -> Vec<String> {
        self.problems.clone()
    }

    fn after(&self, ctx: &Context, response: &mut Response) {
        let headers = response.headers_mut();
        for (name, value) in &self.headers {
            headers.entry(name).or_insert_with(|| value.clone());
        }
        if let (Some(hsts), Some(value)) = (&self.hsts, &self.hsts_value)
            && (!hsts.https_only || ctx.is_https())
            && !headers.contains_key(STRICT_TRANSPORT_SECURITY)
        {
            headers.insert(STRICT_TRANSPORT_SECURITY, value.clone());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn value(headers: &SecurityHeaders, name: &str) -> Option<String> {
        let value = headers.headers.iter().find(|(own, _)| own == name).map(|(_, value)| value);
        value.map(|value| value.to_str().expect("text").to_owned())
    }

    #[test]
    fn builders_write_what_browsers_read() {
        let csp: String =
            Csp::new().directive("default-src", ["'self'"]).directive("img-src", ["'self'", "data:"]).into();
        assert_eq!(csp, "default-src 'self'; img-src 'self' data:");
        let policy: String = PermissionsPolicy::new().deny("camera").deny("microphone").deny("geolocation").into();
        assert_eq!(policy, "camera=(), microphone=(), geolocation=()");
        let preload = Hsts { preload: true, ..Hsts::default() };
        assert_eq!(preload.to_string(), "max-age=31536000; includeSubDomains; preload");
    }

    // Shows S0-52.
    #[test]
    fn a_single_header_can_be_left_out_and_a_custom_one_replaces() {
        let headers = SecurityHeaders::modern().frame_options(FrameOptions::Off).custom("Referrer-Policy", "origin");
        assert_eq!(value(&headers, "x-frame-options"), None);
        assert_eq!(value(&headers, "referrer-policy").as_deref(), Some("origin"));
        assert_eq!(value(&headers, "x-content-type-options").as_deref(), Some("nosniff"));
    }

    // Shows S0-46.
    #[test]
    fn line_breaks_are_mistakes_and_never_headers() {
        let headers =
            SecurityHeaders::none().custom("x-a", "1\r\nx-b: 2").custom("x b", "1").custom("Content-Length", "5");
        assert_eq!(headers.problems.len(), 3);
        assert!(headers.headers.is_empty());
    }
}
