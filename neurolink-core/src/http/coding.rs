//! Content codings of request bodies (RFC 9110, section 8.4).

use std::fmt;

use http::{HeaderMap, HeaderValue, header};

use crate::{Code, Error};

/// A content coding that request bodies may come in.
///
/// ```
/// use neurolink_core::ContentCoding;
///
/// let coding: ContentCoding = "gzip".parse()?;
/// assert_eq!((coding, coding.to_string()), (ContentCoding::Gzip, "gzip".to_owned()));
/// assert!("br".parse::<ContentCoding>().is_err());
/// # Ok::<(), String>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum ContentCoding {
    /// `gzip`, also written `x-gzip`: one member of a gzip file (RFC 1952).
    Gzip,
    /// `deflate`: the zlib format (RFC 1950), not bare deflate data.
    Deflate,
}

impl ContentCoding {
    /// All of them.
    pub const ALL: [Self; 2] = [Self::Gzip, Self::Deflate];

    /// Its name, as it stands in `Content-Encoding`.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Gzip => "gzip",
            Self::Deflate => "deflate",
        }
    }

    /// The coding of a name in any case.
    fn named(name: &[u8]) -> Option<Self> {
        if name.eq_ignore_ascii_case(b"x-gzip") {
            return Some(Self::Gzip);
        }
        Self::ALL.into_iter().find(|coding| name.eq_ignore_ascii_case(coding.as_str().as_bytes()))
    }

    /// The coding of a body, `None` for a plain one.
    ///
    /// # Errors
    /// 415 that names what is allowed, for one that is not allowed and for several.
    pub(crate) fn of(headers: &HeaderMap, allowed: &[Self]) -> Result<Option<Self>, Error> {
        let mut codings = headers.get_all(header::CONTENT_ENCODING).iter().flat_map(names);
        let Some(name) = codings.next() else { return Ok(None) };
        match Self::named(name).filter(|coding| allowed.contains(coding)) {
            Some(coding) if codings.next().is_none() => Ok(Some(coding)),
            _ => Err(not_allowed(allowed)),
        }
    }
}

/// The codings that a header line names, without `identity`, which is none.
pub(super) fn names(line: &HeaderValue) -> impl Iterator<Item = &[u8]> {
    let names = line.as_bytes().split(|byte| *byte == b',').map(<[u8]>::trim_ascii);
    names.filter(|name| !name.is_empty() && !name.eq_ignore_ascii_case(b"identity"))
}

/// RFC 9110, sections 12.5.3 and 15.5.16.
fn not_allowed(allowed: &[ContentCoding]) -> Error {
    let list = allowed.iter().map(|coding| coding.as_str()).collect::<Vec<_>>().join(", ");
    let error = Error::new(Code::UnsupportedMediaType)
        .with_message(format!("This server takes bodies without a Content-Encoding, or with one of: {list}"));
    match HeaderValue::try_from(list) {
        Ok(list) => error.with_header(header::ACCEPT_ENCODING, list),
        Err(_) => error,
    }
}

#[cfg(not(feature = "decompress"))]
impl crate::Body {
    /// Without the feature no app is built that would ask for it.
    pub(crate) fn decoded(self, _: ContentCoding, _: &super::Fault) -> Self {
        self
    }
}

impl fmt::Display for ContentCoding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl std::str::FromStr for ContentCoding {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        Self::named(text.as_bytes())
            .ok_or_else(|| "it is no coding that is read here; write `gzip` or `deflate`".into())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(lines: &[&'static str], allowed: &[ContentCoding]) -> Result<Option<ContentCoding>, Error> {
        let mut headers = HeaderMap::new();
        for line in lines {
            headers.append(header::CONTENT_ENCODING, HeaderValue::from_static(line));
        }
        ContentCoding::of(&headers, allowed)
    }

    #[test]
    fn one_coding_that_is_allowed_is_taken() {
        use ContentCoding::{Deflate, Gzip};
        for (lines, coding) in [
            (&[][..], None),
            (&[""], None),
            (&["identity"], None),
            (&["gzip"], Some(Gzip)),
            (&["X-GZip"], Some(Gzip)),
            (&["Deflate"], Some(Deflate)),
            (&["identity, gzip"], Some(Gzip)),
            (&["identity", " gzip ,"], Some(Gzip)),
        ] {
            assert_eq!(of(lines, &ContentCoding::ALL).expect("allowed"), coding, "{lines:?}");
        }
    }

    #[test]
    fn what_is_not_allowed_and_several_are_refused_with_what_is() {
        for lines in [&["br"][..], &["deflate"], &["gzip, gzip"], &["gzip", "gzip"], &["gzip;q=1"], &["gzip br"]] {
            let error = of(lines, &[ContentCoding::Gzip]).expect_err("refused");
            assert_eq!(error.code(), Code::UnsupportedMediaType, "{lines:?}");
            assert_eq!(error.headers(), [(header::ACCEPT_ENCODING, HeaderValue::from_static("gzip"))], "{lines:?}");
        }
        let error = of(&["br"], &ContentCoding::ALL).expect_err("refused");
        assert_eq!(error.headers()[0].1, "gzip, deflate");
    }
}
