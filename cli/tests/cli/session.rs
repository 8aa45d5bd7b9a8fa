//! The session that anybody can have with curl: the real binary, the reference configuration, one answer on all frameworks.

use std::fmt::Write as _;

use neurolink_conformance::RawResponse;
use neurolink_conformance::parse::{Asked, parse};

use crate::kit::{Serving, frameworks, neurolink};

const REFERENCE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../conformance-tests/reference.toml");
const USER: &str = "Authorization: Bearer reference-user-token-0123456789abcdef\r\n";
const EXECUTE: &str = "/api/agent/execute";

struct Step {
    name: &'static str,
    method: &'static str,
    path: &'static str,
    headers: String,
    body: String,
    status: u16,
}

impl Step {
    fn new(name: &'static str, method: &'static str, path: &'static str, headers: &str, status: u16) -> Self {
        Self { name, method, path, headers: headers.into(), body: String::new(), status }
    }

    /// A POST of JSON.
    fn post(name: &'static str, path: &'static str, headers: &str, body: &str, status: u16) -> Self {
        let headers = format!("{headers}Content-Type: application/json\r\n");
        Self { body: body.into(), ..Self::new(name, "POST", path, &headers, status) }
    }

    fn request(&self, address: &str) -> String {
        let Self { method, path, headers, body, .. } = self;
        let length = if body.is_empty() { String::new() } else { format!("Content-Length: {}\r\n", body.len()) };
        format!("{method} {path} HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n{headers}{length}\r\n{body}")
    }
}

fn session() -> Vec<Step> {
    let text = r#"{"input":"one two"}"#;
    let large = format!(r#"{{"input":"{}"}}"#, "x".repeat(2000));
    let wrong = "Authorization: Bearer wrong-wrong-wrong-wrong\r\n";
    let foreign = format!("{USER}Origin: https://evil.example\r\n");
    let mine = format!("{USER}Origin: https://app.example.com\r\n");
    let preflight = "Origin: https://app.example.com\r\nAccess-Control-Request-Method: POST\r\n\
                     Access-Control-Request-Headers: authorization, content-type\r\n";
    let mut steps = vec![
        Step::new("health", "GET", "/api/health", "", 200),
        Step::new("head of health", "HEAD", "/api/health", "", 200),
        Step::post("execute", EXECUTE, USER, text, 200),
        Step::post("execute from a browser", EXECUTE, &mine, text, 200),
        Step::post("stream", "/api/agent/stream", USER, text, 200),
        Step::post("stream with a tool", "/api/agent/stream", USER, r#"{"input":"calculate 2+3*4"}"#, 200),
        Step::post("tool call", EXECUTE, USER, r#"{"input":"calculate 2+3*4"}"#, 200),
        Step::post("tool by name", "/api/tools/calculate/execute", USER, r#"{"expression":"2+3*4"}"#, 200),
        Step::post("malformed", EXECUTE, USER, r#"{"input":"#, 400),
        Step::post("nobody", EXECUTE, "", text, 401),
        Step::post("somebody else", EXECUTE, wrong, "{}", 401),
        Step::post("another site", EXECUTE, &foreign, text, 403),
        Step::new("no such path", "GET", "/api/nope", USER, 404),
        Step::post("no such tool", "/api/tools/nope/execute", USER, "{}", 404),
        Step::new("another method", "DELETE", EXECUTE, USER, 405),
        Step::post("too large", EXECUTE, USER, &large, 413),
        Step {
            headers: format!("{USER}Content-Type: text/plain\r\n"),
            ..Step::post("no JSON", EXECUTE, USER, "x", 415)
        },
        Step::new("preflight", "OPTIONS", EXECUTE, preflight, 204),
    ];
    // Five in a minute are allowed.
    for status in [200, 200, 200, 200, 200, 429] {
        steps.push(Step::new("startup", "GET", "/api/health/startup", "", status));
    }
    steps
}

/// Status line, headers in the order of their names, and body; what two right answers may differ in has a name instead.
fn normal(answer: &RawResponse) -> String {
    let body = String::from_utf8_lossy(&answer.body);
    let mut told = body.clone().into_owned();
    for (key, name) in [
        ("\"requestId\":", "\"<request-id>\""),
        ("\"timestamp\":", "<timestamp>"),
        ("\"duration\":", "<duration>"),
        ("\"retryAfter\":", "<time>"),
    ] {
        told = without_values(&told, key, name);
    }
    let mut lines: Vec<_> = answer
        .headers
        .iter()
        .map(|(name, value)| {
            let value = match name.to_ascii_lowercase().as_str() {
                "date" => "<date>".into(),
                "x-request-id" => "<request-id>".into(),
                "x-response-time" | "server-timing" => "<duration>".into(),
                "x-ratelimit-reset" | "retry-after" => "<time>".into(),
                "content-length" if told != *body => "<length>".into(),
                _ => String::from_utf8_lossy(value),
            };
            (name, value)
        })
        .collect();
    lines.sort_by_key(|(name, _)| *name);
    let mut text = format!("HTTP/1.{} {} {}\n", answer.minor_version, answer.status, answer.reason);
    for (name, value) in lines {
        let _ = writeln!(text, "{name}: {value}");
    }
    format!("{text}\n{told}")
}

/// The text with `name` in place of each value of a key.
fn without_values(text: &str, key: &str, name: &str) -> String {
    let mut parts = text.split(key);
    let mut out = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        let end = part.find([',', '}']).expect("a member ends");
        let _ = write!(out, "{key}{name}{}", &part[end..]);
    }
    out
}

/// All answers of a framework, with the names of the steps.
fn answers(framework: &str) -> Vec<(String, String)> {
    let arguments = ["serve", "--framework", framework, "--port", "0", "--config", REFERENCE];
    let serving = Serving::start(&mut neurolink(&arguments));
    let mut told = Vec::new();
    for step in session() {
        let answer = serving.send(&step.request(&serving.address));
        let parsed = parse(answer.as_bytes(), true, &Asked::method(step.method));
        let (parsed, length) = parsed.expect(&answer).unwrap_or_else(|| panic!("no whole answer: {answer:?}"));
        assert_eq!((parsed.status, length), (step.status, answer.len()), "{framework}, {}: {answer}", step.name);
        told.push((format!("{} ({})", step.name, step.status), normal(&parsed)));
    }
    let (code, out, err) = serving.end("-TERM");
    assert_eq!(code, Some(0), "{framework}: {out}{err}");
    told
}

#[test]
fn one_session_has_the_same_answers_on_all_frameworks() {
    let first = answers("axum");
    let text = |name: &str| &first.iter().find(|(step, _)| step.starts_with(name)).expect("a step").1;
    assert!(text("stream (").ends_with("data: [DONE]\n\n"), "{}", text("stream ("));
    assert!(text("tool call").contains("14") && text("tool by name").contains("14"), "{}", text("tool call"));
    for framework in frameworks().into_iter().filter(|framework| *framework != "axum") {
        for ((step, one), (_, other)) in first.iter().zip(answers(framework)) {
            assert!(*one == other, "{step} is not the same on {framework}.\n\naxum:\n{one}\n\n{framework}:\n{other}");
        }
    }
}
