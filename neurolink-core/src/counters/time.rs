//! Whole milliseconds since the epoch, and how far requests may lag behind them.

use std::time::Duration;

/// How long after the latest request of a key another may still ask, in milliseconds.
///
/// Requests know the time when they came: one that asks late must not look like a clock that has gone back.
pub(super) const LATE: u64 = 60_000;

/// Whether a window that ends there goes on; one that ends too late was begun by a clock that has since gone back.
pub(super) const fn goes_on(ends: u64, window: u64, now: u64) -> bool {
    ends > now && ends <= now.saturating_add(window).saturating_add(LATE)
}

pub(super) fn millis(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}
