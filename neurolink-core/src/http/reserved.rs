//! Header names with a meaning of their own, which no setting may give another (RFC 9110, RFC 9112).

use http::HeaderName;

/// Names that frame a message, belong to one connection, or that the server writes itself.
const FRAMING: &[&str] = &[
    "connection",
    "content-length",
    "date",
    "keep-alive",
    "proxy-connection",
    "te",
    "trailer",
    "transfer-encoding",
    "upgrade",
];

/// Names of requests that already say something else.
const TAKEN: &[&str] = &[
    "accept",
    "accept-encoding",
    "authorization",
    "content-encoding",
    "content-type",
    "cookie",
    "expect",
    "forwarded",
    "host",
    "origin",
    "proxy-authorization",
    "range",
    "referer",
    "set-cookie",
    "user-agent",
    "via",
    "x-forwarded-for",
    "x-forwarded-host",
    "x-forwarded-proto",
    "x-real-ip",
];

/// Why a response cannot be given this header.
#[cfg(any(test, feature = "security-headers"))]
pub(crate) fn response(name: &HeaderName) -> Result<(), String> {
    if FRAMING.contains(&name.as_str()) {
        return Err(format!("`{name}` is written by the server itself; leave it out"));
    }
    Ok(())
}

/// Why a value of ours cannot be in this header of requests.
pub(crate) fn request(name: &HeaderName) -> Result<(), String> {
    let taken = |prefix| name.as_str().starts_with(prefix);
    if FRAMING.contains(&name.as_str()) || TAKEN.contains(&name.as_str()) || taken("sec-") || taken("access-control-") {
        return Err(format!("`{name}` has another meaning; choose a name of your own, such as `x-my-name`"));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_with_a_meaning_cannot_be_given_another() {
        for name in ["content-length", "transfer-encoding", "connection"] {
            assert!(response(&HeaderName::from_static(name)).is_err(), "{name}");
        }
        for name in ["host", "cookie", "authorization", "sec-fetch-site", "content-length"] {
            assert!(request(&HeaderName::from_static(name)).is_err(), "{name}");
        }
        for name in ["x-request-id", "x-api-key", "x-trace"] {
            assert!(request(&HeaderName::from_static(name)).is_ok(), "{name}");
        }
        assert!(response(&HeaderName::from_static("content-security-policy")).is_ok());
    }
}
