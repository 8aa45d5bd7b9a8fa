//! What every way of counting does, and what it says.

use std::time::Duration;

/// Counts requests by key.
pub(crate) trait Counters: Send + Sync {
    /// Takes one of `key`, which has `share` times the limit; a refused request is not counted.
    fn take(&self, key: &[u8], share: u32, now: Duration) -> Taken;

    /// The same for a key that has a limit of its own.
    #[cfg(feature = "rate-limit")]
    fn take_of(&self, limit: u32, key: &[u8], share: u32, now: Duration) -> Taken;

    /// What taking one would give; nothing is taken, and a key that never called gets no place.
    #[cfg(feature = "rate-limit")]
    fn look(&self, key: &[u8], share: u32, now: Duration) -> Taken;

    /// Takes more of a key that may have taken none before, even if there is nothing left; if it has a place of its own.
    #[cfg(feature = "rate-limit")]
    fn charge(&self, key: &[u8], share: u32, more: u32, now: Duration);

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
    pub(super) key: u128,
    pub(super) stamp: Stamp,
    /// It was taken from what keys share when there is no room for their own.
    pub(super) shared: bool,
}

/// Where in a key's state a charge is, as its algorithm knows it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Stamp {
    pub(super) at: u64,
    /// A part of a millisecond.
    pub(super) part: u32,
}

/// What an algorithm says of one request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Decision {
    /// It passes, and is charged there.
    pub(super) charged: Option<Stamp>,
    pub(super) remaining: u32,
    pub(super) resets: u64,
}

impl Decision {
    pub(super) fn taken(self, key: u128, shared: bool) -> Taken {
        Taken {
            charge: self.charged.map(|stamp| Charge { key, stamp, shared }),
            remaining: self.remaining,
            resets: Duration::from_millis(self.resets),
        }
    }
}
