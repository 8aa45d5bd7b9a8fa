//! What an answer has to be; every mismatch is told, not only the first.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::Value;

use crate::case::Statuses;
use crate::field::Field;
use crate::json;
use crate::parse::{Framing, RawResponse};
use crate::sse::SseExpect;
use crate::wire::{End, Exchange};

/// Characters of a body that a mismatch shows.
const SHOWN: usize = 300;

/// What an answer has to be.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Expect {
    /// The status; a list needs `why`.
    pub status: Statuses,
    /// Why more than one status is right.
    pub why: Option<String>,
    /// Headers that have to be so.
    #[serde(default)]
    pub headers: BTreeMap<String, Field>,
    /// Headers that must not be there.
    #[serde(default)]
    pub headers_absent: Vec<String>,
    /// The body, byte for byte.
    pub body: Option<String>,
    /// Texts that the body contains.
    #[serde(default)]
    pub body_contains: Texts,
    /// Texts that neither the body nor a header contains.
    #[serde(default)]
    pub body_absent: Texts,
    /// A subset of the body's JSON.
    pub json: Option<Value>,
    /// Dotted paths that the JSON does not have.
    #[serde(default)]
    pub json_absent: Vec<String>,
    /// What the body is as a stream of events.
    pub sse: Option<SseExpect>,
    /// How the end of the body is told: `length`, `chunked` or `close`.
    pub framing: Option<String>,
    /// Whether the server closes the connection afterwards.
    pub closed: Option<bool>,
}

/// One text or several.
#[derive(Clone, Debug, Deserialize)]
#[serde(untagged)]
pub enum Texts {
    /// One.
    One(String),
    /// Several.
    Many(Vec<String>),
}

impl Default for Texts {
    fn default() -> Self {
        Self::Many(Vec::new())
    }
}

impl Texts {
    fn as_slice(&self) -> &[String] {
        match self {
            Self::One(one) => std::slice::from_ref(one),
            Self::Many(many) => many,
        }
    }
}

impl Expect {
    /// Whether the expectation says something.
    pub(crate) fn validate(&self) -> Result<(), String> {
        let several = matches!(&self.status, Statuses::Any(_));
        if several && self.why.as_deref().unwrap_or_default().is_empty() {
            return Err("a list of statuses needs a `why`".into());
        }
        let framings = [None, Some("length"), Some("chunked"), Some("close")];
        if !framings.contains(&self.framing.as_deref()) {
            return Err("framing is length, chunked or close".into());
        }
        Ok(())
    }

    /// Every mismatch of an exchange that has to bring one answer.
    #[must_use]
    pub fn check(&self, exchange: &Exchange) -> Vec<String> {
        let mut out = Vec::new();
        if let Some(problem) = &exchange.problem {
            out.push(format!("malformed: {problem}"));
        }
        match exchange.answers.as_slice() {
            [] => out.push(format!("no answer: {}", exchange.summary())),
            [one] => self.check_answer(one, &mut out),
            [one, more @ ..] => {
                self.check_answer(one, &mut out);
                out.push(format!("{} answers more than requests", more.len()));
            }
        }
        let closed = matches!(exchange.end, End::Closed | End::Reset);
        if self.closed.is_some_and(|wanted| wanted != closed) {
            out.push(format!("the connection is {:?}, expected closed = {}", exchange.end, !closed));
        }
        out
    }

    fn check_answer(&self, answer: &RawResponse, out: &mut Vec<String>) {
        if !self.status.allows(answer.status) {
            out.push(format!("status: expected {}, got {}", self.status, answer.status));
        }
        for (name, field) in &self.headers {
            let lines = lines(answer, name);
            if let Some(expected) = field.problem(&lines) {
                out.push(format!("header {name}: expected {expected}, got {lines:?}"));
            }
        }
        for name in &self.headers_absent {
            let lines = lines(answer, name);
            if !lines.is_empty() {
                out.push(format!("header {name}: expected none, got {lines:?}"));
            }
        }
        self.check_body(answer, out);
        let framing = match answer.framing {
            Framing::None => "none",
            Framing::Length => "length",
            Framing::Chunked => "chunked",
            Framing::Close => "close",
        };
        if self.framing.as_deref().is_some_and(|wanted| wanted != framing) {
            out.push(format!("framing: expected {:?}, got {framing}", self.framing));
        }
    }

    fn check_body(&self, answer: &RawResponse, out: &mut Vec<String>) {
        let text = answer.text();
        let shown: String = text.chars().take(SHOWN).collect();
        if let Some(wanted) = &self.body
            && *wanted != text
        {
            out.push(format!("body: expected {wanted:?}, got {shown:?}"));
        }
        for wanted in self.body_contains.as_slice() {
            if !text.contains(wanted) {
                out.push(format!("body: expected to contain {wanted:?}, got {shown:?}"));
            }
        }
        for banned in self.body_absent.as_slice() {
            let in_header = answer.headers.iter().any(|(_, value)| String::from_utf8_lossy(value).contains(banned));
            if text.contains(banned) || in_header {
                out.push(format!("the answer contains {banned:?}, which must not be told"));
            }
        }
        if self.json.is_some() || !self.json_absent.is_empty() {
            match answer.json() {
                None => out.push(format!("body: expected JSON, got {shown:?}")),
                Some(actual) => {
                    if let Some(wanted) = &self.json {
                        json::subset(wanted, &actual, "json", out);
                    }
                    for path in &self.json_absent {
                        if let Some(found) = json::at(&actual, path) {
                            out.push(format!("json.{path}: expected none, got {found}"));
                        }
                    }
                }
            }
        }
        if let Some(sse) = &self.sse {
            sse.check(&answer.body, out);
        }
    }
}

fn lines(answer: &RawResponse, name: &str) -> Vec<String> {
    answer.header(name).map(|value| String::from_utf8_lossy(value).into_owned()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::parse::{Asked, parse};

    fn exchange(wire: &str) -> Exchange {
        let (answer, _) = parse(wire.as_bytes(), true, &Asked::method("GET")).unwrap().unwrap();
        Exchange { sent: Vec::new(), answers: vec![answer], end: End::Closed, problem: None, words: Vec::new() }
    }

    #[test]
    fn all_mismatches_are_told_at_once() {
        let expect: Expect = toml::from_str(
            "status = 404\nheaders = { allow = 'GET' }\nheaders_absent = ['server']\n\
             body_contains = 'x'\njson = { a = 1 }\njson_absent = ['b']\nclosed = false\nframing = 'chunked'",
        )
        .unwrap();
        let wire = "HTTP/1.1 200 OK\r\nserver: s\r\ncontent-length: 7\r\n\r\n{\"b\":2}";
        assert_eq!(expect.check(&exchange(wire)).len(), 8);
    }

    #[test]
    fn a_right_answer_has_no_mismatch() {
        let expect: Expect = toml::from_str("status = 200\nbody = 'ok'\nclosed = true\nframing = 'close'").unwrap();
        assert_eq!(expect.check(&exchange("HTTP/1.0 200 OK\r\n\r\nok")), Vec::<String>::new());
    }

    #[test]
    fn banned_texts_are_looked_for_in_headers_too() {
        let expect: Expect = toml::from_str("status = 200\nbody_absent = 'hunter2'").unwrap();
        let wire = "HTTP/1.1 200 OK\r\nx-debug: hunter2\r\ncontent-length: 0\r\n\r\n";
        assert_eq!(expect.check(&exchange(wire)).len(), 1);
    }
}
