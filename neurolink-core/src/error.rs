use std::borrow::Cow;
use std::fmt;
use std::time::Duration;

use http::{HeaderName, HeaderValue, StatusCode};
use serde_json::Value;

use crate::{BoxError, Category, Code, Severity};

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
    body: Option<Whole>,
}

/// A body that was chosen instead of the envelope.
#[derive(Debug)]
enum Whole {
    Json(Value),
    Text(String),
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
        self.0.body = Some(Whole::Json(body));
        self
    }

    /// Answers with exactly this text instead of the envelope, as `text/plain`.
    ///
    /// It is shown as it is, whatever the status: put nothing into it that is for the log.
    #[must_use]
    pub fn with_text(mut self, text: impl Into<String>) -> Self {
        self.0.body = Some(Whole::Text(text.into()));
        self
    }

    /// The whole body, if JSON was chosen.
    #[must_use]
    pub fn body(&self) -> Option<&Value> {
        match &self.0.body {
            Some(Whole::Json(body)) => Some(body),
            _ => None,
        }
    }

    /// The whole body, if a text was chosen.
    #[must_use]
    pub fn text(&self) -> Option<&str> {
        match &self.0.body {
            Some(Whole::Text(text)) => Some(text),
            _ => None,
        }
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
}
