use std::time::Duration;

use bytes::Bytes;
use http::HeaderValue;
use serde::Serialize;
use serde_json::Value;

use super::timestamp::Timestamp;
use crate::Error;

/// How errors are written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum Representation {
    /// `{"error":{code,message,details?,retryAfter?},"metadata":{requestId,timestamp,duration}}`.
    #[default]
    Envelope,
    /// `application/problem+json` (RFC 9457).
    Problem,
}

/// Room that an answer may keep behind its end, in bytes.
const SPARE: usize = 512;

/// The facts every envelope ends with.
pub(crate) struct Stamp<'a> {
    /// ASCII that needs no escapes.
    pub(crate) request_id: &'a [u8],
    pub(crate) now: Duration,
    pub(crate) duration: Duration,
    /// In front of every code.
    pub(crate) code_prefix: &'a str,
    /// Whether the cause of a server error is told, for developers on their own machine.
    pub(crate) cause: bool,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Metadata<'a> {
    request_id: &'a str,
    timestamp: String,
    duration: u64,
}

#[derive(Serialize)]
struct ErrorEnvelope<'a> {
    error: ErrorBody<'a>,
    metadata: Metadata<'a>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct ErrorBody<'a> {
    code: &'a str,
    message: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    details: Option<&'a Value>,
    #[serde(skip_serializing_if = "Option::is_none")]
    retry_after: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    cause: Option<String>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Problem<'a> {
    #[serde(rename = "type")]
    kind: &'static str,
    title: &'a str,
    status: u16,
    detail: &'a str,
    code: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    details: Option<&'a Value>,
    #[serde(skip_serializing_if = "Option::is_none")]
    retry_after: Option<u64>,
    request_id: &'a str,
    timestamp: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    cause: Option<String>,
}

impl Stamp<'_> {
    fn metadata(&self) -> Metadata<'_> {
        Metadata {
            request_id: self.request_id(),
            timestamp: self.timestamp(),
            duration: u64::try_from(self.duration.as_millis()).unwrap_or(u64::MAX),
        }
    }

    fn request_id(&self) -> &str {
        std::str::from_utf8(self.request_id).unwrap_or_default()
    }

    fn timestamp(&self) -> String {
        Timestamp::new(self.now).as_str().to_owned()
    }

    /// Ends a buffer that holds `{"data":` and the data.
    pub(crate) fn finish(&self, mut buffer: Vec<u8>) -> Bytes {
        let (mut digits, timestamp) = (itoa::Buffer::new(), Timestamp::new(self.now));
        let parts: [&[u8]; 7] = [
            b",\"metadata\":{\"requestId\":\"",
            self.request_id,
            b"\",\"timestamp\":\"",
            timestamp.as_bytes(),
            b"\",\"duration\":",
            digits.format(self.duration.as_millis()).as_bytes(),
            b"}}",
        ];
        buffer.reserve(parts.iter().map(|part| part.len()).sum());
        parts.iter().for_each(|part| buffer.extend_from_slice(part));
        // To give a little room back costs more than it saves.
        if buffer.capacity() - buffer.len() > SPARE {
            buffer.shrink_to_fit();
        }
        Bytes::from(buffer)
    }
}

/// What the body of an error response is.
pub(crate) fn media_of_error(error: &Error, representation: Representation) -> HeaderValue {
    HeaderValue::from_static(match representation {
        _ if error.text().is_some() => "text/plain; charset=utf-8",
        Representation::Problem if error.body().is_none() => "application/problem+json",
        _ => "application/json",
    })
}

/// The body of an error response.
pub(crate) fn render_error(error: &Error, representation: Representation, stamp: &Stamp<'_>) -> Vec<u8> {
    if let Some(text) = error.text() {
        return text.into();
    }
    if let Some(body) = error.body() {
        return serde_json::to_vec(body).unwrap_or_default();
    }
    let code = format!("{}{}", stamp.code_prefix, error.code());
    let cause = (stamp.cause && error.status().is_server_error()).then(|| error.log_text());
    let rendered = match representation {
        Representation::Envelope => serde_json::to_vec(&ErrorEnvelope {
            error: ErrorBody {
                code: &code,
                message: error.message(),
                details: error.details(),
                retry_after: error.retry_after_seconds(),
                cause,
            },
            metadata: stamp.metadata(),
        }),
        Representation::Problem => serde_json::to_vec(&Problem {
            kind: "about:blank",
            title: error.status().canonical_reason().unwrap_or("Error"),
            status: error.status().as_u16(),
            detail: error.message(),
            code: &code,
            details: error.details(),
            retry_after: error.retry_after_seconds(),
            request_id: stamp.request_id(),
            timestamp: stamp.timestamp(),
            cause,
        }),
    };
    // Strings, numbers and a `Value` always serialise.
    rendered.unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Code;

    const STAMP: Stamp<'static> = Stamp {
        request_id: b"r1",
        now: Duration::from_millis(1_700_000_000_005),
        duration: Duration::from_micros(12_345),
        code_prefix: "",
        cause: false,
    };

    #[test]
    fn data_ends_with_its_metadata() {
        let buffer = STAMP.finish(b"{\"data\":[1]".to_vec());
        assert_eq!(
            String::from_utf8(buffer.to_vec()).expect("UTF-8"),
            r#"{"data":[1],"metadata":{"requestId":"r1","timestamp":"2023-11-14T22:13:20.005Z","duration":12}}"#
        );
    }

    #[test]
    fn a_prefix_and_the_cause_are_told_only_when_asked_for() {
        let error = Error::internal("the disk is full");
        let text = |stamp: &Stamp<'_>| {
            String::from_utf8(render_error(&error, Representation::Envelope, stamp)).expect("UTF-8")
        };
        assert!(!text(&STAMP).contains("disk"));
        let open = text(&Stamp { code_prefix: "MY_", cause: true, ..STAMP });
        assert!(open.contains(r#""code":"MY_INTERNAL_ERROR""#) && open.contains("the disk is full"), "{open}");
    }

    #[test]
    fn an_error_has_two_representations() {
        let error = Error::new(Code::RateLimitExceeded).with_retry_after(Duration::from_secs(7));
        let text = |representation| String::from_utf8(render_error(&error, representation, &STAMP)).expect("UTF-8");
        assert!(text(Representation::Envelope).starts_with(
            r#"{"error":{"code":"RATE_LIMIT_EXCEEDED","message":"Too many requests, please try again later","retryAfter":7},"metadata":"#
        ));
        assert!(
            text(Representation::Problem)
                .starts_with(r#"{"type":"about:blank","title":"Too Many Requests","status":429,"detail":"#)
        );
    }
}
