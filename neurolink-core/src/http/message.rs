//! Requests and responses as the core sees them.

use http::header::{CONTENT_LENGTH, TRANSFER_ENCODING};
use http::{HeaderMap, Version};

use super::Body;

/// A request as the core sees it.
pub type Request = http::Request<Body>;

/// A response as the core makes it.
pub type Response = http::Response<Body>;

/// The length of a request's body in bytes, if its head tells it.
///
/// A request of HTTP/1 that declares neither a length nor an encoding has no body (RFC 9112, section 6.3), also where
/// a framework would read until the end of the connection for an upgrade.
#[must_use]
pub fn declared_length(headers: &HeaderMap, version: Version) -> Option<u64> {
    let length = headers.get(CONTENT_LENGTH);
    if length.is_none() && version < Version::HTTP_2 && !headers.contains_key(TRANSFER_ENCODING) {
        return Some(0);
    }
    length?.to_str().ok()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use http::HeaderValue;

    use super::*;

    #[test]
    fn a_head_of_http_1_without_length_and_encoding_has_no_body() {
        let head = |name, value| HeaderMap::from_iter([(name, HeaderValue::from_static(value))]);
        for (headers, http_1, http_2) in [
            (HeaderMap::new(), Some(0), None),
            (head(http::header::UPGRADE, "websocket"), Some(0), None),
            (head(CONTENT_LENGTH, "7"), Some(7), Some(7)),
            (head(CONTENT_LENGTH, "x"), None, None),
            (head(TRANSFER_ENCODING, "chunked"), None, None),
        ] {
            for (version, expected) in
                [(Version::HTTP_10, http_1), (Version::HTTP_11, http_1), (Version::HTTP_2, http_2)]
            {
                assert_eq!(declared_length(&headers, version), expected, "{headers:?} {version:?}");
            }
        }
    }
}
