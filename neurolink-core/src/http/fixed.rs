//! Header values that are written at build and sent with every response.

use std::collections::HashSet;
use std::sync::{Mutex, PoisonError};

use http::HeaderValue;
use http::header::InvalidHeaderValue;

/// Texts that are kept for the life of the process.
const KEPT: usize = 256;
/// A text with more bytes than this is not kept.
const LONGEST: usize = 1024;

/// The value of a text that the configuration fixes, which nothing has to count who holds it: a clone is a copy.
///
/// The text is kept until the process ends, once for all apps: only for what no client can name.
/// What goes beyond 256 texts of 1 KiB is an ordinary value.
pub(crate) fn fixed(text: &str) -> Result<HeaderValue, InvalidHeaderValue> {
    static TEXTS: Mutex<Option<HashSet<&'static str>>> = Mutex::new(None);
    let value = HeaderValue::from_str(text)?;
    if text.len() > LONGEST || !text.bytes().all(|byte| (b' '..=b'~').contains(&byte)) {
        return Ok(value);
    }
    let mut texts = TEXTS.lock().unwrap_or_else(PoisonError::into_inner);
    let texts = texts.get_or_insert_default();
    let kept = match texts.get(text) {
        Some(kept) => kept,
        None if texts.len() < KEPT => {
            let kept: &'static str = Box::leak(text.into());
            texts.insert(kept);
            kept
        }
        None => return Ok(value),
    };
    Ok(HeaderValue::from_static(kept))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_is_its_text_however_many_there_are() {
        for text in (0..2 * KEPT).map(|number| format!("text {number}")).chain(["x".repeat(2 * LONGEST)]) {
            assert_eq!(fixed(&text).expect("a value"), text.as_str());
            assert_eq!(fixed(&text).expect("the same value"), text.as_str());
        }
        assert_eq!(fixed("caf\u{e9}\t").expect("a value").as_bytes(), "caf\u{e9}\t".as_bytes());
        assert!(fixed("a\nb").is_err());
    }
}
