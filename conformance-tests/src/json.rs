//! Comparing JSON: subsets, kinds of value, and what must not be there.

use serde_json::Value;

/// Adds to `out` every place where `actual` is not what `expected` asks for.
///
/// Objects may have more members than expected; arrays are compared whole.
/// A string such as `$string` or `$timestamp` asks for a kind of value.
pub(crate) fn subset(expected: &Value, actual: &Value, path: &str, out: &mut Vec<String>) {
    match (expected, actual) {
        (Value::Object(wanted), Value::Object(found)) => {
            for (key, value) in wanted {
                let path = format!("{path}.{key}");
                match found.get(key) {
                    Some(found) => subset(value, found, &path, out),
                    None => out.push(format!("{path}: expected {value}, is missing")),
                }
            }
        }
        (Value::Array(wanted), Value::Array(found)) => {
            if wanted.len() != found.len() {
                out.push(format!("{path}: expected {} elements, got {}: {actual}", wanted.len(), found.len()));
            }
            for (at, (value, found)) in wanted.iter().zip(found).enumerate() {
                subset(value, found, &format!("{path}[{at}]"), out);
            }
        }
        (Value::String(kind), _) if kind.starts_with('$') => {
            if !is_kind(kind, actual) {
                out.push(format!("{path}: expected {kind}, got {actual}"));
            }
        }
        _ if expected == actual => {}
        _ => out.push(format!("{path}: expected {expected}, got {actual}")),
    }
}

fn is_kind(kind: &str, value: &Value) -> bool {
    match kind {
        "$any" => true,
        "$string" => value.is_string(),
        "$nonempty" => match value {
            Value::String(text) => !text.is_empty(),
            Value::Array(items) => !items.is_empty(),
            Value::Object(members) => !members.is_empty(),
            _ => false,
        },
        "$integer" => value.is_u64() || value.is_i64(),
        "$number" => value.is_number(),
        "$bool" => value.is_boolean(),
        "$null" => value.is_null(),
        "$array" => value.is_array(),
        "$object" => value.is_object(),
        "$timestamp" => value.as_str().is_some_and(is_timestamp),
        _ => false,
    }
}

/// Whether a text is ISO 8601 with milliseconds in UTC: `2030-01-02T03:04:05.678Z`.
fn is_timestamp(text: &str) -> bool {
    text.len() == 24
        && text.bytes().zip(b"0000-00-00T00:00:00.000Z").all(|(byte, form)| match form {
            b'0' => byte.is_ascii_digit(),
            _ => byte == *form,
        })
}

/// The value at a dotted path, such as `error.details.0.path`.
pub(crate) fn at<'a>(value: &'a Value, path: &str) -> Option<&'a Value> {
    path.split('.').try_fold(value, |value, key| match value {
        Value::Array(items) => items.get(key.parse::<usize>().ok()?),
        _ => value.get(key),
    })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn problems(expected: &Value, actual: &Value) -> usize {
        let mut out = Vec::new();
        subset(expected, actual, "$", &mut out);
        out.len()
    }

    #[test]
    fn objects_are_subsets_and_arrays_are_whole() {
        let actual = json!({ "a": 1, "b": [{ "c": 2, "d": 3 }] });
        assert_eq!(problems(&json!({ "a": 1 }), &actual), 0);
        assert_eq!(problems(&json!({ "b": [{ "c": 2 }] }), &actual), 0);
        assert_eq!(problems(&json!({ "b": [] }), &actual), 1);
        assert_eq!(problems(&json!({ "a": 2, "x": 1 }), &actual), 2);
        assert_eq!(problems(&json!({ "a": {} }), &actual), 1);
    }

    #[test]
    fn kinds_are_told_apart() {
        let time = json!({ "t": "2030-01-02T03:04:05.678Z", "n": 1.5, "i": 1, "s": "" });
        assert_eq!(problems(&json!({ "t": "$timestamp", "i": "$integer", "s": "$string" }), &time), 0);
        assert_eq!(problems(&json!({ "n": "$integer", "s": "$nonempty", "i": "$typo" }), &time), 3);
    }

    #[test]
    fn dotted_paths_reach_into_arrays() {
        let value = json!({ "a": [{ "b": null }] });
        assert!(at(&value, "a.0.b").is_some() && at(&value, "a.1.b").is_none());
    }
}
