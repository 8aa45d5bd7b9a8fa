//! What every handler does, whoever calls it.

use std::convert::Infallible;

use bytes::Bytes;
use futures_util::Stream;
use serde::Serialize;
use serde_json::{Value, json};

/// Events of a stream, before its end.
pub(crate) const EVENTS: usize = 50;

/// The answer to the GET.
pub(crate) fn item() -> Value {
    json!({ "id": "item-1", "name": "an item", "tags": ["one", "two"] })
}

/// The answer to the GET of the health.
pub(crate) fn health() -> Value {
    json!({ "status": "ok", "timestamp": "2026-01-01T00:00:00.000Z", "uptime": 0, "version": "hidden" })
}

/// What a handler makes of a parsed request: the text again, and its words counted.
pub(crate) fn answer(request: &Value) -> Value {
    let text = request["input"]["text"].as_str().unwrap_or_default();
    json!({ "data": { "content": text, "usage": { "input": words(text), "output": words(text) } } })
}

pub(crate) fn words(text: &str) -> u64 {
    text.split(' ').count() as u64
}

/// One piece of a streamed answer.
pub(crate) fn piece(number: usize) -> String {
    format!("chunk {number} ")
}

/// An event, as the engine behind our app gives them.
#[derive(Serialize)]
struct Event {
    r#type: &'static str,
    content: String,
    timestamp: u64,
}

/// A stream of events, framed.
pub(crate) fn events() -> impl Stream<Item = Result<Bytes, Infallible>> + Send + Sync + 'static {
    async_stream::stream! {
        for number in 0..EVENTS {
            let event = Event { r#type: "text", content: piece(number), timestamp: 0 };
            // Text and a number always serialise.
            let event = serde_json::to_string(&event).unwrap_or_default();
            yield Ok(Bytes::from(format!("data: {event}\n\n")));
        }
        yield Ok(Bytes::from_static(b"data: [DONE]\n\n"));
    }
}
