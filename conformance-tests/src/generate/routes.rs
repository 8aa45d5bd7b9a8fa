//! The requests that the grammar starts from: each is answered by a handler, unless something is changed.

use super::exchange::{Framing, Request};
use crate::placeholders::named;

/// A request that a route answers.
#[derive(Clone, Copy, Debug)]
pub(super) struct Start {
    method: &'static str,
    target: &'static str,
    /// The placeholder of the bearer token, if there is one.
    token: Option<&'static str>,
    /// The body, which is JSON.
    body: &'static str,
}

const fn get(target: &'static str, token: Option<&'static str>) -> Start {
    Start { method: "GET", target, token, body: "" }
}

const fn post(target: &'static str, token: Option<&'static str>, body: &'static str) -> Start {
    Start { method: "POST", target, token, body }
}

const USER: Option<&str> = Some("user-token");

/// The simplest is the first: what differs shrinks towards it.
///
/// `/api/test/slow`, slow models and panics are left out: they answer after a time, and cases ask them.
pub(super) const STARTS: &[Start] = &[
    get("/api/test/params/a", None),
    get("/api/test/files/a/b", None),
    get("/api/test/query?a=1", None),
    get("/api/test/query?a=1&A=2&a=3", None),
    get("/api/test/headers", None),
    post("/api/test/echo", None, r#"{"a":1}"#),
    post("/api/test/echo", None, ""),
    post("/api/test/upload", None, "0123456789"),
    get("/api/test/set-cookies", None),
    get("/api/test/many", None),
    get("/api/test/optional", None),
    get("/api/test/optional", USER),
    get("/api/test/whoami", USER),
    get("/api/test/whoami", Some("jwt-valid")),
    get("/api/test/admin", Some("admin-token")),
    get("/api/test/admin", USER),
    post("/api/test/unsafe", None, ""),
    Start { method: "PUT", target: "/api/test/none", token: None, body: "" },
    Start { method: "DELETE", target: "/api/test/none", token: None, body: "" },
    get("/api/test/error", USER),
    get("/api/test/stream-error", None),
    get("/api", USER),
    get("/api/health", None),
    get("/api/health/live", None),
    get("/api/health/ready", None),
    get("/api/health/startup", None),
    get("/api/health/detailed", USER),
    get("/api/version", USER),
    get("/api/tools", USER),
    get("/api/tools/search?q=e&limit=2", USER),
    get("/api/tools/echo", USER),
    post("/api/tools/execute", USER, r#"{"name":"echo","arguments":{"text":"a"}}"#),
    post("/api/tools/echo/execute", USER, r#"{"arguments":{"text":"a"}}"#),
    get("/api/agent/providers", USER),
    post("/api/agent/execute", USER, r#"{"input":"hello"}"#),
    post("/api/agent/execute", USER, r#"{"input":{"text":"echo a"},"temperature":0.5}"#),
    post("/api/agent/stream", USER, r#"{"input":"hello"}"#),
    post("/api/agent/stream", USER, r#"{"input":"hello","model":"offline/chunks-50"}"#),
    post("/api/agent/embed", USER, r#"{"text":"a"}"#),
    post("/api/agent/embed-many", USER, r#"{"texts":["a","b"]}"#),
];

impl Start {
    pub(super) fn request(self) -> Request {
        let mut headers = vec![("Host".to_owned(), b"localhost".to_vec())];
        if let Some(token) = self.token.and_then(named) {
            headers.push(("Authorization".into(), format!("Bearer {token}").into_bytes()));
        }
        if !self.body.is_empty() {
            let kind = if self.target.ends_with("upload") { "application/octet-stream" } else { "application/json" };
            headers.push(("Content-Type".into(), kind.into()));
        }
        Request {
            method: self.method.into(),
            target: self.target.into(),
            version: "HTTP/1.1",
            headers,
            body: self.body.into(),
            framing: Framing::Length,
        }
    }
}
