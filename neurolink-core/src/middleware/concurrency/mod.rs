//! How many requests may be at work at one time: those of one caller, or all.
//!
//! A request holds its place until its answer is made, a streamed one until its end, and gives it back when its client
//! goes away.
//!
//! ```
//! use std::time::Duration;
//! use neurolink_core::{Stack, middleware::{ConcurrencyLimit, Key}};
//!
//! let stack = Stack::builder()
//!     .with(ConcurrencyLimit::by(Key::Address, 10))
//!     .with(ConcurrencyLimit::all(500).queue(200, Duration::from_secs(1)))
//!     .build()?;
//! # Ok::<(), neurolink_core::ConfigError>(())
//! ```

mod gate;
mod gates;
mod limit;

#[cfg(feature = "basic")]
pub(crate) use gates::Gates;
pub use limit::ConcurrencyLimit;
