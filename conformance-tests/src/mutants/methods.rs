//! Methods, and what HEAD, OPTIONS and 405 say.

use http::{Method, StatusCode};

use super::adapter::ask;
use super::edit::{become_user, lose, refusal, set, text};
use super::mutant::Mutant;

const AREAS: &[&str] = &["methods"];

pub(super) const ALL: &[Mutant] = &[
    Mutant::new("allow-is-missing", AREAS, "nothing says which methods there are")
        .response(|_, response| lose(response, "allow")),
    Mutant::new("allow-forgets-options", AREAS, "Allow has no OPTIONS").response(|_, response| {
        let allow = text(response.headers(), "allow");
        if !allow.is_empty() {
            set(response.headers_mut(), "allow", &allow.replace(", OPTIONS", ""));
        }
    }),
    Mutant::new("head-is-not-offered", &["methods", "health", "errors", "http2"], "HEAD of a GET route is a 405")
        .response(|head, response| {
            if head.method == Method::HEAD {
                *response.status_mut() = StatusCode::METHOD_NOT_ALLOWED;
            }
        }),
    Mutant::new("head-has-a-body", &["methods", "http", "health", "errors"], "the answer to HEAD has a body").down(
        |talk, mut bytes| {
            if talk.begins_with("HEAD") && talk.downs == 1 {
                bytes.extend_from_slice(b"{}");
            }
            bytes
        },
    ),
    Mutant::new("head-loses-its-length", AREAS, "HEAD tells no length").down(|talk, bytes| {
        match talk.begins_with("HEAD") {
            true => super::edit::swap(&bytes, b"content-length", b"x-lost"),
            false => bytes,
        }
    }),
    Mutant::new("head-tells-no-length", AREAS, "HEAD tells the length 0").response(|head, response| {
        if head.method == Method::HEAD {
            set(response.headers_mut(), "content-length", "0");
        }
    }),
    Mutant::new("head-asks-nobody", &["methods", "roles"], "HEAD skips authorisation").request(|request| {
        if request.method() == Method::HEAD {
            become_user(request, "admin-token");
        }
    }),
    Mutant::new("head-runs-post-routes", AREAS, "HEAD is answered where there is no GET").response(|head, response| {
        if head.method == Method::HEAD && response.status() == StatusCode::METHOD_NOT_ALLOWED {
            *response.status_mut() = StatusCode::OK;
        }
    }),
    Mutant::new("head-of-a-stream-has-no-type", AREAS, "HEAD of a stream loses its type").response(|head, response| {
        if head.method == Method::HEAD && text(response.headers(), "content-type").starts_with("text/event-stream") {
            lose(response, "content-type");
        }
    }),
    Mutant::new("wrong-method-is-a-404", AREAS, "what has another method does not exist").response(|_, response| {
        if response.status() == StatusCode::METHOD_NOT_ALLOWED {
            *response = refusal(StatusCode::NOT_FOUND, "NOT_FOUND");
        }
    }),
    Mutant::new("unmatched-is-a-405", AREAS, "what does not exist has another method").response(|_, response| {
        if response.status() == StatusCode::NOT_FOUND {
            *response = refusal(StatusCode::METHOD_NOT_ALLOWED, "METHOD_NOT_ALLOWED");
        }
    }),
    Mutant::new("unknown-method-is-a-501", AREAS, "a method that nobody knows is a 501").response(|head, response| {
        if head.method.as_str() == "BREW" {
            *response.status_mut() = StatusCode::NOT_IMPLEMENTED;
        }
    }),
    Mutant::new("methods-have-no-case", AREAS, "`get` is GET").request(|request| {
        if let Ok(method) = request.method().as_str().to_uppercase().parse() {
            *request.method_mut() = method;
        }
    }),
    Mutant::new("trace-is-echoed", AREAS, "TRACE repeats the request").around(|host, request| {
        Box::pin(async move {
            if request.method() == Method::TRACE {
                return neurolink_core::Response::new(format!("{:?}", request.headers()).into());
            }
            ask(host, request).await
        })
    }),
    Mutant::new("method-override-is-honoured", &["methods", "protected"], "a header or a query changes the method")
        .request(|request| {
            let names = ["x-http-method-override", "x-method-override", "x-http-method"];
            let header = names.iter().any(|name| request.headers().contains_key(*name));
            if header || request.uri().query() == Some("_method=GET") {
                *request.method_mut() = Method::GET;
            }
        }),
    Mutant::new("options-is-a-200", AREAS, "OPTIONS answers with another status").response(|head, response| {
        if head.method == Method::OPTIONS && response.status() == StatusCode::NO_CONTENT {
            *response.status_mut() = StatusCode::OK;
        }
    }),
    Mutant::new("get-with-a-body-is-a-400", AREAS, "GET may have no body").response(|head, response| {
        if head.method == Method::GET && head.headers.contains_key("content-length") {
            *response.status_mut() = StatusCode::BAD_REQUEST;
        }
    }),
];
