//! Event streams on the wire: server-sent events as the original's client parses them.

mod sse;

pub(crate) use sse::{SseBody, SseParts};
