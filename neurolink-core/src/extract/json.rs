use serde::de::DeserializeOwned;
use serde_json::json;

use super::{FromContext, Needs};
use crate::http::Media;
use crate::{Code, Context, Error};

/// A JSON body on the way in, and data in the envelope on the way out.
///
/// The type is `application/json` or ends in `+json`, with any parameter; an empty body is no body.
/// Malformed JSON and invalid UTF-8 are 400 `INVALID_JSON`, another shape is 400 `VALIDATION_ERROR` with the path of the value.
/// Size and depth are bounded before a value is made; no message repeats what was sent.
///
/// ```
/// use neurolink_core::{Json, Route};
///
/// #[derive(serde::Deserialize)]
/// struct Sum { of: Vec<i64> }
///
/// let route = Route::post("/api/sum", async |Json(sum): Json<Sum>| Json(sum.of.iter().sum::<i64>()));
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Json<T>(pub T);

/// How many bytes of a tree a byte of JSON may become.
const TREE_WEIGHT: usize = 16;

impl<T: DeserializeOwned + Send> FromContext for Json<T> {
    async fn from_context(ctx: &mut Context) -> Result<Self, Error> {
        <Option<Self> as FromContext>::from_context(ctx)
            .await?
            .ok_or_else(|| Error::new(Code::ValidationError).with_message("A JSON body is required"))
    }

    fn needs(needs: &mut Needs) {
        needs.json_body();
    }
}

/// `None` when there is no body.
impl<T: DeserializeOwned + Send> FromContext for Option<Json<T>> {
    async fn from_context(ctx: &mut Context) -> Result<Self, Error> {
        ctx.require_media(Media::Json)?;
        let body = ctx.read_weighted(TREE_WEIGHT).await?;
        if body.is_empty() {
            return Ok(None);
        }
        parse(&body, ctx.json_depth()).map(|value| Some(Json(value)))
    }

    fn needs(needs: &mut Needs) {
        needs.json_body();
    }
}

fn parse<T: DeserializeOwned>(body: &[u8], depth: usize) -> Result<T, Error> {
    let text = std::str::from_utf8(body)
        .map_err(|_| Error::new(Code::InvalidJson).with_message("The request body is not valid UTF-8"))?;
    if deeper_than(text.as_bytes(), depth) {
        return Err(
            Error::new(Code::InvalidJson).with_message(format!("The request body nests deeper than {depth} levels"))
        );
    }
    // Where a value is matters only when it is wrong.
    serde_json::from_str(text).or_else(|_| with_paths(text))
}

fn with_paths<T: DeserializeOwned>(text: &str) -> Result<T, Error> {
    let mut deserializer = serde_json::Deserializer::from_str(text);
    let value = serde_path_to_error::deserialize(&mut deserializer).map_err(|error| {
        let path = error.path().to_string();
        let inner = error.into_inner();
        if inner.is_data() { shape(&path, &inner.to_string()) } else { syntax(&inner) }
    })?;
    deserializer.end().map_err(|error| syntax(&error))?;
    Ok(value)
}

fn syntax(error: &serde_json::Error) -> Error {
    Error::new(Code::InvalidJson).with_message(format!(
        "The request body is not valid JSON: line {}, column {}",
        error.line(),
        error.column()
    ))
}

/// The error of a value of the wrong shape, told without the value.
fn shape(path: &str, text: &str) -> Error {
    let text = text.rsplit_once(" at line ").map_or(text, |(text, _)| text);
    let (message, code) = if let Some((_, expected)) = text.split_once(", expected ") {
        let code = if text.starts_with("unknown field") { "unrecognized_keys" } else { "invalid_type" };
        (format!("expected {expected}"), code)
    } else if let Some(field) = text.strip_prefix("missing field ") {
        (format!("missing field {field}"), "invalid_type")
    } else if text.starts_with("duplicate field ") {
        (text.to_owned(), "duplicate_key")
    } else {
        ("the value is not accepted".to_owned(), "custom")
    };
    let path = if path == "." { "" } else { path };
    Error::new(Code::ValidationError)
        .with_message("Invalid request body")
        .with_details(json!([{ "path": path, "message": message, "code": code }]))
}

/// Whether brackets nest deeper than `depth`, told before anything is built.
fn deeper_than(json: &[u8], depth: usize) -> bool {
    // Most bodies have fewer brackets than they may have levels.
    if memchr::memchr2_iter(b'[', b'{', json).nth(depth).is_none() {
        return false;
    }
    let (mut level, mut in_string, mut escaped) = (0_usize, false, false);
    for byte in json {
        match byte {
            _ if escaped => escaped = false,
            b'\\' if in_string => escaped = true,
            b'"' => in_string = !in_string,
            b'[' | b'{' if !in_string => {
                level += 1;
                if level > depth {
                    return true;
                }
            }
            b']' | b'}' if !in_string => level = level.saturating_sub(1),
            _ => {}
        }
    }
    false
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde::Deserialize;
    use serde_json::Value;

    use super::*;

    #[derive(Debug, PartialEq, Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Login {
        user: String,
        pin: u32,
    }

    fn error(body: &str) -> Error {
        parse::<Login>(body.as_bytes(), 64).expect_err(body)
    }

    #[test]
    fn a_right_value_is_read() {
        let login = parse::<Login>(br#"{"user":"a","pin":1}"#, 64).expect("a login");
        assert!(login == Login { user: "a".into(), pin: 1 });
    }

    #[test]
    fn a_wrong_value_is_told_by_path_and_never_repeated() {
        let error = error(r#"{"user":"a","pin":"hunter2"}"#);
        assert_eq!(error.code(), Code::ValidationError);
        let details = error.details().expect("details").to_string();
        assert!(details.contains(r#""path":"pin""#) && details.contains("expected u32"), "{details}");
        assert!(!details.contains("hunter2"));
    }

    #[test]
    fn missing_unknown_and_repeated_fields_are_told() {
        for (body, text) in [
            (r#"{"user":"a"}"#, "missing field `pin`"),
            (r#"{"user":"a","pin":1,"x":2}"#, "expected `user` or `pin`"),
            (r#"{"user":"a","user":"b","pin":1}"#, "duplicate field `user`"),
        ] {
            let details = error(body).details().expect("details").to_string();
            assert!(details.contains(text), "{details}");
        }
    }

    #[test]
    fn malformed_json_is_invalid_json() {
        for body in ["{", "[1,]", "nul", "{\"a\":1}x", "\u{feff}{}", "01", "{'a':1}", "\"\u{1}\""] {
            let error = parse::<Value>(body.as_bytes(), 64).expect_err(body);
            assert_eq!(error.code(), Code::InvalidJson, "{body}");
        }
        assert_eq!(parse::<Value>(b"\"\xff\"", 64).expect_err("no UTF-8").code(), Code::InvalidJson);
    }

    #[test]
    fn depth_is_bounded_and_brackets_in_strings_do_not_count() {
        let nested = |depth: usize| "[".repeat(depth) + &"]".repeat(depth);
        assert!(parse::<Value>(nested(64).as_bytes(), 64).is_ok());
        assert_eq!(parse::<Value>(nested(65).as_bytes(), 64).expect_err("deep").code(), Code::InvalidJson);
        assert_eq!(parse::<Value>("[".repeat(1_000_000).as_bytes(), 64).expect_err("deep").code(), Code::InvalidJson);
        assert!(parse::<Value>(format!("\"{}\\\"[\"", "[".repeat(100)).as_bytes(), 64).is_ok());
        let wide = format!("[{}[]]", "[],".repeat(1000));
        assert!(parse::<Value>(wide.as_bytes(), 2).is_ok());
        assert_eq!(parse::<Value>(wide.as_bytes(), 1).expect_err("deep").code(), Code::InvalidJson);
    }

    proptest! {
        #[test]
        fn never_panics(body in proptest::collection::vec(any::<u8>(), 0..200)) {
            let _ = parse::<Value>(&body, 8);
        }
    }
}
