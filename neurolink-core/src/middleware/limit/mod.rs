//! How often a client may call: a fixed window in bounded memory.
//!
//! The window of a key begins with its first request.
//! Every answered request carries `X-RateLimit-Limit`, `-Remaining` and `-Reset` (epoch seconds), whatever its status;
//! a refused one is 429 with `Retry-After`, and waiting that long succeeds if nobody else uses the key.
//!
//! Several rules decide together: if one refuses, none is charged, and `Retry-After` is the longest wait of those that refuse.
//! Those headers have one set of names, so the rule with the least remaining is shown.
//! A rule by user is asked later than one by address, behind authentication; when it refuses, the earlier one gives back what it took.
//!
//! The key is the client's address unless told otherwise: the peer, or what a trusted proxy says.
//! An IPv6 client is limited at its /64 and, at sixteen times the limit, at its /48, for it owns them.
//! Memory is bounded: an attacker with many addresses can push out counters that are not at their limit, and nothing more.
//!
//! ```
//! use std::time::Duration;
//! use neurolink_core::{Stack, middleware::RateLimit};
//!
//! let stack = Stack::builder().with(RateLimit::fixed_window(100, Duration::from_secs(60))).build()?;
//! # Ok::<(), neurolink_core::ConfigError>(())
//! ```

mod decision;
mod key;
mod rule;

pub(crate) use decision::{Charges, decide_together};
pub use key::{Key, KeyFn};
pub use rule::{RateLimit, RateLimitState};
