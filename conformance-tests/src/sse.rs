//! Server-sent events as the original's client reads them.

use serde::Deserialize;
use serde_json::Value;

use crate::json;

/// What a stream has to be.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SseExpect {
    /// The events, each as a subset, all of them, in order.
    pub events: Option<Vec<Value>>,
    /// Events that are among them, in this order.
    #[serde(default)]
    pub contains: Vec<Value>,
    /// How many events of a type there are.
    #[serde(default)]
    pub count: std::collections::BTreeMap<String, usize>,
    /// The last payload; `[DONE]` unless given.
    pub last: Option<String>,
    /// What the texts together contain.
    pub text_contains: Option<String>,
}

/// A stream, read strictly.
#[derive(Debug, PartialEq)]
pub(crate) struct Stream {
    pub(crate) events: Vec<Value>,
    pub(crate) last: Option<String>,
}

/// Reads a stream: every frame is one `data: ` line and an empty line, with LF only; comments are passed over.
pub(crate) fn read(body: &[u8]) -> Result<Stream, String> {
    let text = std::str::from_utf8(body).map_err(|_| "the stream is not UTF-8".to_owned())?;
    if text.contains('\r') {
        return Err("the stream has a CR: the original's client compares lines without trimming".into());
    }
    let Some(text) = text.strip_suffix("\n\n") else {
        return Err("the stream does not end with an empty line".into());
    };
    let mut stream = Stream { events: Vec::new(), last: None };
    for frame in text.split("\n\n") {
        if frame.starts_with(':') {
            continue;
        }
        let Some(payload) = frame.strip_prefix("data: ").filter(|rest| !rest.contains('\n')) else {
            return Err(format!("a frame is not one `data: ` line: {frame:?}"));
        };
        if let Some(last) = &stream.last {
            return Err(format!("{payload:?} comes after the end {last:?}"));
        }
        if payload.starts_with('{') {
            let event =
                serde_json::from_str(payload).map_err(|error| format!("an event is not JSON: {error}: {payload:?}"))?;
            stream.events.push(event);
        } else {
            stream.last = Some(payload.to_owned());
        }
    }
    Ok(stream)
}

impl SseExpect {
    pub(crate) fn check(&self, body: &[u8], out: &mut Vec<String>) {
        let stream = match read(body) {
            Ok(stream) => stream,
            Err(problem) => {
                out.push(format!("stream: {problem}"));
                return;
            }
        };
        let last = self.last.as_deref().unwrap_or("[DONE]");
        if stream.last.as_deref() != Some(last) {
            out.push(format!("stream: expected the end {last:?}, got {:?}", stream.last));
        }
        for event in &stream.events {
            let known =
                event.get("type").is_some_and(Value::is_string) && event.get("timestamp").is_some_and(Value::is_number);
            if !known {
                out.push(format!("stream: an event has no type or no timestamp: {event}"));
            }
        }
        if let Some(events) = &self.events {
            let all = Value::Array(stream.events.clone());
            json::subset(&Value::Array(events.clone()), &all, "stream", out);
        }
        let mut rest = stream.events.iter();
        for wanted in &self.contains {
            let found = rest.any(|event| {
                let mut problems = Vec::new();
                json::subset(wanted, event, "", &mut problems);
                problems.is_empty()
            });
            if !found {
                out.push(format!("stream: expected an event {wanted} (in this order)"));
            }
        }
        for (kind, wanted) in &self.count {
            let found = stream.events.iter().filter(|event| event["type"] == **kind).count();
            if found != *wanted {
                out.push(format!("stream: expected {wanted} events of type {kind}, got {found}"));
            }
        }
        if let Some(wanted) = &self.text_contains {
            let text: String = stream
                .events
                .iter()
                .filter(|event| event["type"] == "text")
                .filter_map(|event| event["content"].as_str())
                .collect();
            if !text.contains(wanted) {
                out.push(format!("stream: expected the text to contain {wanted:?}, got {text:?}"));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_well_framed_stream_is_read() {
        let wire = "data: {\"type\":\"text\",\"content\":\"a\",\"timestamp\":1}\n\n: keep-alive\n\ndata: [DONE]\n\n";
        let expect: SseExpect =
            toml::from_str("events = [{ type = 'text' }]\ncount = { text = 1 }\ntext_contains = 'a'").unwrap();
        let mut out = Vec::new();
        expect.check(wire.as_bytes(), &mut out);
        assert_eq!(out, Vec::<String>::new());
    }

    #[test]
    fn broken_framing_is_told() {
        for wire in [
            "data: [DONE]",
            "data: [DONE]\n",
            "data: [DONE]\r\n\r\n",
            "data:[DONE]\n\n",
            "event: done\ndata: [DONE]\n\n",
            "data: {\"type\":\n\n",
            "data: [DONE]\n\ndata: {}\n\n",
            "data: [DONE]\n\ndata: [DONE]\n\n",
            "",
        ] {
            assert!(read(wire.as_bytes()).is_err(), "{wire:?}");
        }
    }
}
