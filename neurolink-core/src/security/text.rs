//! Texts that somebody else chose, made fit for a line.

use std::borrow::Cow;

/// Bytes of a text in an event, before `..`.
const LONGEST: usize = 200;

/// A text without control characters, cut.
pub(super) fn clean(text: &str) -> Cow<'_, str> {
    if text.len() <= LONGEST && !text.chars().any(is_escaped) {
        return Cow::Borrowed(text);
    }
    let mut cleaned = String::with_capacity(LONGEST + 2);
    for char in text.chars() {
        let before = cleaned.len();
        if is_escaped(char) {
            cleaned.extend(char.escape_default());
        } else {
            cleaned.push(char);
        }
        if cleaned.len() > LONGEST {
            cleaned.truncate(before);
            cleaned.push_str("..");
            break;
        }
    }
    Cow::Owned(cleaned)
}

/// Whether a reader could take it for something else: it ends a line, is not seen, or turns what is around it.
fn is_escaped(char: char) -> bool {
    char.is_control()
        || matches!(char, '\\' | '\u{ad}' | '\u{61c}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}')
        || matches!(char, '\u{2060}'..='\u{206f}' | '\u{feff}' | '\u{fff9}'..='\u{fffb}' | '\u{e0000}'..='\u{e007f}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_could_forge_a_line_is_escaped() {
        assert_eq!(clean("a\r\nb\u{1b}[31m"), "a\\r\\nb\\u{1b}[31m");
        assert_eq!(clean("a\u{202e}b\u{2028}c\u{85}"), "a\\u{202e}b\\u{2028}c\\u{85}");
        assert_eq!(clean("a\\nb"), "a\\\\nb", "an escape that was sent is not one that was made");
        assert!(matches!(clean("Jörg 東京"), Cow::Borrowed("Jörg 東京")));
    }

    #[test]
    fn a_long_text_is_cut_between_characters() {
        assert_eq!(clean(&"x".repeat(200)).len(), 200);
        assert_eq!(clean(&"x".repeat(201)), format!("{}..", "x".repeat(200)));
        assert_eq!(clean(&"東".repeat(100)), format!("{}..", "東".repeat(66)));
        assert_eq!(clean(&"\0".repeat(1_000_000)).len(), 200 / 5 * 5 + 2);
    }
}
