use std::fmt;
use std::time::Duration;

use http::StatusCode;

use crate::http::ContentCoding;

/// Everything that is wrong with a configuration, found at build, all at once.
///
/// ```
/// use neurolink_core::{Registration, Stack, from_fn, Context, Next, Response, Error};
/// # async fn f(ctx: &mut Context, next: Next<'_>) -> Result<Response, Error> { Ok(next.run(ctx).await) }
///
/// let twice = Stack::builder().with(from_fn("same", f)).with(from_fn("same", f)).build();
/// let error = twice.err().expect("two steps of one name");
/// assert_eq!(error.problems()[0].key, "middleware.same");
/// ```
#[derive(Debug)]
pub struct ConfigError {
    problems: Vec<ConfigProblem>,
}

/// One mistake: where, what, and what would be right.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct ConfigProblem {
    /// The setting, route or step.
    pub key: String,
    /// What is wrong with it and what would be right.
    pub problem: String,
    /// The value as it was given; secrets and long values as `[hidden, N bytes]`.
    pub value: Option<String>,
    /// Where the value came from, such as a file or an environment variable.
    pub origin: Option<String>,
}

impl ConfigProblem {
    /// A problem with `key`.
    pub fn new(key: impl Into<String>, problem: impl Into<String>) -> Self {
        Self { key: key.into(), problem: problem.into(), value: None, origin: None }
    }

    /// Adds the value, which must be no secret; a long one is hidden.
    #[must_use]
    pub fn with_value(mut self, value: impl Into<String>) -> Self {
        const LONGEST: usize = 60;
        let value = value.into();
        let hide = value.len() > LONGEST || (value.contains("://") && value.contains('@'));
        self.value = Some(if hide { hidden(value.len()) } else { value });
        self
    }

    /// Adds the value of a secret: only its length is kept.
    #[must_use]
    pub fn with_secret(mut self, value: &str) -> Self {
        self.value = Some(hidden(value.len()));
        self
    }

    /// Adds where the value came from.
    #[must_use]
    pub fn with_origin(mut self, origin: impl Into<String>) -> Self {
        self.origin = Some(origin.into());
        self
    }
}

fn hidden(bytes: usize) -> String {
    format!("[hidden, {bytes} bytes]")
}

impl fmt::Display for ConfigProblem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.key)?;
        if let Some(value) = &self.value {
            write!(f, " = {value}")?;
        }
        write!(f, ": {}", self.problem)?;
        if let Some(origin) = &self.origin {
            write!(f, " (from {origin})")?;
        }
        Ok(())
    }
}

impl std::error::Error for ConfigProblem {}

impl ConfigError {
    /// An error of these problems.
    #[must_use]
    pub const fn new(problems: Vec<ConfigProblem>) -> Self {
        Self { problems }
    }

    /// The problems, in the order they were found.
    #[must_use]
    pub fn problems(&self) -> &[ConfigProblem] {
        &self.problems
    }

    /// The problems, by value.
    #[must_use]
    pub fn into_problems(self) -> Vec<ConfigProblem> {
        self.problems
    }
}

impl fmt::Display for ConfigError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.problems.as_slice() {
            [one] => write!(f, "the configuration has a mistake: {one}"),
            many => {
                write!(f, "the configuration has {} mistakes:", many.len())?;
                many.iter().try_for_each(|problem| write!(f, "\n  - {problem}"))
            }
        }
    }
}

impl std::error::Error for ConfigError {}

/// Collects problems during a build.
#[derive(Debug, Default)]
pub(crate) struct Problems(Vec<ConfigProblem>);

impl Problems {
    pub(crate) fn add(&mut self, key: impl Into<String>, problem: impl Into<String>) {
        self.0.push(ConfigProblem::new(key, problem));
    }

    /// Adds a problem that may be found at several places.
    pub(crate) fn add_once(&mut self, key: impl Into<String>, problem: impl Into<String>) {
        let problem = ConfigProblem::new(key, problem);
        if !self.0.contains(&problem) {
            self.0.push(problem);
        }
    }

    /// The value, or its default and all its problems under one key.
    pub(crate) fn of<T: Default>(&mut self, key: &str, value: Result<T, Vec<String>>) -> T {
        value.unwrap_or_else(|found| {
            found.into_iter().for_each(|problem| self.add(key, problem));
            T::default()
        })
    }

    pub(crate) fn into_result<T>(self, value: T) -> Result<T, ConfigError> {
        if self.0.is_empty() { Ok(value) } else { Err(ConfigError::new(self.0)) }
    }
}

/// Sizes of requests that the core accepts; each is below every framework's own bound, so that all refuse alike.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Limits {
    /// Bytes of a request body, unless a route says otherwise.
    pub body: usize,
    /// Bytes of the request target.
    pub uri: usize,
    /// Bytes of all header names and values together.
    pub header_bytes: usize,
    /// Number of header lines.
    pub header_count: usize,
    /// Depth of nested arrays and objects in JSON.
    pub json_depth: usize,
    /// Bytes of request bodies that the app holds at one time; JSON counts sixteenfold while it is a tree.
    ///
    /// Several apps of a process have one between them by [`share_body_budget`](crate::AppBuilder::share_body_budget).
    pub body_budget: usize,
    /// Number of parts of a form (`multipart/form-data`): 1,000 unless told.
    pub multipart_parts: usize,
    /// Bytes of a part; as many as the body may have unless told.
    pub multipart_part: Option<usize>,
    /// Bytes of all header lines of a part: 8 KiB unless told.
    pub multipart_head: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            body: 1024 * 1024,
            uri: 8 * 1024,
            header_bytes: 32 * 1024,
            header_count: 64,
            json_depth: 64,
            body_budget: 256 * 1024 * 1024,
            multipart_parts: 1_000,
            multipart_part: None,
            multipart_head: 8 * 1024,
        }
    }
}

/// What an [`App`](crate::App) is set to, beside its routes and middleware.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Settings {
    /// The prefix of every route: `/api` unless told; `/` for none.
    pub base_path: String,
    /// Sizes of requests.
    pub limits: Limits,
    /// How long a request may take until its first byte is answered.
    pub timeout: Duration,
    /// How long the next bytes of a request body may take.
    pub body_timeout: Duration,
    /// The fewest bytes of a request body in a second, over the time since it is read and after the first
    /// `body_timeout`: 240 unless told; 0 for any number.
    pub body_rate: u32,
    /// Content codings that request bodies may come in; none unless told. A body is inflated as it is read, and its
    /// limit holds for what it becomes; any other coding is 415. It needs the feature `decompress`.
    pub decompress: Vec<ContentCoding>,
    /// Host names this server answers for, such as `api.example.com` or `*.example.com`; none means any,
    /// but on a loopback address only `localhost`, `127.0.0.1`, `[::1]` and these.
    pub hosts: Vec<String>,
    /// Answers for every Host, also on loopback; gives up the protection against DNS rebinding.
    pub allow_any_host: bool,
    /// Refuses state-changing requests that a browser sends from another site.
    pub cross_site_check: bool,
    /// Origins that may send state-changing requests from another site, such as `https://app.example.com`.
    pub trusted_origins: Vec<String>,
    /// Networks of proxies whose forwarded data is believed, such as `10.0.0.0/8`; `unix` for those that connect by a
    /// Unix socket.
    pub trusted_proxies: Vec<String>,
    /// The one header in which they tell the client's address: `x-forwarded-for`, `forwarded`, or the name of one that
    /// holds a single address, such as `x-real-ip`.
    pub forwarded_header: String,
    /// The most entries of that header that are believed; any number unless told. It widens nothing: an entry behind
    /// one that is no trusted proxy is never read.
    pub proxy_hops: Option<usize>,
    /// The request and response header of the request id.
    pub request_id_header: String,
    /// Answers errors as `application/problem+json` (RFC 9457) even if `Accept` does not ask for it.
    pub problem_json: bool,
    /// How errors are answered.
    pub errors: ErrorSettings,
    /// How many health probes an address may ask for in a second; 0 for any number.
    pub probe_rate: u32,
    /// How a stream behaves.
    pub stream: StreamSettings,
    /// Answers 404, 405 and plain OPTIONS as 401 to callers without credentials, once an authenticator exists.
    pub hide_unmatched: bool,
}

/// How errors are answered.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct ErrorSettings {
    /// Text in front of every code of an envelope, such as `SERVER_ADAPTER_`; none unless told.
    pub code_prefix: String,
    /// The status of a request that took too long: 504 unless told; 408 is the other choice.
    pub timeout_status: StatusCode,
    /// Tells the cause of a 5xx as `error.cause`, but only on connections from this machine to a loopback address.
    pub dev_errors: bool,
}

impl Default for ErrorSettings {
    fn default() -> Self {
        Self { code_prefix: String::new(), timeout_status: StatusCode::GATEWAY_TIMEOUT, dev_errors: false }
    }
}

/// How event streams behave.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct StreamSettings {
    /// The time between comments that keep an idle connection open; zero sends none.
    pub keep_alive: Duration,
    /// How long the engine may say nothing before the stream ends with an error.
    pub idle_timeout: Duration,
    /// How long a stream may last.
    pub max_duration: Duration,
    /// How long the reader may take nothing before the engine's work for the stream ends.
    pub write_stall: Duration,
    /// How many streams a user may have open, and an address whose callers are not known.
    pub max_per_client: usize,
}

impl Default for StreamSettings {
    fn default() -> Self {
        Self {
            keep_alive: Duration::from_secs(15),
            idle_timeout: Duration::from_secs(120),
            max_duration: Duration::from_secs(3600),
            write_stall: Duration::from_secs(30),
            max_per_client: 32,
        }
    }
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            base_path: "/api".into(),
            limits: Limits::default(),
            timeout: Duration::from_secs(30),
            body_timeout: Duration::from_secs(10),
            body_rate: 240,
            decompress: Vec::new(),
            hosts: Vec::new(),
            allow_any_host: false,
            cross_site_check: true,
            trusted_origins: Vec::new(),
            trusted_proxies: Vec::new(),
            forwarded_header: "x-forwarded-for".into(),
            proxy_hops: None,
            request_id_header: "x-request-id".into(),
            problem_json: false,
            errors: ErrorSettings::default(),
            probe_rate: 50,
            stream: StreamSettings::default(),
            hide_unmatched: true,
        }
    }
}
