use std::fmt;

use serde::de::{Deserialize, Deserializer, Error as _, MapAccess, Visitor};
use serde_json::{Map, Value};

/// The claims that every token may have (RFC 7519, section 4.1).
#[derive(Clone, Copy)]
pub(super) enum Claim {
    Sub,
    Iss,
    Aud,
    Exp,
    Nbf,
    Iat,
    Jti,
}

/// In the order of [`Claim`].
const NAMES: [&str; 7] = ["sub", "iss", "aud", "exp", "nbf", "iat", "jti"];

/// The claims of a token, each there once (RFC 7519, section 4: a repeated name may be refused).
///
/// Two readers that take different ones of a repeated claim would be two opinions about who is calling.
#[derive(Debug, Default)]
pub(super) struct Claims {
    known: [Option<Value>; NAMES.len()],
    /// The others, as they are.
    pub(super) others: Map<String, Value>,
}

impl Claims {
    pub(super) const fn get(&self, claim: Claim) -> Option<&Value> {
        self.known[claim as usize].as_ref()
    }

    pub(super) const fn take(&mut self, claim: Claim) -> Option<Value> {
        self.known[claim as usize].take()
    }

    /// What is called so: a claim, or with `/` in front a place inside of one (RFC 6901), which stays there.
    pub(super) fn take_named(&mut self, name: &str) -> Option<Value> {
        let Some(path) = name.strip_prefix('/') else { return self.others.remove(name) };
        let (claim, rest) = path.split_once('/').map_or((path, ""), |(claim, _)| (claim, &path[claim.len()..]));
        let claim = claim.replace("~1", "/").replace("~0", "~");
        self.others.get(&claim)?.pointer(rest).cloned()
    }
}

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

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Claims, A::Error> {
        let mut claims = Claims::default();
        while let Some(key) = map.next_key::<Key>()? {
            let value = map.next_value()?;
            let before = match key {
                Key::Known(index) => claims.known[index].replace(value),
                Key::Other(name) => claims.others.insert(name, value),
            };
            if before.is_some() {
                return Err(A::Error::custom("a claim is there twice"));
            }
        }
        Ok(claims)
    }
}

/// A claim's name: the ones that are known are not copied.
enum Key {
    Known(usize),
    Other(String),
}

impl<'de> Deserialize<'de> for Key {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Text;
        impl Visitor<'_> for Text {
            type Value = Key;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a claim's name")
            }

            fn visit_str<E>(self, name: &str) -> Result<Key, E> {
                let known = NAMES.iter().position(|known| *known == name);
                Ok(known.map_or_else(|| Key::Other(name.to_owned()), Key::Known))
            }
        }
        deserializer.deserialize_identifier(Text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_claim_is_there_once() {
        let read = serde_json::from_str::<Claims>;
        let claims = read(r#"{"sub":"a","aud":["b"],"team":null,"jti":"x"}"#).expect("claims");
        assert_eq!(claims.get(Claim::Sub), Some(&Value::from("a")));
        assert!(claims.get(Claim::Jti).is_some() && claims.get(Claim::Exp).is_none());
        assert_eq!(claims.others.len(), 1);
        for text in [r#"{"sub":"a","su\u0062":"a"}"#, r#"{"team":1,"team":2}"#, r#"["sub"]"#, r#"{"sub":"a"} x"#, ""] {
            assert!(read(text).is_err(), "{text}");
        }
    }

    #[test]
    fn a_name_is_a_claim_or_a_place_inside_of_one() {
        let text = r#"{"https://a.example/roles":["x"],"realm_access":{"roles":["y"]},"a/b":{"c":1}}"#;
        let mut claims: Claims = serde_json::from_str(text).expect("claims");
        assert_eq!(claims.take_named("https://a.example/roles"), Some(Value::from(vec!["x"])));
        assert_eq!(claims.take_named("https://a.example/roles"), None, "it was taken");
        assert_eq!(claims.take_named("/realm_access/roles"), Some(Value::from(vec!["y"])));
        assert_eq!(claims.take_named("/a~1b/c"), Some(Value::from(1)));
        assert_eq!(claims.take_named("/a~1b"), Some(serde_json::json!({ "c": 1 })));
        assert_eq!(claims.take_named("/nothing/here"), None);
        assert!(claims.others.contains_key("realm_access"), "it stays where it is");
    }
}
