use std::fmt;

use serde::de::{DeserializeSeed, Deserializer, MapAccess, SeqAccess, Visitor};
use serde::{Deserialize, de};
use serde_json::{Map, Number, Value};

/// The most repeated fields that are remembered; more would only make the answer longer.
const MOST: usize = 32;

/// A JSON document that remembers which fields were given twice, so that a reader can refuse the ones it knows.
#[derive(Debug, PartialEq)]
pub(crate) struct Document {
    pub(crate) value: Value,
    /// Paths such as `input.text`.
    pub(crate) repeated: Vec<String>,
}

impl<'de> Deserialize<'de> for Document {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let mut repeated = Vec::new();
        let value = Node { place: Place::Root, repeated: &mut repeated }.deserialize(deserializer)?;
        Ok(Self { value, repeated })
    }
}

/// Where a value stands; it becomes text only when somebody asks.
#[derive(Clone, Copy)]
enum Place<'a> {
    Root,
    Field(&'a Place<'a>, &'a str),
    Index(&'a Place<'a>, usize),
}

impl fmt::Display for Place<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Root => Ok(()),
            Self::Field(Self::Root, name) => f.write_str(name),
            Self::Index(Self::Root, index) => write!(f, "{index}"),
            Self::Field(parent, name) => write!(f, "{parent}.{name}"),
            Self::Index(parent, index) => write!(f, "{parent}.{index}"),
        }
    }
}

struct Node<'a> {
    place: Place<'a>,
    repeated: &'a mut Vec<String>,
}

impl<'de> DeserializeSeed<'de> for Node<'_> {
    type Value = Value;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Value, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Node<'_> {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("JSON")
    }

    fn visit_bool<E>(self, value: bool) -> Result<Value, E> {
        Ok(Value::Bool(value))
    }

    fn visit_i64<E>(self, value: i64) -> Result<Value, E> {
        Ok(Value::from(value))
    }

    fn visit_u64<E>(self, value: u64) -> Result<Value, E> {
        Ok(Value::from(value))
    }

    fn visit_f64<E: de::Error>(self, value: f64) -> Result<Value, E> {
        Number::from_f64(value).map(Value::Number).ok_or_else(|| E::custom("not a finite number"))
    }

    fn visit_str<E>(self, value: &str) -> Result<Value, E> {
        Ok(Value::String(value.to_owned()))
    }

    fn visit_string<E>(self, value: String) -> Result<Value, E> {
        Ok(Value::String(value))
    }

    fn visit_unit<E>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Value, A::Error> {
        let mut values = Vec::new();
        loop {
            let place = Place::Index(&self.place, values.len());
            let node = Node { place, repeated: &mut *self.repeated };
            match items.next_element_seed(node)? {
                Some(value) => values.push(value),
                None => return Ok(Value::Array(values)),
            }
        }
    }

    fn visit_map<A: MapAccess<'de>>(self, mut fields: A) -> Result<Value, A::Error> {
        let mut map = Map::new();
        while let Some(name) = fields.next_key::<String>()? {
            let place = Place::Field(&self.place, &name);
            if self.repeated.len() < MOST && map.contains_key(&name) {
                self.repeated.push(place.to_string());
            }
            let value = fields.next_value_seed(Node { place, repeated: &mut *self.repeated })?;
            map.insert(name, value);
        }
        Ok(Value::Object(map))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    #[test]
    fn repeated_fields_are_remembered_and_the_last_value_stays() {
        let text = r#"{"a":1,"b":[{"c":1},{"c":1,"c":2}],"a":{"d":null,"d":true}}"#;
        let document: Document = serde_json::from_str(text).expect("JSON");
        assert_eq!(document.value, json!({"a": {"d": true}, "b": [{"c": 1}, {"c": 2}]}));
        assert_eq!(document.repeated, ["b.1.c", "a", "a.d"]);
    }

    #[test]
    fn what_is_remembered_is_bounded() {
        let text = format!("{{{}}}", vec![r#""a":1"#; 10_000].join(","));
        let document: Document = serde_json::from_str(&text).expect("JSON");
        assert_eq!(document.repeated.len(), MOST);
    }

    proptest! {
        #[test]
        fn reads_what_a_value_reads(text in r#"[-{}\[\]":,0-9.eEtrufalsn ]{0,40}"#) {
            let value = serde_json::from_str::<Value>(&text).ok();
            prop_assert_eq!(serde_json::from_str::<Document>(&text).ok().map(|read| read.value), value);
        }
    }
}
