use std::fmt;

use serde::de::{Deserialize, Deserializer, Error as _, MapAccess, Visitor};
use serde_json::{Map, Value};

/// The claims that mean something here.
#[derive(Clone, Copy)]
pub(super) enum Claim {
    Sub,
    Iss,
    Aud,
    Exp,
    Nbf,
    Iat,
    Email,
    Name,
    Roles,
    Role,
    Permissions,
}

/// In the order of [`Claim`]; the last is known, and nobody asks for it.
const NAMES: [&str; 12] =
    ["sub", "iss", "aud", "exp", "nbf", "iat", "email", "name", "roles", "role", "permissions", "jti"];

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
        let claims = read(r#"{"sub":"a","aud":["b"],"team":null,"permissions":[]}"#).expect("claims");
        assert_eq!(claims.get(Claim::Sub), Some(&Value::from("a")));
        assert!(claims.get(Claim::Permissions).is_some() && claims.get(Claim::Exp).is_none());
        assert_eq!(claims.others.len(), 1);
        for text in [r#"{"sub":"a","su\u0062":"a"}"#, r#"{"team":1,"team":2}"#, r#"["sub"]"#, r#"{"sub":"a"} x"#, ""] {
            assert!(read(text).is_err(), "{text}");
        }
    }
}
