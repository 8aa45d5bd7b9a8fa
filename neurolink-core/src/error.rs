use std::borrow::Cow;
use std::fmt;
use std::time::Duration;

use http::{HeaderName, HeaderValue, StatusCode};
use serde_json::Value;

use crate::BoxError;

/// What an error is about, for dashboards and recovery.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Category {
    /// The server is set up wrongly.
    Config,
    /// The request is wrong.
    Validation,
    /// Who is calling is not known.
    Authentication,
    /// The caller may not do this.
    Authorization,
    /// The caller did this too often.
    RateLimit,
    /// The work failed.
    Execution,
    /// Something this server depends on failed.
    External,
    /// A stream failed.
    Streaming,
}

impl Category {
    /// The name on the wire and in logs, as the original writes it.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Config => "CONFIG",
            Self::Validation => "VALIDATION",
            Self::Authentication => "AUTHENTICATION",
            Self::Authorization => "AUTHORIZATION",
            Self::RateLimit => "RATE_LIMIT",
            Self::Execution => "EXECUTION",
            Self::External => "EXTERNAL",
            Self::Streaming => "STREAMING",
        }
    }
}

/// How bad an error is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum Severity {
    /// Expected in daily business.
    Low,
    /// Worth counting.
    Medium,
    /// Worth looking at.
    High,
    /// Worth waking somebody.
    Critical,
}

macro_rules! codes {
    ($($(#[$doc:meta])* $variant:ident = $text:literal, $status:ident, $category:ident, $severity:ident, $retryable:literal, $message:literal;)*) => {
        /// The stable name of an error, with everything that follows from it.
        ///
        /// ```
        /// use neurolink_core::Code;
        /// assert_eq!(Code::NotFound.as_str(), "NOT_FOUND");
        /// assert_eq!(Code::NotFound.status(), 404);
        /// ```
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        #[non_exhaustive]
        pub enum Code {
            $($(#[$doc])* $variant,)*
        }

        impl Code {
            /// Every code, for documentation.
            pub const ALL: &'static [Self] = &[$(Self::$variant),*];

            /// The name on the wire.
            #[must_use]
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $text,)* }
            }

            /// The HTTP status.
            #[must_use]
            pub const fn status(self) -> StatusCode {
                match self { $(Self::$variant => StatusCode::$status,)* }
            }

            /// The category.
            #[must_use]
            pub const fn category(self) -> Category {
                match self { $(Self::$variant => Category::$category,)* }
            }

            /// The severity.
            #[must_use]
            pub const fn severity(self) -> Severity {
                match self { $(Self::$variant => Severity::$severity,)* }
            }

            /// Whether the same request may succeed later.
            #[must_use]
            pub const fn is_retryable(self) -> bool {
                match self { $(Self::$variant => $retryable,)* }
            }

            /// The message when no better one is given; for 5xx it is always this one.
            #[must_use]
            pub const fn message(self) -> &'static str {
                match self { $(Self::$variant => $message,)* }
            }
        }
    };
}

codes! {
    /// The request is malformed.
    BadRequest = "BAD_REQUEST", BAD_REQUEST, Validation, Low, false, "The request is malformed";
    /// The body is not JSON.
    InvalidJson = "INVALID_JSON", BAD_REQUEST, Validation, Low, false, "The request body is not valid JSON";
    /// The body, query or path is JSON or text of the wrong shape.
    ValidationError = "VALIDATION_ERROR", BAD_REQUEST, Validation, Low, false, "The request is not valid";
    /// No credentials were sent.
    AuthRequired = "AUTH_REQUIRED", UNAUTHORIZED, Authentication, Medium, false, "Authentication required";
    /// The credentials are not accepted.
    AuthInvalid = "AUTH_INVALID", UNAUTHORIZED, Authentication, Medium, false, "Invalid credentials";
    /// The token was valid and is no longer.
    TokenExpired = "TOKEN_EXPIRED", UNAUTHORIZED, Authentication, Medium, false, "The token has expired";
    /// The credential of a stream ended, or was revoked, while the stream went on.
    AuthExpired = "AUTH_EXPIRED", UNAUTHORIZED, Authentication, Medium, false, "The credential has expired";
    /// The caller is known and may not do this.
    Forbidden = "FORBIDDEN", FORBIDDEN, Authorization, Medium, false, "Insufficient permissions";
    /// There is nothing here.
    NotFound = "NOT_FOUND", NOT_FOUND, Validation, Low, false, "Not found";
    /// There is no tool of this name.
    ToolNotFound = "TOOL_NOT_FOUND", NOT_FOUND, Validation, Low, false, "Tool not found";
    /// There is something here, but not for this method.
    MethodNotAllowed = "METHOD_NOT_ALLOWED", METHOD_NOT_ALLOWED, Validation, Low, false, "Method not allowed";
    /// The body is larger than the route takes.
    PayloadTooLarge = "PAYLOAD_TOO_LARGE", PAYLOAD_TOO_LARGE, Validation, Low, false, "The request body is too large";
    /// The request target is longer than the server takes.
    UriTooLong = "URI_TOO_LONG", URI_TOO_LONG, Validation, Low, false, "The request target is too long";
    /// The body is of a type that the route does not take.
    UnsupportedMediaType = "UNSUPPORTED_MEDIA_TYPE", UNSUPPORTED_MEDIA_TYPE, Validation, Low, false, "Unsupported content type";
    /// The request was meant for another host.
    Misdirected = "MISDIRECTED", MISDIRECTED_REQUEST, Validation, Low, false, "This server does not answer for that host";
    /// The caller did this too often.
    RateLimitExceeded = "RATE_LIMIT_EXCEEDED", TOO_MANY_REQUESTS, RateLimit, Medium, true, "Too many requests, please try again later";
    /// The request's head is larger than the server takes.
    HeadersTooLarge = "HEADERS_TOO_LARGE", REQUEST_HEADER_FIELDS_TOO_LARGE, Validation, Low, false, "The request headers are too large";
    /// The request did not arrive in time.
    RequestTimeout = "REQUEST_TIMEOUT", REQUEST_TIMEOUT, Validation, Low, true, "The request did not arrive in time";
    /// Something failed that the caller cannot help.
    InternalError = "INTERNAL_ERROR", INTERNAL_SERVER_ERROR, Execution, High, false, "An unexpected error occurred";
    /// The engine failed.
    ExecutionFailed = "EXECUTION_FAILED", INTERNAL_SERVER_ERROR, Execution, High, false, "The engine could not complete the request";
    /// A stream broke.
    StreamError = "STREAM_ERROR", INTERNAL_SERVER_ERROR, Streaming, Medium, false, "The stream could not be completed";
    /// Something the server needs is not there now.
    Unavailable = "UNAVAILABLE", SERVICE_UNAVAILABLE, External, Medium, true, "The service is temporarily unavailable";
    /// The server is going away.
    Draining = "DRAINING", SERVICE_UNAVAILABLE, Execution, Low, true, "The server is shutting down";
    /// The work took too long.
    Timeout = "TIMEOUT", GATEWAY_TIMEOUT, Execution, Medium, true, "The request took too long";
}

impl fmt::Display for Code {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// An error on its way to the client: a public message, and a source that only the log sees.
///
/// It is one pointer wide.
/// Whatever the message is, a 5xx shows its code's generic one.
///
/// ```
/// use neurolink_core::{Code, Error};
///
/// let error = Error::new(Code::NotFound).with_message("There is no session of that name");
/// assert_eq!(error.status(), 404);
///
/// let hidden = Error::internal(std::io::Error::other("password=hunter2"));
/// assert_eq!(hidden.message(), "An unexpected error occurred");
/// ```
pub struct Error(Box<Inner>);

struct Inner {
    code: Code,
    message: Option<Cow<'static, str>>,
    details: Option<Value>,
    retry_after: Option<Duration>,
    headers: Vec<(HeaderName, HeaderValue)>,
    source: Option<BoxError>,
    status: Option<StatusCode>,
    body: Option<Value>,
}

impl Error {
    /// An error of this code with the code's message.
    #[must_use]
    pub fn new(code: Code) -> Self {
        Self(Box::new(Inner {
            code,
            message: None,
            details: None,
            retry_after: None,
            headers: Vec::new(),
            source: None,
            status: None,
            body: None,
        }))
    }

    /// A 500 whose cause only the log sees.
    pub fn internal(source: impl Into<BoxError>) -> Self {
        Self::new(Code::InternalError).with_source(source)
    }

    /// A 400 `BAD_REQUEST` with this message.
    pub fn bad_request(message: impl Into<Cow<'static, str>>) -> Self {
        Self::new(Code::BadRequest).with_message(message)
    }

    /// A 404 `NOT_FOUND` with this message.
    pub fn not_found(message: impl Into<Cow<'static, str>>) -> Self {
        Self::new(Code::NotFound).with_message(message)
    }

    /// Sets the public message; it is not shown for 5xx.
    #[must_use]
    pub fn with_message(mut self, message: impl Into<Cow<'static, str>>) -> Self {
        self.0.message = Some(message.into());
        self
    }

    /// Adds machine-readable details for the client.
    #[must_use]
    pub fn with_details(mut self, details: Value) -> Self {
        self.0.details = Some(details);
        self
    }

    /// Says when to come back: `Retry-After` in whole seconds, rounded up, at least 1.
    #[must_use]
    pub fn with_retry_after(mut self, after: Duration) -> Self {
        self.0.retry_after = Some(after);
        self
    }

    /// Answers with exactly this JSON instead of the envelope, for clients that expect another shape.
    ///
    /// It is shown as it is, whatever the status: put nothing into it that is for the log.
    #[must_use]
    pub fn with_body(mut self, body: Value) -> Self {
        self.0.body = Some(body);
        self
    }

    /// The whole body, if it was chosen.
    #[must_use]
    pub fn body(&self) -> Option<&Value> {
        self.0.body.as_ref()
    }

    /// Adds a response header, such as `WWW-Authenticate`.
    #[must_use]
    pub fn with_header(mut self, name: HeaderName, value: HeaderValue) -> Self {
        self.0.headers.push((name, value));
        self
    }

    /// Adds the cause, for the log only.
    #[must_use]
    pub fn with_source(mut self, source: impl Into<BoxError>) -> Self {
        self.0.source = Some(source.into());
        self
    }

    /// The code.
    #[must_use]
    pub const fn code(&self) -> Code {
        self.0.code
    }

    /// Answers with another status than the code's.
    pub(crate) fn with_status(mut self, status: StatusCode) -> Self {
        self.0.status = Some(status);
        self
    }

    /// The HTTP status.
    #[must_use]
    pub fn status(&self) -> StatusCode {
        self.0.status.unwrap_or(self.0.code.status())
    }

    /// The category.
    #[must_use]
    pub const fn category(&self) -> Category {
        self.0.code.category()
    }

    /// The severity.
    #[must_use]
    pub const fn severity(&self) -> Severity {
        self.0.code.severity()
    }

    /// Whether the same request may succeed later.
    #[must_use]
    pub const fn is_retryable(&self) -> bool {
        self.0.code.is_retryable()
    }

    /// What the client reads.
    #[must_use]
    pub fn message(&self) -> &str {
        match &self.0.message {
            Some(message) if !self.status().is_server_error() => message,
            _ => self.0.code.message(),
        }
    }

    /// The details for the client; a 5xx has none.
    #[must_use]
    pub fn details(&self) -> Option<&Value> {
        self.0.details.as_ref().filter(|_| !self.status().is_server_error())
    }

    /// Seconds for `Retry-After`.
    #[must_use]
    pub fn retry_after_seconds(&self) -> Option<u64> {
        self.0.retry_after.map(|after| {
            let whole = after.as_secs() + u64::from(after.subsec_nanos() > 0);
            whole.max(1)
        })
    }

    /// Extra response headers.
    #[must_use]
    pub fn headers(&self) -> &[(HeaderName, HeaderValue)] {
        &self.0.headers
    }

    /// The text for the log: the message as it was set, and every cause.
    #[must_use]
    pub fn log_text(&self) -> String {
        let message = self.0.message.as_deref().unwrap_or(self.0.code.message());
        format!("{message}{}", Causes(self))
    }
}

/// The causes of an error, each behind `: `.
pub(crate) struct Causes<'a>(pub(crate) &'a dyn std::error::Error);

impl fmt::Display for Causes<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut source = self.0.source();
        while let Some(cause) = source {
            write!(f, ": {cause}")?;
            source = cause.source();
        }
        Ok(())
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.0.code, self.0.message.as_deref().unwrap_or(self.0.code.message()))
    }
}

impl fmt::Debug for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Error")
            .field("code", &self.0.code)
            .field("message", &self.message())
            .field("source", &self.0.source)
            .finish_non_exhaustive()
    }
}

impl std::error::Error for Error {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        self.0.source.as_deref().map(|source| source as _)
    }
}

/// Turns any failure into a 500 whose cause only the log sees.
pub trait ResultExt<T> {
    /// `Err` becomes [`Error::internal`].
    ///
    /// # Errors
    /// The same failure, as an [`Error`].
    fn or_internal(self) -> Result<T, Error>;
}

impl<T, E: Into<BoxError>> ResultExt<T> for Result<T, E> {
    fn or_internal(self) -> Result<T, Error> {
        self.map_err(Error::internal)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn is_one_pointer_wide() {
        assert_eq!(size_of::<Error>(), size_of::<usize>());
    }

    #[test]
    fn a_server_error_shows_only_its_generic_text() {
        let error = Error::internal(std::io::Error::other("secret"))
            .with_message("more secret")
            .with_details(Value::from("most secret"));
        assert_eq!(error.message(), Code::InternalError.message());
        assert_eq!(error.details(), None);
        assert_eq!(error.log_text(), "more secret: secret");
    }

    #[test]
    fn retry_after_rounds_up_and_is_at_least_one_second() {
        let of = |ms| Error::new(Code::RateLimitExceeded).with_retry_after(Duration::from_millis(ms));
        assert_eq!(of(0).retry_after_seconds(), Some(1));
        assert_eq!(of(1000).retry_after_seconds(), Some(1));
        assert_eq!(of(1001).retry_after_seconds(), Some(2));
    }

    #[test]
    fn codes_are_unique() {
        let mut names: Vec<_> = Code::ALL.iter().map(|code| code.as_str()).collect();
        names.sort_unstable();
        names.dedup();
        assert_eq!(names.len(), Code::ALL.len());
    }
}
