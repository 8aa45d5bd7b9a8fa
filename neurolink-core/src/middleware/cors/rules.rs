use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use http::StatusCode;
use http::header::{HeaderMap, HeaderName, HeaderValue, ORIGIN};

use crate::Hook;
use crate::app::check_origin;
use crate::http::{fixed, number};

/// The origins that are allowed.
#[derive(Clone)]
pub(super) enum Origins {
    List(Arc<[String]>),
    Any,
    Predicate(Arc<dyn Fn(&str) -> bool + Send + Sync>),
}

/// What a preflight of an origin that is not allowed gets.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum Denied {
    /// The status of a preflight, and no `Access-Control-*` header: the browser refuses.
    #[default]
    Omit,
    /// 403, on preflights and on requests.
    Forbid,
}

/// Answers preflights and adds the headers that let other origins read.
#[derive(Clone)]
pub struct Cors {
    pub(super) origins: Origins,
    pub(super) methods: Vec<String>,
    pub(super) headers: Vec<String>,
    pub(super) expose: Vec<String>,
    pub(super) credentials: bool,
    pub(super) max_age: Option<Duration>,
    pub(super) preflight_status: StatusCode,
    pub(super) denied: Denied,
    pub(super) announce: bool,
    pub(super) built: Built,
}

/// Header values, written once.
#[derive(Clone, Default)]
pub(super) struct Built {
    pub(super) methods: Option<HeaderValue>,
    pub(super) headers: Option<HeaderValue>,
    pub(super) expose: Option<HeaderValue>,
    pub(super) max_age: Option<HeaderValue>,
    pub(super) problems: Vec<String>,
}

const ANY: HeaderValue = HeaderValue::from_static("*");

impl Cors {
    /// Allows these origins, each such as `https://app.example.com`.
    #[must_use]
    pub fn list<O: Into<String>>(origins: impl IntoIterator<Item = O>) -> Self {
        Self::new(Origins::List(origins.into_iter().map(Into::into).collect()))
    }

    /// Allows every origin, without credentials.
    #[must_use]
    pub fn any() -> Self {
        Self::new(Origins::Any)
    }

    /// Allows the origins for which `allowed` is true; it gets them as the browser sent them and must not block.
    #[must_use]
    pub fn predicate(allowed: impl Fn(&str) -> bool + Send + Sync + 'static) -> Self {
        Self::new(Origins::Predicate(Arc::new(allowed)))
    }

    fn new(origins: Origins) -> Self {
        let own = |names: &[&str]| names.iter().map(ToString::to_string).collect();
        Self {
            origins,
            methods: own(&["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE"]),
            headers: own(&[
                "Accept",
                "Authorization",
                "Cache-Control",
                "Content-Type",
                "Last-Event-ID",
                "X-API-Key",
                "X-Request-ID",
            ]),
            expose: own(&[
                "Retry-After",
                "X-RateLimit-Limit",
                "X-RateLimit-Remaining",
                "X-RateLimit-Reset",
                "X-Request-ID",
                "X-Response-Time",
            ]),
            credentials: false,
            max_age: Some(Duration::from_secs(86_400)),
            preflight_status: StatusCode::NO_CONTENT,
            denied: Denied::Omit,
            announce: false,
            built: Built::default(),
        }
        .build()
    }

    /// The methods that may be used.
    #[must_use]
    pub fn methods<M: Into<String>>(mut self, methods: impl IntoIterator<Item = M>) -> Self {
        self.methods = methods.into_iter().map(Into::into).collect();
        self.build()
    }

    /// The request headers that may be sent.
    #[must_use]
    pub fn headers<H: Into<String>>(mut self, headers: impl IntoIterator<Item = H>) -> Self {
        self.headers = headers.into_iter().map(Into::into).collect();
        self.build()
    }

    /// The response headers that may be read.
    #[must_use]
    pub fn expose<H: Into<String>>(mut self, headers: impl IntoIterator<Item = H>) -> Self {
        self.expose = headers.into_iter().map(Into::into).collect();
        self.build()
    }

    /// Whether cookies and credentials may be sent along.
    #[must_use]
    pub fn credentials(mut self, yes: bool) -> Self {
        self.credentials = yes;
        self.build()
    }

    /// How long a browser may remember the answer to a preflight; in whole seconds.
    #[must_use]
    pub fn max_age(mut self, max_age: Duration) -> Self {
        self.max_age = Some(max_age);
        self.build()
    }

    /// The status of a preflight: 204 unless told.
    #[must_use]
    pub fn preflight_status(mut self, status: u16) -> Self {
        match StatusCode::from_u16(status) {
            Ok(status) if status.is_success() => self.preflight_status = status,
            _ => self.built.problems.push(format!("{status} is no status of a preflight; use 204 or 200")),
        }
        self
    }

    /// What a denied origin gets.
    #[must_use]
    pub const fn denied(mut self, denied: Denied) -> Self {
        self.denied = denied;
        self
    }

    /// Whether the methods and the request headers are on every answer, whoever asks, and not on preflights alone.
    ///
    /// Browsers read them on preflights only (Fetch standard, section 3.2.2), and give a denied origin nothing for
    /// them; it is for clients of servers such as Keryx, which say them always.
    ///
    /// ```
    /// use neurolink_core::{Stack, middleware::Cors};
    ///
    /// let cors = Cors::any().methods(["GET", "POST"]).headers(["Content-Type"]).announce(true);
    /// let stack = Stack::builder().with(cors).build()?;
    /// # Ok::<(), neurolink_core::ConfigError>(())
    /// ```
    #[must_use]
    pub const fn announce(mut self, yes: bool) -> Self {
        self.announce = yes;
        self
    }

    fn build(mut self) -> Self {
        let mut problems = Vec::new();
        let mut list = |what: &str, names: &[String]| {
            for name in names {
                if name.parse::<HeaderName>().is_err() {
                    let like = if what == "method" { "GET" } else { "X-Request-ID" };
                    problems.push(format!("`{}` is no {what} name; write for example `{like}`", name.escape_default()));
                }
            }
            let joined = names.join(", ");
            (!joined.is_empty()).then(|| fixed(&joined).ok()).flatten()
        };
        // Methods are tokens, as header names are.
        let methods = list("method", &self.methods);
        let headers = list("header", &self.headers);
        let expose = list("header", &self.expose);
        match &self.origins {
            Origins::Any if self.credentials => problems.push(
                "any origin with credentials would let every site read authenticated answers; \
                 list the origins, or leave out the credentials"
                    .into(),
            ),
            Origins::List(origins) => {
                if origins.is_empty() {
                    problems.push("the list of origins is empty; add one, or leave CORS out".into());
                }
                for (index, origin) in origins.iter().enumerate() {
                    if origin == "*" {
                        problems.push("`*` is no origin of a list; allow any origin, without credentials".into());
                    } else if let Err(problem) = check_origin(origin) {
                        problems.push(format!("`{origin}`: {problem}"));
                    } else if origins[..index].contains(origin) {
                        problems.push(format!("`{origin}` is listed twice; leave one out"));
                    }
                }
            }
            _ => {}
        }
        let max_age = self.max_age.map(|max_age| number(max_age.as_secs()));
        self.built = Built { methods, headers, expose, max_age, problems };
        self
    }

    pub(super) fn allows(&self, origin: &str) -> bool {
        match &self.origins {
            Origins::Any => true,
            Origins::List(origins) => origins.iter().any(|own| own == origin),
            Origins::Predicate(allowed) => origin != "null" && allowed(origin),
        }
    }

    /// The value of `Access-Control-Allow-Origin` for a request, if its origin is allowed.
    pub(super) fn allowed_origin(&self, headers: &HeaderMap) -> Option<HeaderValue> {
        if matches!(self.origins, Origins::Any) {
            return Some(ANY);
        }
        let origin = headers.get(ORIGIN)?;
        self.allows(origin.to_str().ok()?).then(|| origin.clone())
    }

    pub(super) const fn varies(&self) -> bool {
        !matches!(self.origins, Origins::Any)
    }
}

impl fmt::Debug for Cors {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Cors({})", Hook::summary(self))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn mistakes_name_their_fix() {
        for (cors, part) in [
            (Cors::any().credentials(true), "list the origins"),
            (Cors::list::<String>([]), "the list of origins is empty"),
            (Cors::list(["*"]), "`*` is no origin of a list"),
            (Cors::list(["https://a.example/"]), "is no origin"),
            (Cors::list(["https://a.example:99999"]), "is no origin"),
            (Cors::list(["https://a.example:443"]), "without the scheme's own port"),
            (Cors::list(["http://a.example:80"]), "without the scheme's own port"),
            (Cors::list(["app.example.com"]), "is no origin"),
            (Cors::list(["https://a.example", "https://a.example"]), "listed twice"),
            (Cors::any().headers(["x y"]), "is no header name"),
            (Cors::any().methods(["GET\r\n"]), "is no method name"),
            (Cors::any().preflight_status(404), "use 204 or 200"),
        ] {
            let problems = Hook::problems(&cors).join("\n");
            assert!(problems.contains(part), "{part:?}: {problems}");
        }
    }

    // Shows S0-39.
    #[test]
    fn only_the_exact_origin_is_allowed() {
        let cors = Cors::list(["https://myapp.com"]);
        assert!(cors.allows("https://myapp.com"));
        for other in
            ["http://myapp.com", "https://myapp.com.evil.com", "https://evilmyapp.com", "null", "https://myapp.com:444"]
        {
            assert!(!cors.allows(other), "{other}");
        }
        assert!(!Cors::predicate(|_| true).allows("null"));
    }
}
