//! What may differ between two right answers: named rules, and which of them were needed.

use std::collections::BTreeSet;
use std::fmt::Write as _;

use serde_json::Value;

use crate::parse::{Framing, RawResponse};

/// A rule that takes a difference out of an answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Rule {
    /// The value of `Date`.
    Date,
    /// The order of header lines with different names.
    HeaderOrder,
    /// The case of header names.
    HeaderCase,
    /// The server's request id, in the header and in bodies.
    RequestId,
    /// Times in bodies and in the reset of a rate limit.
    Timestamps,
    /// Durations in bodies and headers, and the content length that follows from them.
    Duration,
    /// How much memory the server's process holds.
    ProcessMemory,
    /// The `Server` header.
    Server,
    /// `Connection: keep-alive` and `close`: what counts is whether the connection is closed.
    ConnectionNominal,
    /// What follows a body that came in pieces and that nobody read: a server skips what has arrived by then.
    UnreadBody,
    /// What follows a host's own 404, and that: outside of the base path hosts answer as they like.
    Outside,
}

impl Rule {
    /// The rule's name in reports.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Date => "date",
            Self::HeaderOrder => "header-order",
            Self::HeaderCase => "header-case",
            Self::RequestId => "request-id",
            Self::Timestamps => "timestamps",
            Self::Duration => "duration",
            Self::ProcessMemory => "process-memory",
            Self::Server => "server",
            Self::ConnectionNominal => "connection-nominal",
            Self::UnreadBody => "unread-body",
            Self::Outside => "outside",
        }
    }
}

/// An answer as a text in which only real differences are left.
pub fn normalise(answer: &RawResponse, used: &mut BTreeSet<Rule>) -> String {
    let mut changed = false;
    let body = body(answer, used, &mut changed);
    let mut headers = Vec::new();
    for (name, value) in &answer.headers {
        let lower = name.to_ascii_lowercase();
        if lower != *name {
            used.insert(Rule::HeaderCase);
        }
        if let Some(value) = header(&lower, value, changed, used) {
            headers.push((lower, value));
        }
    }
    let before: Vec<_> = headers.iter().map(|(name, _)| name.clone()).collect();
    headers.sort_by(|one, other| one.0.cmp(&other.0));
    if !headers.iter().map(|(name, _)| name).eq(&before) {
        used.insert(Rule::HeaderOrder);
    }
    let mut out = String::new();
    for (status, _) in &answer.informational {
        let _ = writeln!(out, "{status}");
    }
    let framing = match answer.framing {
        Framing::None => "no body",
        Framing::Length => "length",
        Framing::Chunked => "chunked",
        Framing::Close => "until close",
    };
    let _ = writeln!(out, "{} ({framing})", answer.status);
    for (name, value) in headers {
        let _ = writeln!(out, "{name}: {value}");
    }
    let _ = write!(out, "\n{body}");
    out
}

fn header(name: &str, value: &[u8], body_changed: bool, used: &mut BTreeSet<Rule>) -> Option<String> {
    let (rule, text) = match name {
        "date" => (Rule::Date, "<date>"),
        "x-request-id" => (Rule::RequestId, "<id>"),
        "x-ratelimit-reset" | "ratelimit-reset" | "retry-after" => (Rule::Timestamps, "<time>"),
        "x-response-time" | "server-timing" => (Rule::Duration, "<duration>"),
        "content-length" if body_changed => (Rule::Duration, "<length>"),
        "server" => {
            used.insert(Rule::Server);
            return None;
        }
        "connection" if value.eq_ignore_ascii_case(b"close") || value.eq_ignore_ascii_case(b"keep-alive") => {
            used.insert(Rule::ConnectionNominal);
            return None;
        }
        _ => return Some(String::from_utf8_lossy(value).into_owned()),
    };
    used.insert(rule);
    Some(text.to_owned())
}

fn body(answer: &RawResponse, used: &mut BTreeSet<Rule>, changed: &mut bool) -> String {
    // A HEAD has the length of a body that is not there.
    if answer.framing == Framing::None {
        *changed = true;
    }
    if let Some(mut json) = answer.json() {
        *changed |= values(&mut json, used);
        return json.to_string();
    }
    let text = answer.text();
    // A comment may come first.
    if !text.starts_with("data: {") && !text.contains("\n\ndata: {") {
        return text;
    }
    let mut out = String::new();
    for line in text.split('\n') {
        match line.strip_prefix("data: ").and_then(|data| serde_json::from_str(data).ok()) {
            Some(mut event) => {
                *changed |= values(&mut event, used);
                let _ = writeln!(out, "data: {event}");
            }
            None => {
                let _ = writeln!(out, "{line}");
            }
        }
    }
    out
}

fn values(value: &mut Value, used: &mut BTreeSet<Rule>) -> bool {
    match value {
        Value::Array(items) => items.iter_mut().fold(false, |any, item| values(item, used) | any),
        Value::Object(members) => members.iter_mut().fold(false, |any, (key, value)| {
            let rule = match key.as_str() {
                "requestId" => Rule::RequestId,
                "timestamp" => Rule::Timestamps,
                "retryAfter" if value.is_string() => Rule::Timestamps,
                "duration" | "uptime" | "executionTime" => Rule::Duration,
                "rss" => Rule::ProcessMemory,
                _ => return values(value, used) | any,
            };
            used.insert(rule);
            *value = Value::from(format!("<{}>", rule.as_str()));
            true
        }),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::parse::{Asked, parse};

    fn normal(wire: &str, used: &mut BTreeSet<Rule>) -> String {
        let (answer, _) = parse(wire.as_bytes(), true, &Asked::method("GET")).unwrap().unwrap();
        normalise(&answer, used)
    }

    #[test]
    fn two_right_answers_become_one_text() {
        let mut used = BTreeSet::new();
        let one = normal(
            "HTTP/1.1 200 OK\r\nDate: a\r\nServer: x\r\nX-Request-ID: 1\r\nConnection: close\r\ncontent-length: 40\r\n\r\n{\"metadata\":{\"duration\":100,\"rss\":1000}}",
            &mut used,
        );
        let other = normal(
            "HTTP/1.1 200 OK\r\nx-request-id: 2\r\ncontent-length: 35\r\ndate: b\r\n\r\n{\"metadata\":{\"duration\":1,\"rss\":2}}",
            &mut used,
        );
        assert_eq!(one, other);
        assert_eq!(used.len(), 8);
    }

    #[test]
    fn events_behind_a_comment_are_alike_at_any_time() {
        let mut used = BTreeSet::new();
        let mut at = |time: u32| {
            let wire = "HTTP/1.1 200 OK\r\n\r\n: keep-alive\n\ndata: {\"timestamp\":TIME}\n\n"
                .replace("TIME", &time.to_string());
            normal(&wire, &mut used)
        };
        assert_eq!(at(1), at(2));
    }

    #[test]
    fn a_time_to_come_again_is_alike_and_seconds_are_not() {
        let mut used = BTreeSet::new();
        let mut told = |value: &str| normal(&format!("HTTP/1.1 429 X\r\n\r\n{{\"retryAfter\":{value}}}"), &mut used);
        assert_eq!(told("\"2026-01-31T09:30:00.000Z\""), told("\"2026-01-31T09:30:00.001Z\""));
        assert_ne!(told("59"), told("60"));
    }

    #[test]
    fn real_differences_stay() {
        let mut used = BTreeSet::new();
        let base = normal("HTTP/1.1 200 OK\r\nvary: a\r\nvary: b\r\n\r\nx", &mut used);
        for wire in [
            "HTTP/1.1 201 OK\r\nvary: a\r\nvary: b\r\n\r\nx",
            "HTTP/1.1 200 OK\r\nvary: b\r\nvary: a\r\n\r\nx",
            "HTTP/1.1 200 OK\r\nvary: a, b\r\n\r\nx",
            "HTTP/1.1 200 OK\r\nvary: a\r\nvary: b\r\ncontent-length: 1\r\n\r\nx",
        ] {
            assert_ne!(base, normal(wire, &mut used));
        }
    }
}
