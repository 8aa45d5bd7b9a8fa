//! What a header has to be.

use std::collections::BTreeSet;

use serde::Deserialize;

/// What a header of an answer has to be.
#[derive(Clone, Debug, Deserialize)]
#[serde(untagged)]
pub enum Field {
    /// There is one line, and it is this.
    Exact(String),
    /// It meets this condition.
    Is(Condition),
}

/// A condition on the lines of a header.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum Condition {
    /// A line contains this text.
    Contains(String),
    /// No line contains this text.
    Lacks(String),
    /// There is at least one line.
    Present(bool),
    /// There is one line, and it is one of these.
    OneOf(Vec<String>),
    /// There is one line, and it begins so.
    MatchesPrefix(String),
    /// The lines are these, in this order.
    Lines(Vec<String>),
    /// The comma-separated elements of all lines are these, in any order and without case.
    Set(Vec<String>),
    /// The comma-separated elements of all lines have these among them, without case.
    Includes(Vec<String>),
    /// There is one line, a whole number between these.
    Between(u64, u64),
    /// There is one line, a number with this behind it.
    NumberAnd(String),
}

impl Field {
    /// `None` when the lines are right, else what was expected.
    pub(crate) fn problem(&self, lines: &[String]) -> Option<String> {
        let one = match lines {
            [one] => Some(one.as_str()),
            _ => None,
        };
        let (right, expected) = match self {
            Self::Exact(text) => (one == Some(text), format!("{text:?}")),
            Self::Is(condition) => match condition {
                Condition::Contains(text) => {
                    (lines.iter().any(|line| line.contains(text)), format!("contains {text:?}"))
                }
                Condition::Lacks(text) => (!lines.iter().any(|line| line.contains(text)), format!("lacks {text:?}")),
                Condition::Present(wanted) => {
                    (lines.is_empty() != *wanted, if *wanted { "present" } else { "absent" }.to_owned())
                }
                Condition::OneOf(texts) => {
                    (one.is_some_and(|one| texts.iter().any(|text| text == one)), format!("one of {texts:?}"))
                }
                Condition::MatchesPrefix(text) => {
                    (one.is_some_and(|one| one.starts_with(text)), format!("begins with {text:?}"))
                }
                Condition::Lines(texts) => (lines == texts, format!("the lines {texts:?}")),
                Condition::Set(texts) => (elements(lines) == elements(texts), format!("the elements {texts:?}")),
                Condition::Includes(texts) => {
                    (elements(texts).is_subset(&elements(lines)), format!("the elements {texts:?} among others"))
                }
                Condition::Between(low, high) => (
                    one.and_then(|one| one.parse().ok()).is_some_and(|number: u64| (*low..=*high).contains(&number)),
                    format!("a number from {low} to {high}"),
                ),
                Condition::NumberAnd(unit) => (
                    one.and_then(|one| one.strip_suffix(unit)?.parse::<f64>().ok()).is_some(),
                    format!("a number and {unit:?}"),
                ),
            },
        };
        (!right).then_some(expected)
    }
}

fn elements(lines: &[String]) -> BTreeSet<String> {
    lines
        .iter()
        .flat_map(|line| line.split(','))
        .map(|element| element.trim().to_ascii_lowercase())
        .filter(|element| !element.is_empty())
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_condition_accepts_and_refuses() {
        let cases = [
            (r#"x = "a""#, vec!["a"], vec!["a", "a"]),
            (r#"x = { contains = "b" }"#, vec!["abc"], vec!["a"]),
            (r#"x = { lacks = "b" }"#, vec!["a"], vec!["a", "b"]),
            ("x = { present = true }", vec![""], vec![]),
            (r#"x = { one_of = ["a", "b"] }"#, vec!["b"], vec!["c"]),
            (r#"x = { matches_prefix = "a" }"#, vec!["ab"], vec!["ba"]),
            (r#"x = { lines = ["a", "b"] }"#, vec!["a", "b"], vec!["a, b"]),
            (r#"x = { set = ["GET", "HEAD"] }"#, vec!["HEAD, GET"], vec!["GET, HEAD, PUT"]),
            (r#"x = { includes = ["origin"] }"#, vec!["A", "Origin"], vec!["origins"]),
            ("x = { between = [1, 60] }", vec!["60"], vec!["61"]),
            (r#"x = { number_and = "ms" }"#, vec!["0.25ms"], vec!["ms"]),
        ];
        for (text, right, wrong) in cases {
            let table: std::collections::BTreeMap<String, Field> = toml::from_str(text).unwrap();
            let lines = |lines: Vec<&str>| lines.into_iter().map(str::to_owned).collect::<Vec<_>>();
            assert_eq!(table["x"].problem(&lines(right)), None, "{text}");
            assert!(table["x"].problem(&lines(wrong)).is_some(), "{text}");
        }
    }
}
