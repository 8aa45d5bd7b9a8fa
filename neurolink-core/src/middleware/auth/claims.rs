use std::fmt;

use serde::de::{Deserialize, Deserializer, Error as _, MapAccess, Visitor};
use serde_json::{Map, Value};

/// The claims of a token, each there once (RFC 7519, section 4: a repeated name may be refused).
///
/// Two readers that take different ones of a repeated claim would be two opinions about who is calling.
pub(super) struct Claims(pub(super) Map<String, Value>);

impl<'de> Deserialize<'de> for Claims {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(Once)
    }
}

struct Once;

impl<'de> Visitor<'de> for Once {
    type Value = Claims;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("claims")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut claims: A) -> Result<Claims, A::Error> {
        let mut all = Map::new();
        while let Some((name, value)) = claims.next_entry::<String, Value>()? {
            if all.insert(name, value).is_some() {
                return Err(A::Error::custom("a claim is there twice"));
            }
        }
        Ok(Claims(all))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_claim_is_there_once() {
        let read = |text: &str| serde_json::from_str::<Claims>(text).map(|Claims(claims)| claims.len());
        assert_eq!(read(r#"{"sub":"a","aud":["b"]}"#).expect("claims"), 2);
        for text in [r#"{"sub":"a","sub":"a"}"#, r#"{"team":1,"team":2}"#, r#"["sub"]"#, r#"{"sub":"a"} x"#, ""] {
            assert!(read(text).is_err(), "{text}");
        }
    }
}
