use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use crate::counters::{Counters, FixedWindow, Gcra, LONGEST_OWN_LOG, Logs, MOST_SHARES, SlidingCounter, Table};

/// How many pass in how long, by which algorithm.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub struct Quota {
    /// How many.
    pub limit: u32,
    /// In how long.
    pub window: Duration,
    /// How they are counted.
    pub algorithm: Algorithm,
}

/// How requests are counted; the constructors of [`RateLimit`](super::RateLimit) tell more of each.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Algorithm {
    /// In windows that begin with a key's first request.
    FixedWindow,
    /// By the time of each.
    SlidingLog,
    /// In windows of the clock, of which the previous one fades.
    SlidingCounter,
    /// In windows of the clock, of which the previous one fades; refused requests count as well.
    StrictCounter,
    /// At a steady rate.
    LeakyBucket {
        /// How many more may come at once.
        burst: u32,
    },
    /// At a steady rate, the limit at once after a pause.
    Gcra,
}

impl Quota {
    /// So many in so long, by this algorithm.
    #[must_use]
    pub const fn new(limit: u32, window: Duration, algorithm: Algorithm) -> Self {
        Self { limit, window, algorithm }
    }

    /// What counts it, with room for `capacity` keys, or times of a log.
    pub(super) fn counters(&self, capacity: usize) -> Arc<dyn Counters> {
        let (limit, window) = (self.limit, self.window);
        match self.algorithm {
            Algorithm::FixedWindow => Arc::new(Table::new(capacity, FixedWindow::new(limit, window))),
            Algorithm::SlidingLog => Arc::new(Logs::new(capacity, limit, window)),
            Algorithm::SlidingCounter => Arc::new(Table::new(capacity, SlidingCounter::new(limit, window))),
            Algorithm::StrictCounter => Arc::new(Table::new(capacity, SlidingCounter::strict(limit, window))),
            Algorithm::LeakyBucket { .. } | Algorithm::Gcra => Arc::new(Table::new(capacity, self.bucket())),
        }
    }

    fn bucket(&self) -> Gcra {
        match self.algorithm {
            Algorithm::LeakyBucket { .. } => Gcra::new(self.limit, self.window, self.most()),
            _ => Gcra::whole(self.limit, self.window),
        }
    }

    /// Whether counters of this quota have room for a key with another limit.
    pub(super) fn has_room_for(&self, limit: u32) -> bool {
        self.algorithm != Algorithm::SlidingLog || limit <= self.limit.max(LONGEST_OWN_LOG)
    }

    /// How many may pass at once: the limit that is shown.
    #[must_use]
    pub const fn most(&self) -> u32 {
        match self.algorithm {
            Algorithm::LeakyBucket { burst } => burst.saturating_add(1),
            _ => self.limit,
        }
    }

    /// How long that many need to come back: the window that is shown.
    pub(super) fn shown_window(&self) -> Duration {
        match self.algorithm {
            Algorithm::LeakyBucket { .. } => self.window.saturating_mul(self.most()) / self.limit.max(1),
            _ => self.window,
        }
    }

    /// So many percent of it, but at least one.
    pub(in crate::middleware) fn percent(self, percent: u8) -> Self {
        let part = |number: u32| {
            let part = u64::from(number) * u64::from(percent) / 100;
            u32::try_from(part).unwrap_or(u32::MAX)
        };
        let algorithm = match self.algorithm {
            Algorithm::LeakyBucket { burst } => Algorithm::LeakyBucket { burst: part(burst) },
            other => other,
        };
        Self { limit: part(self.limit).max(1), algorithm, ..self }
    }

    pub(super) fn problems(&self, capacity: usize) -> Vec<String> {
        let mut problems = Vec::new();
        if self.limit == 0 {
            problems.push("a limit of 0 refuses everybody; give at least 1, or leave the limit out".into());
        }
        if self.window.is_zero() {
            problems.push("a window of no time limits nothing; give for example 60s".into());
        }
        if capacity == 0 {
            problems.push("a capacity of 0 keys counts nobody; give at least 1".into());
        }
        let limit = usize::try_from(self.limit).unwrap_or(usize::MAX);
        match self.algorithm {
            Algorithm::SlidingLog if capacity > 0 && limit.saturating_mul(MOST_SHARES) > capacity => {
                problems.push(format!(
                    "a sliding log of {limit} needs a capacity of at least {}, for the /48 of an IPv6 client has \
                     {MOST_SHARES} times the limit; raise it, or take a sliding counter",
                    limit.saturating_mul(MOST_SHARES)
                ));
            }
            Algorithm::LeakyBucket { .. } | Algorithm::Gcra if !self.bucket().can_count() => problems.push(
                "so many in so long are more than can be counted; give a smaller limit or a shorter window".into(),
            ),
            _ => {}
        }
        problems
    }
}

impl fmt::Display for Quota {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} in {:?}", self.limit, self.window)?;
        match self.algorithm {
            Algorithm::FixedWindow => Ok(()),
            Algorithm::SlidingLog => f.write_str(", sliding log,"),
            Algorithm::SlidingCounter => f.write_str(", sliding counter,"),
            Algorithm::StrictCounter => f.write_str(", strict counter,"),
            Algorithm::LeakyBucket { burst } => write!(f, ", leaky bucket with a burst of {burst},"),
            Algorithm::Gcra => f.write_str(", GCRA,"),
        }
    }
}
