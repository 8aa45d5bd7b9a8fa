//! Small changes that mutants are made of.

use std::net::{Ipv4Addr, SocketAddr};

use http::request::Parts;
use http::{HeaderMap, HeaderName, HeaderValue, StatusCode, Uri, header};
use neurolink_core::{Body, Request, Response};
use serde_json::{Value, json};

/// A credential of the reference configuration, such as `user-token`.
pub(super) fn credential(name: &str) -> String {
    crate::placeholders::fill(&format!("{{{name}}}"), SocketAddr::from((Ipv4Addr::LOCALHOST, 0)))
}

/// Sends a bearer credential of the reference configuration in place of what was sent.
pub(super) fn become_user(request: &mut Request, name: &str) {
    request.headers_mut().remove("x-api-key");
    set(request.headers_mut(), "authorization", &format!("Bearer {}", credential(name)));
}

/// Whether there is any credential.
pub(super) fn has_credential(headers: &HeaderMap) -> bool {
    headers.contains_key(header::AUTHORIZATION) || headers.contains_key("x-api-key")
}

/// The first line of a header as text, or an empty one.
pub(super) fn text(headers: &HeaderMap, name: &str) -> String {
    headers.get(name).map(|value| String::from_utf8_lossy(value.as_bytes()).into_owned()).unwrap_or_default()
}

/// Sets a header; what cannot be sent is left out.
pub(super) fn set(headers: &mut HeaderMap, name: &'static str, value: &str) {
    if let Ok(value) = HeaderValue::from_bytes(value.as_bytes()) {
        headers.insert(HeaderName::from_static(name), value);
    }
}

/// Whether the path of a target ends so.
pub(super) fn is(head: &Parts, path: &str) -> bool {
    head.uri.path() == path
}

/// Changes the path and keeps the query; what is no target changes nothing.
pub(super) fn change_path(request: &mut Request, change: impl FnOnce(&str) -> String) {
    let path = change(request.uri().path());
    let query = request.uri().query().map(|query| format!("?{query}")).unwrap_or_default();
    change_target(request, &format!("{path}{query}"));
}

/// Changes the query and keeps the path.
pub(super) fn change_query(request: &mut Request, change: impl FnOnce(&str) -> String) {
    if let Some(query) = request.uri().query() {
        let query = change(query);
        let path = request.uri().path().to_owned();
        change_target(request, &format!("{path}?{query}"));
    }
}

fn change_target(request: &mut Request, target: &str) {
    let mut parts = request.uri().clone().into_parts();
    if let Ok(target) = target.parse() {
        parts.path_and_query = Some(target);
        if let Ok(uri) = Uri::from_parts(parts) {
            *request.uri_mut() = uri;
        }
    }
}

/// An answer with the envelope of an error.
pub(super) fn refusal(status: StatusCode, code: &str) -> Response {
    let body = json!({ "error": { "code": code, "message": "no" }, "metadata": { "requestId": "x" } });
    let mut response = Response::new(Body::from(body.to_string()));
    *response.status_mut() = status;
    set(response.headers_mut(), "content-type", "application/json");
    set(response.headers_mut(), "x-request-id", "x");
    response
}

/// Removes a header from an answer.
pub(super) fn lose(response: &mut Response, name: &str) {
    response.headers_mut().remove(name);
}

/// Removes a member of an object at a path of members.
pub(super) fn remove(value: &mut Value, path: &[&str]) {
    let Some((last, parents)) = path.split_last() else { return };
    let parent = parents.iter().try_fold(value, |value, name| value.get_mut(*name));
    if let Some(Value::Object(members)) = parent {
        members.remove(*last);
    }
}

/// Replaces a value at a path of members, if it is there.
pub(super) fn replace(value: &mut Value, path: &[&str], with: impl Into<Value>) {
    if let Some(found) = path.iter().try_fold(value, |value, name| value.get_mut(*name)) {
        *found = with.into();
    }
}

/// The bytes of a text with its percent escapes decoded once.
pub(super) fn decode(text: &str) -> Vec<u8> {
    let bytes = text.as_bytes();
    let mut out = Vec::new();
    let mut at = 0;
    while at < bytes.len() {
        let escape = text.get(at + 1..at + 3).filter(|_| bytes[at] == b'%');
        match escape.and_then(|digits| u8::from_str_radix(digits, 16).ok()) {
            Some(byte) => {
                out.push(byte);
                at += 3;
            }
            None => {
                out.push(bytes[at]);
                at += 1;
            }
        }
    }
    out
}

/// Bytes with every occurrence of some replaced.
pub(super) fn swap(bytes: &[u8], from: &[u8], to: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(bytes.len());
    let mut rest = bytes;
    while let Some(at) = rest.windows(from.len()).position(|window| window == from) {
        out.extend_from_slice(&rest[..at]);
        out.extend_from_slice(to);
        rest = &rest[at + from.len()..];
    }
    out.extend_from_slice(rest);
    out
}
