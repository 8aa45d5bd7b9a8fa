//! A typed reader of JSON that tells all problems at once and never repeats a value.

use neurolink_core::{Code, Error, Json};
use serde_json::{Map, Value, json};

use crate::document::Document;

/// The most problems that are told; more would only make the answer longer.
const MOST: usize = 100;

/// The problems of one request.
#[derive(Debug, Default)]
pub(crate) struct Problems {
    details: Vec<Value>,
    repeated: Vec<String>,
}

impl Problems {
    /// Adds a problem of the value at `path`; `code` is one that zod has.
    pub(crate) fn add(&mut self, path: &str, message: impl Into<String>, code: &str) {
        if self.details.len() < MOST {
            let message: String = message.into();
            self.details.push(json!({ "path": path, "message": message, "code": code }));
        }
    }

    pub(crate) fn wrong_type(&mut self, path: &str, wanted: &str, found: Option<&Value>) {
        let message = format!("expected {wanted}, received {}", kind(found));
        self.add(path, message, "invalid_type");
    }

    /// Ends the reading.
    ///
    /// # Errors
    /// 400 `VALIDATION_ERROR` with every problem.
    pub(crate) fn finish(self, what: &str) -> Result<(), Error> {
        if self.details.is_empty() {
            return Ok(());
        }
        Err(Error::new(Code::ValidationError)
            .with_message(format!("Invalid {what}"))
            .with_details(Value::Array(self.details)))
    }
}

/// What kind of value it is, as JavaScript calls it.
const fn kind(value: Option<&Value>) -> &'static str {
    match value {
        None => "undefined",
        Some(Value::Null) => "null",
        Some(Value::Bool(_)) => "boolean",
        Some(Value::Number(_)) => "number",
        Some(Value::String(_)) => "string",
        Some(Value::Array(_)) => "array",
        Some(Value::Object(_)) => "object",
    }
}

/// Reads a request body: `read` takes its fields and returns what it makes of them.
///
/// A value that `read` makes in spite of a problem is dropped, so it may use defaults.
///
/// # Errors
/// 400 `VALIDATION_ERROR` with every problem.
pub(crate) fn read<T>(
    body: Option<Json<Document>>,
    read: impl FnOnce(&mut Object, &mut Problems) -> T,
) -> Result<T, Error> {
    let (value, repeated) = match body {
        Some(Json(Document { value, repeated })) => (Some(value), repeated),
        None => (None, Vec::new()),
    };
    let mut problems = Problems { repeated, ..Problems::default() };
    let at = At { path: String::new(), value };
    let made = at.object(&mut problems).map(|mut object| read(&mut object, &mut problems));
    problems.finish("request body")?;
    made.ok_or_else(|| Error::new(Code::ValidationError))
}

/// An object whose fields are taken one by one; what is not taken is ignored.
pub(crate) struct Object {
    path: String,
    fields: Map<String, Value>,
}

impl Object {
    /// Takes a field, there or not.
    pub(crate) fn take(&mut self, name: &str, problems: &mut Problems) -> At {
        let path = join(&self.path, name);
        if problems.repeated.contains(&path) {
            problems.add(&path, "the field is there more than once", "duplicate_key");
        }
        At { value: self.fields.remove(name), path }
    }

    /// All its fields, as they are.
    pub(crate) fn into_fields(self) -> Map<String, Value> {
        self.fields
    }

    /// Takes a field that may be left out.
    pub(crate) fn optional(&mut self, name: &str, problems: &mut Problems) -> Option<At> {
        // A path is made for what is there only.
        self.fields.contains_key(name).then(|| self.take(name, problems))
    }

    /// Takes a string that may be left out.
    pub(crate) fn optional_string(&mut self, name: &str, problems: &mut Problems) -> Option<String> {
        self.optional(name, problems)?.string(problems)
    }

    /// Takes an array of strings that may be left out.
    pub(crate) fn optional_strings(&mut self, name: &str, problems: &mut Problems) -> Option<Vec<String>> {
        let items = self.optional(name, problems)?.array(problems)?;
        Some(items.filter_map(|item| item.string(problems)).collect())
    }
}

/// A value, or its absence, at a path.
pub(crate) struct At {
    pub(crate) path: String,
    pub(crate) value: Option<Value>,
}

impl At {
    pub(crate) fn string(self, problems: &mut Problems) -> Option<String> {
        match self.value {
            Some(Value::String(text)) => Some(text),
            other => {
                problems.wrong_type(&self.path, "string", other.as_ref());
                None
            }
        }
    }

    /// A string of at least one character.
    pub(crate) fn filled_string(self, problems: &mut Problems) -> Option<String> {
        let path = self.path.clone();
        let text = self.string(problems)?;
        if text.is_empty() {
            problems.add(&path, "expected at least 1 character", "too_small");
            return None;
        }
        Some(text)
    }

    pub(crate) fn object(self, problems: &mut Problems) -> Option<Object> {
        match self.value {
            Some(Value::Object(fields)) => Some(Object { path: self.path, fields }),
            other => {
                problems.wrong_type(&self.path, "object", other.as_ref());
                None
            }
        }
    }

    pub(crate) fn array(self, problems: &mut Problems) -> Option<impl ExactSizeIterator<Item = Self> + use<>> {
        match self.value {
            Some(Value::Array(items)) => {
                let path = self.path;
                Some(
                    items
                        .into_iter()
                        .enumerate()
                        .map(move |(index, value)| Self { path: join(&path, &index.to_string()), value: Some(value) }),
                )
            }
            other => {
                problems.wrong_type(&self.path, "array", other.as_ref());
                None
            }
        }
    }

    /// A number from `least` to `most`.
    pub(crate) fn number(self, least: f64, most: f64, problems: &mut Problems) -> Option<f64> {
        let Some(number) = self.value.as_ref().and_then(Value::as_f64) else {
            problems.wrong_type(&self.path, "number", self.value.as_ref());
            return None;
        };
        if number < least {
            problems.add(&self.path, format!("expected at least {least}"), "too_small");
        } else if number > most {
            problems.add(&self.path, format!("expected at most {most}"), "too_big");
        }
        Some(number)
    }

    /// A whole number above zero; `2.0` is one too, since JavaScript knows no difference.
    pub(crate) fn count(self, problems: &mut Problems) -> Option<u64> {
        const MOST: u64 = 1 << 53;
        let path = self.path.clone();
        let whole = self.value.as_ref().and_then(Value::as_u64);
        let number = self.number(f64::MIN, f64::MAX, problems)?;
        if number <= 0.0 {
            problems.add(&path, "expected more than 0", "too_small");
        } else if number.fract() != 0.0 {
            problems.add(&path, "expected a whole number", "invalid_type");
        } else if number > 9_007_199_254_740_992.0 {
            problems.add(&path, format!("expected at most {MOST}"), "too_big");
        }
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "whole, above zero and at most 2^53, or the value is dropped"
        )]
        Some(whole.unwrap_or(number as u64))
    }
}

fn join(path: &str, name: &str) -> String {
    if path.is_empty() { name.to_owned() } else { format!("{path}.{name}") }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn details(text: &str, of: impl FnOnce(&mut Object, &mut Problems)) -> Vec<(String, String)> {
        let document = serde_json::from_str(text).expect("JSON");
        let Err(error) = read(Some(Json(document)), of) else { return Vec::new() };
        let details = error.details().and_then(Value::as_array).cloned().unwrap_or_default();
        let text = |detail: &Value, name: &str| detail[name].as_str().unwrap_or_default().to_owned();
        details.iter().map(|detail| (text(detail, "path"), text(detail, "code"))).collect()
    }

    fn pairs(of: &[(&str, &str)]) -> Vec<(String, String)> {
        of.iter().map(|(path, code)| ((*path).to_owned(), (*code).to_owned())).collect()
    }

    #[test]
    fn all_problems_are_told_at_once() {
        let found = details(r#"{"a":1,"b":["x",2,null],"c":"","d":9}"#, |object, problems| {
            object.optional_string("a", problems);
            object.optional_strings("b", problems);
            object.take("c", problems).filled_string(problems);
            object.take("d", problems).number(0.0, 2.0, problems);
            object.take("e", problems).string(problems);
        });
        let expected = [
            ("a", "invalid_type"),
            ("b.1", "invalid_type"),
            ("b.2", "invalid_type"),
            ("c", "too_small"),
            ("d", "too_big"),
            ("e", "invalid_type"),
        ];
        assert_eq!(found, pairs(&expected));
    }

    #[test]
    fn repeated_fields_are_refused_if_they_are_read() {
        let found = details(r#"{"a":"1","a":"2","x":1,"x":2}"#, |object, problems| {
            object.optional_string("a", problems);
        });
        assert_eq!(found, pairs(&[("a", "duplicate_key")]));
    }

    #[test]
    fn counts_are_whole_and_above_zero() {
        for (text, code) in [
            ("1", None),
            ("3.0", None),
            ("1e3", None),
            ("9007199254740992", None),
            ("0", Some("too_small")),
            ("-1", Some("too_small")),
            ("0.5", Some("invalid_type")),
            ("1e300", Some("too_big")),
            ("18446744073709551615", Some("too_big")),
            ("\"1\"", Some("invalid_type")),
            ("null", Some("invalid_type")),
        ] {
            let found = details(&format!(r#"{{"n":{text}}}"#), |object, problems| {
                object.take("n", problems).count(problems);
            });
            let expected: Vec<_> = code.map(|code| ("n".to_owned(), code.to_owned())).into_iter().collect();
            assert_eq!(found, expected, "{text}");
        }
    }

    #[test]
    fn the_number_of_problems_is_bounded() {
        let text = format!(r#"{{"a":[{}]}}"#, vec!["1"; 5000].join(","));
        let found = details(&text, |object, problems| {
            object.optional_strings("a", problems);
        });
        assert_eq!(found.len(), MOST);
    }

    #[test]
    fn a_body_is_an_object() {
        assert_eq!(details("[1]", |_, _| ()), pairs(&[("", "invalid_type")]));
        let missing = read(None, |_, _| ()).expect_err("no body");
        assert!(missing.details().expect("details").to_string().contains("received undefined"));
    }
}
