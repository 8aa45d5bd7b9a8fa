//! The tokens of the offline engine: a token is a word, with the white space behind it.

/// How many tokens a text has.
pub(crate) fn count(text: &str) -> u64 {
    text.split_whitespace().count() as u64
}

/// A text in tokens; put together again they are the text.
pub(crate) fn split(text: &str) -> impl Iterator<Item = &str> {
    let mut rest = text;
    std::iter::from_fn(move || {
        if rest.is_empty() {
            return None;
        }
        let word = rest.find(|c: char| !c.is_whitespace()).unwrap_or(rest.len());
        let space = rest[word..].find(char::is_whitespace).map_or(rest.len(), |at| word + at);
        let end = rest[space..].find(|c: char| !c.is_whitespace()).map_or(rest.len(), |at| space + at);
        let (token, after) = rest.split_at(end);
        rest = after;
        Some(token)
    })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_word_keeps_the_space_behind_it() {
        let tokens: Vec<_> = split("  a b\n\nc ").collect();
        assert_eq!(tokens, ["  a ", "b\n\n", "c "]);
        assert_eq!(split("").count(), 0);
    }

    proptest! {
        #[test]
        fn nothing_is_lost_and_every_word_is_a_token(text in "\\PC*[a-z \n]{0,20}") {
            prop_assert_eq!(split(&text).collect::<String>(), text.clone());
            let tokens = split(&text).filter(|token| !token.trim().is_empty()).count() as u64;
            prop_assert_eq!(tokens, count(&text));
        }
    }
}
