//! How often a client may call: six algorithms in bounded memory.
//!
//! | algorithm | at most | memory of a key |
//! |---|---|---|
//! | [`fixed_window`](RateLimit::fixed_window) | the limit in a window that begins with the first request; twice in any | 34 bytes |
//! | [`sliding_log`](RateLimit::sliding_log) | the limit in any window | 80 bytes, and 8 to 16 a request |
//! | [`sliding_counter`](RateLimit::sliding_counter) | the limit in a window of the clock, about the limit in any | 52 bytes |
//! | [`strict_counter`](RateLimit::strict_counter) | as the sliding counter, refused requests counted | 52 bytes |
//! | [`leaky_bucket`](RateLimit::leaky_bucket) | the rate, and a burst after a pause | 52 bytes |
//! | [`gcra`](RateLimit::gcra) | the rate, and the limit at once after a pause | 52 bytes |
//!
//! A refused request is 429 and is not counted, but by the strict counter.
//! `Retry-After` is the smallest wait that succeeds if nobody else uses the key, in seconds; of the strict counter the end of the window.
//! Every answer carries where the caller stands, whatever its status, in the dialects of [`RateLimitHeaders`]:
//! `X-RateLimit-Limit`, `-Remaining` and `-Reset` (epoch seconds) unless told.
//!
//! Several rules decide together: if one refuses, none is charged, and `Retry-After` is the longest wait of those that refuse.
//! Headers that have one set of names show the rule with the least remaining.
//! A rule by user is asked later than one by address, behind authentication; when it refuses, the earlier one gives back what it took.
//!
//! The key is the client's address unless told otherwise: the peer, or what a trusted proxy says.
//! An IPv6 client is limited at its /64 and, at sixteen times the limit, at its /48, for it owns them.
//! Limits that several servers share count in a [store](store).
//! A handler may ask a limit of its own: [`Limiter`].
//! A limit of [tokens](RateLimit::tokens) charges what the engine used, of a stream when it ends.
//! Memory is bounded: an attacker with many addresses can push out counters that are not at their limit, and nothing more.
//!
//! ```
//! use std::time::Duration;
//! use neurolink_core::{Stack, middleware::{RateLimit, RateLimitHeaders}};
//!
//! let limit = RateLimit::sliding_counter(100, Duration::from_secs(60))
//!     .headers([RateLimitHeaders::Legacy, RateLimitHeaders::Draft10]);
//! let stack = Stack::builder().with(limit).build()?;
//! # Ok::<(), neurolink_core::ConfigError>(())
//! ```

mod algorithm;
mod decision;
mod headers;
mod key;
mod limited;
mod limiter;
mod meter;
mod own;
mod refusal;
mod rule;
pub mod store;
mod tier;

pub(crate) use decision::decide_together;
pub use headers::RateLimitHeaders;
pub use key::{Key, KeyFn};
pub(crate) use limited::{Limited, show_asked, show_limits};
pub use limiter::Limiter;
pub use refusal::{Refusal, RefusalBody, RefusalFn};
pub use rule::{CostFn, RateLimit, RateLimitState};
pub(crate) use store::Settling;
