//! What each key has used of its limit, in bounded memory.
//!
//! An algorithm is the maths of one key: what it keeps, and whether one more passes.
//! [`Table`] and [`Logs`] are where keys are kept; a client cannot make them grow.
//! Times are whole milliseconds since the epoch.

mod address;
mod counter;
#[cfg(any(feature = "api-key", feature = "basic", feature = "bearer"))]
mod failures;
// Figures of a build without optimisation say nothing.
#[cfg(all(test, feature = "rate-limit", not(debug_assertions)))]
mod figures;
mod fixed_window;
#[cfg(feature = "rate-limit")]
mod gcra;
mod hash;
#[cfg(feature = "rate-limit")]
mod sliding_counter;
#[cfg(feature = "rate-limit")]
mod sliding_log;
mod table;
mod time;

pub(crate) use address::address_keys;
#[cfg(feature = "rate-limit")]
pub(crate) use address::{Counted, MOST_SHARES, caller, prefixed};
#[cfg(feature = "rate-limit")]
pub(crate) use counter::Charge;
pub(crate) use counter::{Counters, Taken};
#[cfg(any(feature = "api-key", feature = "basic", feature = "bearer"))]
pub(crate) use failures::FailureWindow;
pub(crate) use fixed_window::FixedWindow;
#[cfg(feature = "rate-limit")]
pub(crate) use gcra::Gcra;
pub(crate) use hash::{Hashers, shard_of};
#[cfg(feature = "rate-limit")]
pub(crate) use sliding_counter::SlidingCounter;
#[cfg(feature = "rate-limit")]
pub(crate) use sliding_log::{LONGEST_OWN_LOG, Logs};
pub(crate) use table::Table;

use counter::{Decision, Stamp};
#[cfg(feature = "rate-limit")]
use time::LATE;
use time::{goes_on, millis};
