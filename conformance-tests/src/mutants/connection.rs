//! HTTP/1 as clients rely on it: connections, pieces, sizes.

use http::StatusCode;

use super::adapter::ask;
use super::edit::{refusal, set, swap, text};
use super::fatal::Dead;
use super::mutant::Mutant;

const AREAS: &[&str] = &["http"];

pub(super) const ALL: &[Mutant] = &[
    Mutant::new(
        "every-answer-closes",
        &["http", "errors", "sse", "mount", "connections"],
        "a connection has one request",
    )
    .response(|_, response| set(response.headers_mut(), "connection", "close")),
    Mutant::new("errors-close", AREAS, "an error ends its connection").response(|_, response| {
        if response.status().is_client_error() {
            set(response.headers_mut(), "connection", "close");
        }
    }),
    Mutant::new("an-early-close-is-not-told", AREAS, "an answer before the body's end does not say that it closes")
        .response(|_, response| _ = response.headers_mut().remove("connection")),
    Mutant::new("close-is-not-heard", AREAS, "`Connection: close` is not looked at")
        .up(|_, bytes| swap(&bytes, b"Connection: close", b"X-Connection: clos")),
    Mutant::new("http10-is-http11", &["http", "sse"], "an HTTP/1.0 client is answered as one of HTTP/1.1")
        .up(|_, bytes| swap(&bytes, b"HTTP/1.0\r\n", b"HTTP/1.1\r\nHost: localhost\r\nX-Was: 1.0\r\n")),
    Mutant::new("http10-never-stays", AREAS, "an HTTP/1.0 client may not keep its connection")
        .up(|_, bytes| swap(&bytes, b"keep-alive", b"close")),
    Mutant::new(
        "pipelined-requests-are-swapped",
        &["http", "connections"],
        "the second of two requests is answered first",
    )
    .up(|_, bytes| {
        let mut requests: Vec<_> = whole_requests(&bytes);
        requests.reverse();
        requests.concat()
    }),
    Mutant::new("one-request-a-packet", AREAS, "what follows a request in its packet is dropped").up(|_, bytes| {
        let mut requests = whole_requests(&bytes);
        requests.truncate(1);
        requests.concat()
    }),
    Mutant::new("every-packet-is-a-request", AREAS, "a request has to come in one piece")
        .up(|talk, bytes| if talk.ups > 1 && bytes.len() < 100 { Vec::new() } else { bytes }),
    Mutant::new("unread-bodies-are-requests", AREAS, "a body that nobody reads is the next request").up(
        |talk, bytes| match talk.begins_with("POST /api/agent/execute") {
            true => swap(&bytes, b"Content-Length", b"X-Length"),
            false => bytes,
        },
    ),
    Mutant::new("leaving-ends-the-server", AREAS, "after a client left every answer is a 500").around(
        |host, request| {
            static DEAD: Dead = Dead::none();
            Box::pin(async move {
                let mut watch = match DEAD.watch(&request) {
                    Ok(watch) => watch,
                    Err(dead) => return dead,
                };
                let response = ask(host, request).await;
                watch.went_well(true);
                response
            })
        },
    ),
    Mutant::new("clients-that-have-gone-are-answered", AREAS, "what is at work for a client that has gone is answered")
        .around(|host, request| {
            Box::pin(async move {
                if request.uri().path() == "/api/test/slow" {
                    return refusal(StatusCode::GATEWAY_TIMEOUT, "TIMEOUT");
                }
                ask(host, request).await
            })
        }),
    Mutant::new("idle-connections-block", &["http", "connections"], "eight connections at a time are served")
        .serve(|config| config.max_connections(8)),
    Mutant::new("date-is-missing", AREAS, "answers have no Date")
        .down(|_, bytes| swap(&bytes, b"\r\ndate: ", b"\r\nx-date: ")),
    Mutant::new("ranges-are-honoured", AREAS, "a part of an answer is told as one").response(|head, response| {
        if head.headers.contains_key("range") {
            *response.status_mut() = StatusCode::PARTIAL_CONTENT;
        }
    }),
    Mutant::new("headers-have-to-be-text", AREAS, "a header that is not ASCII is refused").around(|host, request| {
        Box::pin(async move {
            if request.headers().values().any(|value| value.to_str().is_err()) {
                return refusal(StatusCode::BAD_REQUEST, "BAD_REQUEST");
            }
            ask(host, request).await
        })
    }),
    Mutant::new("header-names-have-case", AREAS, "`AUTHORIZATION` is not Authorization")
        .up(|_, bytes| swap(&bytes, b"AUTHORIZATION:", b"X-AUTHORIZATION:")),
    Mutant::new("headers-may-be-many-and-large", &["http", "http2"], "90 headers and 96 KiB of them are read").app(
        |builder| {
            builder.configure(|settings| {
                settings.limits.header_count = 90;
                settings.limits.header_bytes = 96 * 1024;
            })
        },
    ),
    Mutant::new("headers-have-to-be-few", AREAS, "20 headers are read")
        .app(|builder| builder.configure(|settings| settings.limits.header_count = 20)),
    Mutant::new("431-is-a-400", &["http", "http2"], "too many headers are malformed").response(|_, response| {
        if response.status() == StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE {
            *response.status_mut() = StatusCode::BAD_REQUEST;
        }
    }),
    Mutant::new("posts-close", AREAS, "a body ends its connection").response(|head, response| {
        if !text(&head.headers, "content-type").is_empty() {
            set(response.headers_mut(), "connection", "close");
        }
    }),
];

/// The bytes of a packet, cut where a request begins.
fn whole_requests(bytes: &[u8]) -> Vec<Vec<u8>> {
    let begins = |at: usize| at == 0 || bytes[at..].starts_with(b"GET /");
    let starts: Vec<usize> = (0..bytes.len()).filter(|at| begins(*at)).collect();
    let ends = starts.iter().skip(1).copied().chain([bytes.len()]);
    starts.iter().zip(ends).map(|(from, to)| bytes[*from..to].to_vec()).collect()
}
