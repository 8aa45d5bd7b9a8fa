//! Event streams on the wire: server-sent events as the original's client parses them.

mod authority;
mod open;
mod place;
mod sse;
mod watchdog;

pub(crate) use authority::{Authority, StillGood};
pub(crate) use open::{OpenStreams, Place};
pub use place::StreamPlace;
pub(crate) use sse::{SseBody, SseParts};
