//! Event streams.

use bytes::Bytes;
use futures_util::StreamExt as _;
use http::StatusCode;
use neurolink_core::{Body, BoxError, Response};

use super::adapter::ask;
use super::edit::{lose, set, text};
use super::fatal::Dead;
use super::mutant::Mutant;

const AREAS: &[&str] = &["sse"];

pub(super) const ALL: &[Mutant] = &[
    Mutant::new("sse-has-no-end", AREAS, "`[DONE]` is missing").events(|text| text.replace("data: [DONE]\n\n", "")),
    Mutant::new("sse-lines-end-in-crlf", AREAS, "lines end in CRLF").events(|text| text.replace('\n', "\r\n")),
    Mutant::new("sse-has-event-names", AREAS, "events have names")
        .events(|text| text.replace("data: {", "event: x\ndata: {")),
    Mutant::new("sse-is-buffered", &["sse", "http2"], "a stream is sent when it is whole").around(|host, request| {
        Box::pin(async move {
            let response = ask(host, request).await;
            if !response.body().is_stream() {
                return response;
            }
            response.map(|body| {
                let whole = body.fold(Vec::new(), |mut whole, piece| async move {
                    whole.extend_from_slice(&piece.unwrap_or_default());
                    whole
                });
                Body::from_stream(futures_util::stream::once(async { Ok::<_, BoxError>(Bytes::from(whole.await)) }))
            })
        })
    }),
    Mutant::new("sse-gathers-pairs", AREAS, "a small event waits for the one behind it").around(|host, request| {
        Box::pin(async move {
            ask(host, request).await.map(|body| {
                if !body.is_stream() {
                    return body;
                }
                let mut held = Vec::new();
                Body::from_stream(body.filter_map(move |piece| {
                    held.extend_from_slice(&piece.unwrap_or_default());
                    let is_whole = String::from_utf8_lossy(&held).matches("tick").count().is_multiple_of(2);
                    let pair = is_whole.then(|| Ok::<_, BoxError>(Bytes::from(std::mem::take(&mut held))));
                    std::future::ready(pair)
                }))
            })
        })
    }),
    Mutant::new("sse-has-a-length", AREAS, "a stream is a whole answer").around(|host, request| {
        Box::pin(async move {
            let response = ask(host, request).await;
            let (parts, mut body) = response.into_parts();
            let mut whole = Vec::new();
            while let Some(Ok(piece)) = body.next().await {
                whole.extend_from_slice(&piece);
            }
            Response::from_parts(parts, Body::from(whole))
        })
    }),
    Mutant::new("sse-may-be-kept-back", AREAS, "proxies may gather a stream").response(|_, response| {
        lose(response, "x-accel-buffering");
    }),
    Mutant::new("sse-has-another-type", &["sse", "methods"], "a stream is plain text").response(|_, response| {
        if text(response.headers(), "content-type").starts_with("text/event-stream") {
            set(response.headers_mut(), "content-type", "text/plain");
        }
    }),
    Mutant::new("sse-has-no-metadata", AREAS, "the metadata event is missing").events(|text| without(text, "metadata")),
    Mutant::new("sse-metadata-comes-twice", AREAS, "the metadata event is there twice").events(|text| {
        text.split_inclusive("\n\n")
            .map(|event| if event.contains("\"type\":\"metadata\"") { event.repeat(2) } else { event.to_owned() })
            .collect()
    }),
    Mutant::new("sse-loses-an-event", AREAS, "one event of many is lost").events(|text| {
        if text.matches("\"type\":\"text\"").count() < 3 {
            return text.to_owned();
        }
        text.split_inclusive("\n\n").enumerate().filter(|(at, _)| *at != 1).map(|(_, event)| event).collect()
    }),
    Mutant::new("sse-has-no-timestamps", AREAS, "events have no time")
        .events(|text| text.replace("\"timestamp\"", "\"time\"")),
    Mutant::new("sse-hides-tools", AREAS, "tool events are missing")
        .events(|text| without(&without(text, "tool-call"), "tool-result")),
    Mutant::new("sse-text-is-ascii", AREAS, "text that is not ASCII is lost")
        .events(|text| text.replace(|letter: char| !letter.is_ascii(), "?")),
    Mutant::new("sse-failure-is-a-clean-end", AREAS, "a stream that failed ends like a whole one")
        .events(|text| without(text, "error")),
    Mutant::new("sse-failure-is-told-twice", AREAS, "a failure is two events").events(|text| {
        text.split_inclusive("\n\n")
            .map(|event| if event.contains("\"type\":\"error\"") { event.repeat(2) } else { event.to_owned() })
            .collect()
    }),
    Mutant::new("sse-failure-tells-its-source", AREAS, "an error event tells what happened inside").events(|text| {
        text.replace("\"type\":\"error\"", "\"type\":\"error\",\"cause\":\"panicked: password=hunter2\"")
    }),
    Mutant::new("sse-failure-takes-all", AREAS, "what came before a failure is lost")
        .events(|text| if text.contains("\"type\":\"error\"") { without(text, "text") } else { text.to_owned() }),
    Mutant::new("sse-refusals-are-events", &["sse", "body"], "what is refused before a stream is a stream").response(
        |head, response| {
            if head.uri.path() == "/api/agent/stream" && response.status().is_client_error() {
                *response.status_mut() = StatusCode::OK;
                set(response.headers_mut(), "content-type", "text/event-stream");
            }
        },
    ),
    Mutant::new("sse-closes", AREAS, "a stream ends its connection").response(|_, response| {
        if response.body().is_stream() {
            set(response.headers_mut(), "connection", "close");
        }
    }),
    Mutant::new("sse-cut-ends-the-server", AREAS, "after a client left a stream every answer is a 500").around(
        |host, request| {
            static DEAD: Dead = Dead::none();
            Box::pin(async move {
                let mut watch = match DEAD.watch(&request) {
                    Ok(watch) => watch,
                    Err(dead) => return dead,
                };
                let response = ask(host, request).await;
                if !response.body().is_stream() {
                    watch.went_well(true);
                    return response;
                }
                response.map(|body| {
                    Body::from_stream(body.inspect(move |piece| {
                        watch.went_well(piece.as_ref().is_ok_and(|bytes| bytes.ends_with(b"data: [DONE]\n\n")));
                    }))
                })
            })
        },
    ),
];

/// Without the events of this type.
fn without(text: &str, kind: &str) -> String {
    let kind = format!("\"type\":\"{kind}\"");
    text.split_inclusive("\n\n").filter(|event| !event.contains(&kind)).collect()
}
