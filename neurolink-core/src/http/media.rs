//! What a body must be before it is read: in no content coding, and JSON where JSON is asked for.

use http::{HeaderMap, HeaderValue, header};

use crate::{Code, Error};

/// Refuses a body in a content coding: its bytes would be read as something else (RFC 9110, sections 12.5.3 and 15.5.16).
pub(crate) fn require_identity(headers: &HeaderMap) -> Result<(), Error> {
    let plain = |line: &HeaderValue| {
        let mut codings = line.as_bytes().split(|byte| *byte == b',').map(<[u8]>::trim_ascii);
        codings.all(|coding| coding.is_empty() || coding.eq_ignore_ascii_case(b"identity"))
    };
    if headers.get_all(header::CONTENT_ENCODING).iter().all(plain) {
        return Ok(());
    }
    Err(Error::new(Code::UnsupportedMediaType)
        .with_message("This server takes bodies without a Content-Encoding")
        .with_header(header::ACCEPT_ENCODING, HeaderValue::from_static("identity")))
}

/// Refuses a body that is not JSON, or in a content coding.
pub(crate) fn require_json(headers: &HeaderMap) -> Result<(), Error> {
    require_identity(headers)?;
    if headers.get(header::CONTENT_TYPE).is_some_and(|value| crate::extract::is_json(value.as_bytes())) {
        return Ok(());
    }
    Err(Error::new(Code::UnsupportedMediaType)
        .with_message("This route takes JSON; send it with Content-Type: application/json"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused(lines: &[&'static str]) -> bool {
        let mut headers = HeaderMap::new();
        for line in lines {
            headers.append(header::CONTENT_ENCODING, HeaderValue::from_static(line));
        }
        require_identity(&headers).is_err()
    }

    #[test]
    fn only_the_identity_coding_is_taken() {
        for plain in [&[][..], &["identity"], &["Identity"], &["identity, identity"], &[""]] {
            assert!(!refused(plain), "{plain:?}");
        }
        for coded in [&["gzip"][..], &["identity, br"], &["identity", "gzip"], &["identit"], &["gzip;q=1"]] {
            assert!(refused(coded), "{coded:?}");
        }
    }
}
