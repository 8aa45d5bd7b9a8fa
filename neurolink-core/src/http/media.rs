//! What a body must be before it is read: in no content coding, and JSON or a form of either kind where that is asked for.

use std::collections::HashSet;

use http::{HeaderMap, HeaderValue, header};
use percent_encoding::percent_decode_str;

use super::coding;
use crate::{Code, Error};

/// Refuses a body in a content coding: its bytes would be read as something else (RFC 9110, sections 12.5.3 and 15.5.16).
pub(crate) fn require_identity(headers: &HeaderMap) -> Result<(), Error> {
    if headers.get_all(header::CONTENT_ENCODING).iter().flat_map(coding::names).next().is_none() {
        return Ok(());
    }
    Err(Error::new(Code::UnsupportedMediaType)
        .with_message("This server takes bodies without a Content-Encoding")
        .with_header(header::ACCEPT_ENCODING, HeaderValue::from_static("identity")))
}

/// What a body is asked to be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Media {
    /// `application/json` or `+json`.
    Json,
    /// `application/x-www-form-urlencoded`.
    Form,
    /// `multipart/form-data`.
    #[cfg(feature = "multipart")]
    Multipart,
}

impl Media {
    /// Refuses a body of another type, or in a content coding.
    pub(crate) fn require(self, headers: &HeaderMap) -> Result<(), Error> {
        require_identity(headers)?;
        if headers.get(header::CONTENT_TYPE).is_some_and(|value| self.is(value.as_bytes())) {
            return Ok(());
        }
        Err(Error::new(Code::UnsupportedMediaType).with_message(match self {
            Self::Json => "This route takes JSON; send it with Content-Type: application/json",
            Self::Form => "This route takes a form; send it with Content-Type: application/x-www-form-urlencoded",
            #[cfg(feature = "multipart")]
            Self::Multipart => "This route takes a form in parts; send it with Content-Type: multipart/form-data",
        }))
    }

    /// Whether a content type is that, with any parameter.
    fn is(self, content_type: &[u8]) -> bool {
        let essence = content_type.split(|byte| *byte == b';').next().unwrap_or_default().trim_ascii();
        match self {
            Self::Json => {
                essence.eq_ignore_ascii_case(b"application/json")
                    || (essence.len() > 5
                        && essence.contains(&b'/')
                        && essence[essence.len() - 5..].eq_ignore_ascii_case(b"+json"))
            }
            Self::Form => essence.eq_ignore_ascii_case(b"application/x-www-form-urlencoded"),
            #[cfg(feature = "multipart")]
            Self::Multipart => essence.eq_ignore_ascii_case(b"multipart/form-data"),
        }
    }
}

/// The names and values of a form or a query, in order, as they stand.
fn encoded_pairs(text: &str) -> impl Iterator<Item = (&str, &str)> {
    text.split('&').filter(|pair| !pair.is_empty()).map(|pair| pair.split_once('=').unwrap_or((pair, "")))
}

/// The names and values of a query, in order, decoded; what is no UTF-8 becomes U+FFFD (WHATWG URL, section 5.1).
pub(crate) fn query_pairs(text: &str) -> impl Iterator<Item = (String, String)> {
    let decode = |text: &str| percent_decode_str(&text.replace('+', " ")).decode_utf8_lossy().into_owned();
    encoded_pairs(text).map(move |(name, value)| (decode(name), decode(value)))
}

/// The names and values of a form, in order, decoded; nothing is changed in silence.
///
/// # Errors
/// One is no UTF-8.
pub(crate) fn form_pairs(text: &str) -> Result<Vec<(String, String)>, std::str::Utf8Error> {
    let decode = |text: &str| percent_decode_str(&text.replace('+', " ")).decode_utf8().map(String::from);
    encoded_pairs(text).map(|(name, value)| Ok((decode(name)?, decode(value)?))).collect()
}

/// Of each name the last pair, where it stands.
pub(crate) fn last_of_each(mut pairs: Vec<(String, String)>) -> Vec<(String, String)> {
    let mut seen = HashSet::new();
    let last: Vec<bool> = pairs.iter().rev().map(|(name, _)| seen.insert(name.as_str())).collect();
    let mut last = last.into_iter().rev();
    pairs.retain(|_| last.next().unwrap_or_default());
    pairs
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

    #[test]
    fn json_types_are_known() {
        for json in
            ["application/json", "Application/JSON; charset=latin1", "application/vnd.api+json", "x/y+json ;a=b"]
        {
            assert!(Media::Json.is(json.as_bytes()), "{json}");
        }
        for other in ["", "text/plain", "application/jsonx", "+json", "text/json+xml", "application/x-ndjson"] {
            assert!(!Media::Json.is(other.as_bytes()), "{other}");
        }
    }

    fn pairs(pairs: &[(&str, &str)]) -> Vec<(String, String)> {
        pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
    }

    #[test]
    fn pairs_are_decoded_in_order() {
        let text = "a=1+2&&b=%C3%A4&c&=d&e=f=g";
        let all = pairs(&[("a", "1 2"), ("b", "\u{e4}"), ("c", ""), ("", "d"), ("e", "f=g")]);
        assert_eq!(form_pairs(text).expect("UTF-8"), all);
        assert_eq!(query_pairs(text).collect::<Vec<_>>(), all);
    }

    #[test]
    fn bytes_that_are_no_utf_8_are_refused_in_a_form_and_marked_in_a_query() {
        assert!(form_pairs("a=%FF").is_err() && form_pairs("%C3=1").is_err());
        assert_eq!(query_pairs("a=%FF").collect::<Vec<_>>(), pairs(&[("a", "\u{fffd}")]));
    }

    #[test]
    fn of_a_repeated_name_the_last_pair_stays_where_it_is() {
        let all = pairs(&[("a", "1"), ("b", "2"), ("a", "3"), ("c", "4"), ("c", "5")]);
        assert_eq!(last_of_each(all), pairs(&[("b", "2"), ("a", "3"), ("c", "5")]));
    }
}
