//! What each key has used of its limit, in bounded memory.
//!
//! An algorithm is the maths of one key: what it keeps, and whether one more passes.
//! [`Table`] and [`Logs`] are where keys are kept; a client cannot make them grow.
//! Times are whole milliseconds since the epoch.

use std::hash::{BuildHasher as _, RandomState};
use std::time::Duration;

mod address;
// Figures of a build without optimisation say nothing.
#[cfg(all(test, feature = "rate-limit", not(debug_assertions)))]
mod figures;
mod fixed_window;
#[cfg(feature = "rate-limit")]
mod gcra;
#[cfg(feature = "rate-limit")]
mod sliding_counter;
#[cfg(feature = "rate-limit")]
mod sliding_log;
mod table;

pub(crate) use address::address_keys;
#[cfg(feature = "rate-limit")]
pub(crate) use address::{Counted, MOST_SHARES, prefixed};
pub(crate) use fixed_window::FixedWindow;
#[cfg(feature = "rate-limit")]
pub(crate) use gcra::Gcra;
#[cfg(feature = "rate-limit")]
pub(crate) use sliding_counter::SlidingCounter;
#[cfg(feature = "rate-limit")]
pub(crate) use sliding_log::Logs;
pub(crate) use table::Table;

/// How long after the latest request of a key another may still ask, in milliseconds.
///
/// Requests know the time when they came: one that asks late must not look like a clock that has gone back.
const LATE: u64 = 60_000;

/// Counts requests by key.
pub(crate) trait Counters: Send + Sync {
    /// Takes one of `key`, which has `share` times the limit; a refused request is not counted.
    fn take(&self, key: &[u8], share: u32, now: Duration) -> Taken;

    /// Gives back what was taken, as far as it still counts.
    #[cfg(feature = "rate-limit")]
    fn give_back(&self, charge: Charge, now: Duration);

    /// Takes more for a request that has passed, even if there is nothing left.
    #[cfg(feature = "rate-limit")]
    fn charge_more(&self, charge: Charge, more: u32, now: Duration);
}

/// What taking one gave.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Taken {
    /// What was taken, if there was one left.
    pub(crate) charge: Option<Charge>,
    /// How many are left.
    pub(crate) remaining: u32,
    /// Since the epoch: when the window ends or all has come back; for a refused request, when the next one passes.
    pub(crate) resets: Duration,
}

/// One that was taken, and can be given back.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Charge {
    key: u128,
    stamp: Stamp,
    /// It was taken from what keys share when there is no room for their own.
    shared: bool,
}

/// Where in a key's state a charge is, as its algorithm knows it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Stamp {
    at: u64,
    /// A part of a millisecond.
    part: u32,
}

/// What an algorithm says of one request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Decision {
    /// It passes, and is charged there.
    charged: Option<Stamp>,
    remaining: u32,
    resets: u64,
}

impl Decision {
    fn taken(self, key: u128, shared: bool) -> Taken {
        Taken {
            charge: self.charged.map(|stamp| Charge { key, stamp, shared }),
            remaining: self.remaining,
            resets: Duration::from_millis(self.resets),
        }
    }
}

/// Hashes keys with secrets of this process, so that a client cannot aim at another's counter.
#[derive(Default)]
pub(crate) struct Hashers(RandomState, RandomState);

impl Hashers {
    /// Never zero.
    pub(crate) fn hash(&self, key: &[u8]) -> u128 {
        let (high, low) = (self.0.hash_one(key), self.1.hash_one(key));
        (u128::from(high) << 64 | u128::from(low)).max(1)
    }
}

/// Which of `shards` a key belongs to.
pub(crate) fn shard_of<T>(shards: &[T], key: u128) -> &T {
    // Reduced below the length, so it fits.
    &shards[usize::try_from(key as u64 % shards.len() as u64).unwrap_or(0)]
}

fn millis(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}
