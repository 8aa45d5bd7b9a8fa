//! The header of a token (RFC 7515, section 4), of which little is believed.

use std::borrow::Cow;
use std::fmt;

use serde::de::{Deserialize, Deserializer, Error as _, IgnoredAny, MapAccess, Visitor};
use smallvec::SmallVec;

use super::algorithm::JwtAlgorithm;

/// The longest `kid`, in bytes.
pub(super) const LONGEST_ID: usize = 256;

/// What a header says that means something here.
///
/// `jku`, `x5u`, `x5c`, `x5t` and `jwk` would let a token bring its own key, and are not read.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Header<'a> {
    pub(super) algorithm: JwtAlgorithm,
    /// What the key is called.
    pub(super) key: Option<Cow<'a, str>>,
    /// `typ` as it is.
    pub(super) kind: Option<Cow<'a, str>>,
}

impl<'de> Deserialize<'de> for Header<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(Once)
    }
}

struct Once;

impl<'de> Visitor<'de> for Once {
    type Value = Header<'de>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a header")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Header<'de>, A::Error> {
        let mut seen = SmallVec::<[Cow<'de, str>; 6]>::new();
        let (mut algorithm, mut key, mut kind) = (None, None, None);
        while let Some(Text(name)) = map.next_key()? {
            match &*name {
                "alg" => {
                    let Text(name) = map.next_value()?;
                    let known = JwtAlgorithm::named(&name);
                    algorithm = Some(known.ok_or_else(|| A::Error::custom("the algorithm is not known"))?);
                }
                "kid" => {
                    let Text(id) = map.next_value()?;
                    if id.len() > LONGEST_ID {
                        return Err(A::Error::custom("the kid is longer than 256 bytes"));
                    }
                    key = Some(id);
                }
                "typ" => {
                    let Text(typ) = map.next_value()?;
                    kind = Some(typ);
                }
                "cty" => {
                    let Text(content) = map.next_value()?;
                    if is_kind(&content, "jwt") {
                        return Err(A::Error::custom("the token holds another token"));
                    }
                }
                "crit" => return Err(A::Error::custom("the token has a critical header")),
                "b64" => {
                    if !map.next_value::<bool>()? {
                        return Err(A::Error::custom("the token's claims are not encoded"));
                    }
                }
                _ => {
                    map.next_value::<IgnoredAny>()?;
                }
            }
            if seen.contains(&name) {
                return Err(A::Error::custom("a header is there twice"));
            }
            seen.push(name);
        }
        let algorithm = algorithm.ok_or_else(|| A::Error::custom("the token names no algorithm"))?;
        Ok(Header { algorithm, key, kind })
    }
}

/// Whether a media type is this one; `application/` may be left out (RFC 7515, section 4.1.9), and case does not matter.
pub(super) fn is_kind(kind: &str, expected: &str) -> bool {
    const PREFIX: &str = "application/";
    let plain = |text: &'_ str| match text.get(..PREFIX.len()) {
        Some(prefix) if prefix.eq_ignore_ascii_case(PREFIX) => PREFIX.len(),
        _ => 0,
    };
    kind[plain(kind)..].eq_ignore_ascii_case(&expected[plain(expected)..])
}

/// A text that is copied only when it has escapes.
struct Text<'a>(Cow<'a, str>);

impl<'de> Deserialize<'de> for Text<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Any;
        impl<'de> Visitor<'de> for Any {
            type Value = Text<'de>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a text")
            }

            fn visit_borrowed_str<E>(self, text: &'de str) -> Result<Text<'de>, E> {
                Ok(Text(Cow::Borrowed(text)))
            }

            fn visit_str<E>(self, text: &str) -> Result<Text<'de>, E> {
                Ok(Text(Cow::Owned(text.to_owned())))
            }
        }
        deserializer.deserialize_str(Any)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Option<Header<'_>> {
        serde_json::from_str(text).ok()
    }

    #[test]
    fn what_means_something_is_read_and_keys_are_ignored() {
        let header = read(
            r#"{"alg":"ES256","kid":"a","typ":"application/AT+JWT","jku":"https://evil.example","jwk":{"kty":"oct"},"x5c":[1],"b64":true}"#,
        );
        let expected =
            Header { algorithm: JwtAlgorithm::Es256, key: Some("a".into()), kind: Some("application/AT+JWT".into()) };
        assert_eq!(header, Some(expected));
    }

    #[test]
    fn kinds_are_media_types() {
        for kind in ["at+jwt", "AT+JWT", "application/at+jwt", "Application/AT+jwt"] {
            assert!(is_kind(kind, "at+jwt") && is_kind("at+jwt", kind), "{kind}");
        }
        for kind in ["", "jwt", "application/", "text/at+jwt", "at+jwt ", "é"] {
            assert!(!is_kind(kind, "at+jwt"), "{kind}");
        }
    }

    #[test]
    fn what_is_not_a_header_is_refused() {
        for text in [
            r#"{}"#,
            r#"{"alg":"none"}"#,
            r#"{"alg":null}"#,
            r#"{"alg":["HS256"]}"#,
            r#"{"alg":"HS256","alg":"HS256"}"#,
            r#"{"alg":"HS256","x":1,"x":1}"#,
            r#"{"alg":"HS256","a\u006cg":"HS256"}"#,
            r#"{"alg":"HS256","crit":[]}"#,
            r#"{"alg":"HS256","crit":null}"#,
            r#"{"alg":"HS256","b64":false}"#,
            r#"{"alg":"HS256","kid":1}"#,
            r#"{"alg":"HS256","kid":null}"#,
            r#"{"alg":"HS256","typ":1}"#,
            r#"{"alg":"HS256","cty":"JWT"}"#,
            r#"{"alg":"HS256"} "#.trim_end_matches(' ').trim_end_matches('}'),
            r#"["HS256"]"#,
        ] {
            assert!(read(text).is_none(), "{text}");
        }
        assert!(read(&format!(r#"{{"alg":"HS256","kid":"{}"}}"#, "k".repeat(256))).is_some());
        assert!(read(&format!(r#"{{"alg":"HS256","kid":"{}"}}"#, "k".repeat(257))).is_none());
    }
}
