//! Event streams on the wire: server-sent events as the original's client parses them.

mod callers;
mod sse;
mod watchdog;

pub use callers::StreamPlace;
pub(crate) use callers::{Callers, Place};
pub(crate) use sse::{SseBody, SseParts};
