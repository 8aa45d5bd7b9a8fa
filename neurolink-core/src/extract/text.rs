//! Deserialises values that came as text: path parameters and query values.

use serde::de::value::{MapDeserializer, SeqDeserializer};
use serde::de::{DeserializeOwned, Deserializer, Error as _, IntoDeserializer, Visitor};
use serde::forward_to_deserialize_any;

/// The problem, told without the value.
type Problem = serde::de::value::Error;

/// One value that came as text and becomes what its place asks for.
#[derive(Clone)]
struct Text(String);

macro_rules! parsed {
    ($($method:ident $visit:ident $what:literal,)*) => {
        $(fn $method<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Problem> {
            visitor.$visit(self.0.parse().map_err(|_| Problem::custom(concat!("expected ", $what)))?)
        })*
    };
}

impl<'de> Deserializer<'de> for Text {
    type Error = Problem;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Problem> {
        visitor.visit_string(self.0)
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Problem> {
        visitor.visit_some(self)
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(self, _name: &'static str, visitor: V) -> Result<V::Value, Problem> {
        visitor.visit_newtype_struct(self)
    }

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        _name: &'static str,
        _variants: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Problem> {
        visitor.visit_enum(self.0.into_deserializer())
    }

    parsed! {
        deserialize_bool visit_bool "true or false",
        deserialize_i8 visit_i8 "a whole number",
        deserialize_i16 visit_i16 "a whole number",
        deserialize_i32 visit_i32 "a whole number",
        deserialize_i64 visit_i64 "a whole number",
        deserialize_u8 visit_u8 "a whole number",
        deserialize_u16 visit_u16 "a whole number",
        deserialize_u32 visit_u32 "a whole number",
        deserialize_u64 visit_u64 "a whole number",
        deserialize_f32 visit_f32 "a number",
        deserialize_f64 visit_f64 "a number",
        deserialize_char visit_char "one character",
    }

    forward_to_deserialize_any! {
        str string bytes byte_buf unit unit_struct seq tuple tuple_struct map struct identifier ignored_any
    }
}

impl IntoDeserializer<'_, Problem> for Text {
    type Deserializer = Self;

    fn into_deserializer(self) -> Self {
        self
    }
}

/// A struct or map out of named values.
pub(super) fn from_pairs<T: DeserializeOwned>(pairs: Vec<(String, String)>) -> Result<T, String> {
    let pairs = pairs.into_iter().map(|(name, value)| (name, Text(value)));
    T::deserialize(MapDeserializer::<_, Problem>::new(pairs)).map_err(|error| told(&error))
}

/// A single value, a tuple, or a struct out of path parameters.
pub(super) fn from_params<T: DeserializeOwned>(params: Vec<(String, String)>) -> Result<T, String> {
    T::deserialize(Positional(params)).map_err(|error| told(&error))
}

/// The message without the value: serde repeats it before `, expected`.
fn told(error: &Problem) -> String {
    let text = error.to_string();
    match text.split_once(", expected ") {
        Some((_, expected)) => format!("expected {expected}"),
        None => text,
    }
}

struct Positional(Vec<(String, String)>);

impl Positional {
    fn one(mut self) -> Result<Text, Problem> {
        match (self.0.pop(), self.0.is_empty()) {
            (Some((_, value)), true) => Ok(Text(value)),
            _ => Err(Problem::custom("the route does not have exactly one parameter")),
        }
    }
}

macro_rules! single {
    ($($method:ident)*) => {
        $(fn $method<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Problem> {
            self.one()?.$method(visitor)
        })*
    };
}

impl<'de> Deserializer<'de> for Positional {
    type Error = Problem;

    single! {
        deserialize_any deserialize_bool deserialize_i8 deserialize_i16 deserialize_i32 deserialize_i64
        deserialize_u8 deserialize_u16 deserialize_u32 deserialize_u64 deserialize_f32 deserialize_f64
        deserialize_char deserialize_str deserialize_string deserialize_bytes deserialize_byte_buf
        deserialize_option deserialize_identifier
    }

    fn deserialize_unit<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Problem> {
        visitor.visit_unit()
    }

    fn deserialize_unit_struct<V: Visitor<'de>>(self, _name: &'static str, visitor: V) -> Result<V::Value, Problem> {
        visitor.visit_unit()
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(self, _name: &'static str, visitor: V) -> Result<V::Value, Problem> {
        visitor.visit_newtype_struct(self)
    }

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        name: &'static str,
        variants: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Problem> {
        self.one()?.deserialize_enum(name, variants, visitor)
    }

    fn deserialize_seq<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Problem> {
        visitor.visit_seq(SeqDeserializer::new(self.0.into_iter().map(|(_, value)| Text(value))))
    }

    fn deserialize_tuple<V: Visitor<'de>>(self, _len: usize, visitor: V) -> Result<V::Value, Problem> {
        self.deserialize_seq(visitor)
    }

    fn deserialize_tuple_struct<V: Visitor<'de>>(
        self,
        _name: &'static str,
        _len: usize,
        visitor: V,
    ) -> Result<V::Value, Problem> {
        self.deserialize_seq(visitor)
    }

    fn deserialize_map<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Problem> {
        visitor.visit_map(MapDeserializer::new(self.0.into_iter().map(|(name, value)| (name, Text(value)))))
    }

    fn deserialize_struct<V: Visitor<'de>>(
        self,
        _name: &'static str,
        _fields: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Problem> {
        self.deserialize_map(visitor)
    }

    fn deserialize_ignored_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Problem> {
        visitor.visit_unit()
    }
}

#[cfg(test)]
mod tests {
    use serde::Deserialize;

    use super::*;

    fn pairs(of: &[(&str, &str)]) -> Vec<(String, String)> {
        of.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
    }

    #[derive(Debug, Deserialize, PartialEq)]
    struct Page {
        limit: u32,
        q: Option<String>,
    }

    #[test]
    fn a_struct_is_made_of_named_values() {
        assert_eq!(
            from_pairs::<Page>(pairs(&[("limit", "5"), ("q", "x"), ("other", "1")])),
            Ok(Page { limit: 5, q: Some("x".into()) })
        );
    }

    #[test]
    fn a_wrong_value_is_told_and_not_repeated() {
        let problem = from_pairs::<Page>(pairs(&[("limit", "hunter2")])).expect_err("no number");
        assert_eq!(problem, "expected a whole number");
    }

    #[test]
    fn path_parameters_are_a_value_a_tuple_or_a_struct() {
        assert_eq!(from_params::<u32>(pairs(&[("id", "7")])), Ok(7));
        assert_eq!(from_params::<(String, u8)>(pairs(&[("a", "x"), ("b", "7")])), Ok(("x".into(), 7)));
        assert_eq!(from_params::<Page>(pairs(&[("limit", "1")])), Ok(Page { limit: 1, q: None }));
        assert!(from_params::<u32>(pairs(&[])).is_err());
    }
}
