//! What errors are called, and what each is.

use std::fmt;

use http::StatusCode;

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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_are_unique() {
        let mut names: Vec<_> = Code::ALL.iter().map(|code| code.as_str()).collect();
        names.sort_unstable();
        names.dedup();
        assert_eq!(names.len(), Code::ALL.len());
    }
}
