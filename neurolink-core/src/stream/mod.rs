//! Event streams on the wire: server-sent events as the original's client parses them.

mod authority;
mod open;
mod sse;

pub(crate) use authority::{Authority, StillGood};
pub(crate) use open::{OpenStreams, Place};
pub(crate) use sse::{SseBody, SseParts};
