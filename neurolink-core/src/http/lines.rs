//! Header lines for frameworks with types of their own.

use std::fmt;

use http::header::{LOCATION, SET_COOKIE};
use http::{HeaderMap, HeaderName, HeaderValue};

/// Names that are kept.
const NAMES: usize = 48;
/// Bytes of the longest name that is kept.
const LONGEST_NAME: usize = 64;
/// Bytes of the longest value that is kept.
const LONGEST: usize = 1024;
/// A value that was another one so many times in a row is kept only now and then.
const MISSES: u8 = 8;
/// Now and then, of as many lines.
const AGAIN: u8 = 64;
/// Whose values are secrets, or may have one in them.
const SECRET: [HeaderName; 3] = [SET_COOKIE, LOCATION, HeaderName::from_static("authentication-info")];

/// Header lines of answers in another crate's types (`N` of names, `V` of values), made anew only where they differ.
///
/// The answers of one server look alike: the names are the same each time, and most values too. What was made for the
/// answer before is cloned, which is much cheaper than to check and copy it again.
/// At most 48 names of 64 bytes are kept, and of each the last value if it has at most 1 KiB; never one of `Set-Cookie`,
/// `Location` or `Authentication-Info`, or one that is marked as sensitive.
/// It is not for requests: what clients send is not to be kept.
///
/// ```
/// use http::{HeaderMap, HeaderValue, header};
/// use neurolink_core::http::Lines;
///
/// let mut lines = Lines::<String, Vec<u8>>::default();
/// let headers = HeaderMap::from_iter([(header::VARY, HeaderValue::from_static("origin"))]);
/// let name = |name: &http::HeaderName| Ok::<_, std::convert::Infallible>(name.to_string());
/// let value = |value: &HeaderValue| Ok(value.as_bytes().to_vec());
/// let mut seen = Vec::new();
/// lines.each(&headers, name, value, |name, value| seen.push((name, value)))?;
/// assert_eq!(seen, [("vary".to_owned(), b"origin".to_vec())]);
/// # Ok::<(), std::convert::Infallible>(())
/// ```
pub struct Lines<N, V>(Vec<Line<N, V>>);

struct Line<N, V> {
    name: HeaderName,
    made: N,
    value: Option<(HeaderValue, V)>,
    misses: u8,
}

impl<N: Clone, V: Clone> Lines<N, V> {
    /// Gives each line of `headers` in order, its parts made by `name` and `value`.
    ///
    /// # Errors
    /// What `name` or `value` gives.
    pub fn each<E>(
        &mut self,
        headers: &HeaderMap,
        name: impl Fn(&HeaderName) -> Result<N, E>,
        value: impl Fn(&HeaderValue) -> Result<V, E>,
        mut give: impl FnMut(N, V),
    ) -> Result<(), E> {
        // The names come in the order of the answer before, but for some that are new or left out.
        let mut next = 0;
        for (own, found) in headers {
            let at = match self.0.get(next) {
                Some(line) if line.name == *own => Some(next),
                _ => self.0.iter().position(|line| line.name == *own),
            };
            let line = match at {
                Some(at) => {
                    next = at + 1;
                    &mut self.0[at]
                }
                None if self.0.len() < NAMES && own.as_str().len() <= LONGEST_NAME => {
                    next = self.0.len() + 1;
                    self.0.push(Line { name: own.clone(), made: name(own)?, value: None, misses: 0 });
                    &mut self.0[next - 1]
                }
                None => {
                    give(name(own)?, value(found)?);
                    continue;
                }
            };
            let made = line.value(found, &value)?;
            give(line.made.clone(), made);
        }
        Ok(())
    }
}

impl<N, V: Clone> Line<N, V> {
    fn value<E>(&mut self, found: &HeaderValue, make: impl Fn(&HeaderValue) -> Result<V, E>) -> Result<V, E> {
        if let Some((kept, made)) = &self.value
            && kept == found
        {
            self.misses = 0;
            return Ok(made.clone());
        }
        let made = make(found)?;
        self.misses = self.misses.wrapping_add(1);
        let may_be_kept = found.len() <= LONGEST && !found.is_sensitive() && !SECRET.contains(&self.name);
        self.value = if may_be_kept && (self.misses <= MISSES || self.misses.is_multiple_of(AGAIN)) {
            // A copy, for the value may be a piece of something large.
            HeaderValue::from_bytes(found.as_bytes()).ok().map(|kept| (kept, made.clone()))
        } else {
            None
        };
        Ok(made)
    }
}

impl<N, V> Default for Lines<N, V> {
    fn default() -> Self {
        Self(Vec::new())
    }
}

impl<N, V> fmt::Debug for Lines<N, V> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.0.iter().map(|line| &line.name)).finish()
    }
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;
    use std::convert::Infallible;

    use proptest::prelude::*;

    use super::*;

    #[derive(Default)]
    struct Counted {
        lines: Lines<String, String>,
        names: Cell<usize>,
        values: Cell<usize>,
    }

    impl Counted {
        /// The lines as they are given, and how many names and values were made for them.
        fn each(&mut self, headers: &[(&str, &str)]) -> (Vec<(String, String)>, usize, usize) {
            self.names.set(0);
            self.values.set(0);
            let mut given = Vec::new();
            let map: HeaderMap = headers
                .iter()
                .map(|(name, value)| (name.parse::<HeaderName>().expect("a name"), value.parse().expect("a value")))
                .collect();
            let name = |name: &HeaderName| {
                self.names.update(|count| count + 1);
                Ok::<_, Infallible>(name.to_string())
            };
            let value = |value: &HeaderValue| {
                self.values.update(|count| count + 1);
                Ok(value.to_str().expect("text").to_owned())
            };
            let Ok(()) = self.lines.each(&map, name, value, |name, value| given.push((name, value)));
            (given, self.names.get(), self.values.get())
        }
    }

    #[test]
    fn what_the_answer_before_had_is_made_once() {
        let mut counted = Counted::default();
        let one = [("vary", "origin"), ("x-own", "a")];
        let (given, ..) = counted.each(&one);
        assert_eq!(given, [("vary".into(), "origin".into()), ("x-own".into(), "a".into())]);
        assert_eq!(counted.each(&one), (given, 0, 0));
        let (given, names, values) = counted.each(&[("x-new", "1"), ("x-own", "b"), ("vary", "origin")]);
        assert_eq!((names, values), (1, 2));
        assert_eq!(given.iter().map(|(_, value)| value.as_str()).collect::<Vec<_>>(), ["1", "b", "origin"]);
    }

    #[test]
    fn neither_cookies_nor_what_is_sensitive_long_or_always_another_is_kept() {
        let mut counted = Counted::default();
        let long = "x".repeat(LONGEST + 1);
        for _ in 0..3 {
            assert_eq!(counted.each(&[("set-cookie", "a=1"), ("location", "/?token=1"), ("x-long", &long)]).2, 3);
        }
        assert!(counted.lines.0.iter().all(|line| line.value.is_none()));
        for number in 0..=MISSES {
            counted.each(&[("x-id", &number.to_string())]);
        }
        assert!(counted.lines.0.iter().all(|line| line.value.is_none()));
        // What has settled is found out in a while.
        let made: usize = (0..200).map(|_| counted.each(&[("x-id", "settled")]).2).sum();
        assert!(made <= usize::from(AGAIN), "{made}");
        let mut secret = HeaderValue::from_static("secret");
        secret.set_sensitive(true);
        let mut line = Line { name: SET_COOKIE, made: (), value: None, misses: 0 };
        assert!(line.value(&secret, |_| Ok::<_, Infallible>(())).is_ok() && line.value.is_none());
    }

    #[test]
    fn it_is_bounded() {
        let mut counted = Counted::default();
        let names: Vec<String> = (0..100).map(|number| format!("x-{number}")).collect();
        let headers: Vec<_> = names.iter().map(|name| (name.as_str(), "v")).collect();
        for _ in 0..2 {
            assert_eq!(counted.each(&headers).0.len(), 100);
        }
        assert_eq!(counted.lines.0.len(), NAMES);
        let mut counted = Counted::default();
        assert_eq!(counted.each(&[(&"x".repeat(LONGEST_NAME + 1), "v")]).0.len(), 1);
        assert_eq!(counted.lines.0.len(), 0);
    }

    proptest! {
        #[test]
        fn the_lines_are_always_those_of_the_headers(answers in proptest::collection::vec(
            proptest::collection::vec((0usize..60, 0u8..3), 0..70), 0..12)
        ) {
            let mut counted = Counted::default();
            for answer in answers {
                let texts: Vec<_> = answer.iter().map(|(name, value)| (format!("x-{name}"), value.to_string())).collect();
                let headers: Vec<_> = texts.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
                let map: HeaderMap = headers.iter().map(|(name, value)| {
                    (name.parse::<HeaderName>().expect("a name"), value.parse::<HeaderValue>().expect("a value"))
                }).collect();
                let own: Vec<_> = map.iter().map(|(name, value)| {
                    (name.to_string(), value.to_str().expect("text").to_owned())
                }).collect();
                prop_assert_eq!(counted.each(&headers).0, own);
            }
        }
    }
}
