//! Counters of fixed windows in bounded memory: a set-associative table with keyed hashes.

use std::hash::{BuildHasher as _, RandomState};
use std::sync::{Mutex, OnceLock, PoisonError};
use std::time::Duration;

mod address;

pub(crate) use address::address_keys;
#[cfg(feature = "rate-limit")]
pub(crate) use address::{Counted, prefixed};

/// How long after its beginning a request may still take from its window, in milliseconds.
///
/// Requests know the time when they came: one that asks late must not look like a clock that has gone back.
const LATE: u64 = 60_000;

/// Counters that a set holds.
const WAYS: usize = 8;
/// Sets behind one lock.
const SETS_PER_SHARD: usize = 32;

/// Counts requests by key; memory is fixed at the first use.
///
/// Keys are hashed with secrets of this process, so a client cannot aim at another's counter.
/// In a full set the counter with the least count that is not at its limit makes room;
/// if all are at their limit, new keys share the set's overflow counter.
pub(crate) struct Counters {
    capacity: usize,
    hashers: (RandomState, RandomState),
    shards: OnceLock<Box<[Mutex<Shard>]>>,
}

struct Shard {
    sets: Box<[Set]>,
}

#[derive(Clone, Copy, Default)]
struct Set {
    ways: [Counter; WAYS],
    overflow: Counter,
}

#[derive(Clone, Copy, Default)]
struct Counter {
    /// Zero is free.
    key: u128,
    /// When the window ends, in milliseconds since the epoch.
    ends: u64,
    count: u32,
    limit: u32,
}

/// What taking one from a window gave.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Taken {
    /// What was taken, if there was one left.
    pub(crate) charge: Option<Charge>,
    /// How many are left.
    pub(crate) remaining: u32,
    /// When the window ends, since the epoch.
    pub(crate) resets: Duration,
}

/// One that was taken from a window, and can be given back to it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Charge {
    key: u128,
    ends: u64,
    /// It was taken from the overflow counter of its set.
    shared: bool,
}

impl Counters {
    /// Room for about `capacity` keys.
    pub(crate) fn new(capacity: usize) -> Self {
        Self { capacity, hashers: (RandomState::new(), RandomState::new()), shards: OnceLock::new() }
    }

    fn shards(&self) -> &[Mutex<Shard>] {
        self.shards.get_or_init(|| {
            let shards = self.capacity.div_ceil(WAYS * SETS_PER_SHARD).max(1);
            let shard = || Mutex::new(Shard { sets: vec![Set::default(); SETS_PER_SHARD].into() });
            std::iter::repeat_with(shard).take(shards).collect()
        })
    }

    /// Takes one from the window of `key`, if there is one left; a refused request is not counted.
    pub(crate) fn take(&self, key: &[u8], limit: u32, window: Duration, now: Duration) -> Taken {
        let (high, low) = (self.hashers.0.hash_one(key), self.hashers.1.hash_one(key));
        let key = (u128::from(high) << 64 | u128::from(low)).max(1);
        let (now, window) = (millis(now), millis(window).max(1));
        self.in_set(key, |set| {
            let (counter, shared) = set.counter(key, now);
            if counter.ends <= now || counter.ends > now.saturating_add(window).saturating_add(LATE) {
                // A new window; one that ends too late was begun by a clock that has since gone back.
                (counter.ends, counter.count) = (now.saturating_add(window), 0);
            }
            counter.limit = limit;
            let charge = (counter.count < limit).then(|| {
                counter.count += 1;
                Charge { key, ends: counter.ends, shared }
            });
            let (remaining, resets) = (limit.saturating_sub(counter.count), Duration::from_millis(counter.ends));
            Taken { charge, remaining, resets }
        })
    }

    /// Gives back what was taken, if its window is still there.
    pub(crate) fn give_back(&self, charge: Charge) {
        self.in_set(charge.key, |set| {
            let counter = match charge.shared {
                true => Some(&mut set.overflow),
                false => set.ways.iter_mut().find(|way| way.key == charge.key),
            };
            if let Some(counter) = counter.filter(|counter| counter.ends == charge.ends) {
                counter.count = counter.count.saturating_sub(1);
            }
        });
    }

    fn in_set<T>(&self, key: u128, act: impl FnOnce(&mut Set) -> T) -> T {
        let shards = self.shards();
        // Reduced below the lengths, so they fit.
        let place = usize::try_from(key as u64 % shards.len() as u64).unwrap_or(0);
        let set = usize::try_from((key >> 64) as u64 % SETS_PER_SHARD as u64).unwrap_or(0);
        let mut shard = shards[place].lock().unwrap_or_else(PoisonError::into_inner);
        act(&mut shard.sets[set])
    }
}

impl Set {
    /// The counter of a key, and whether it is the one that the set shares.
    fn counter(&mut self, key: u128, now: u64) -> (&mut Counter, bool) {
        let own = self.ways.iter().position(|way| way.key == key);
        let free = || self.ways.iter().position(|way| way.key == 0 || way.ends <= now);
        let weakest = || {
            let below = self.ways.iter().enumerate().filter(|(_, way)| way.count < way.limit);
            below.min_by_key(|(_, way)| way.count).map(|(index, _)| index)
        };
        if let Some(index) = own {
            return (&mut self.ways[index], false);
        }
        match free().or_else(weakest) {
            Some(index) => {
                self.ways[index] = Counter { key, ..Counter::default() };
                (&mut self.ways[index], false)
            }
            None => (&mut self.overflow, true),
        }
    }
}

fn millis(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const MINUTE: Duration = Duration::from_secs(60);
    const START: Duration = Duration::from_secs(1_700_000_000);

    #[test]
    fn the_limit_is_exact_and_waiting_helps() {
        let counters = Counters::new(1000);
        for left in [2, 1, 0] {
            let taken = counters.take(b"a", 3, MINUTE, START);
            assert_eq!((taken.charge.is_some(), taken.remaining, taken.resets), (true, left, START + MINUTE));
        }
        let refused = counters.take(b"a", 3, MINUTE, START + Duration::from_secs(59));
        assert_eq!((refused.charge, refused.remaining), (None, 0));
        assert!(counters.take(b"a", 3, MINUTE, refused.resets).charge.is_some());
        assert!(counters.take(b"b", 3, MINUTE, START).charge.is_some());
    }

    #[test]
    fn memory_does_not_grow_with_keys_and_a_refused_key_stays_refused() {
        let counters = Counters::new(1000);
        for _ in 0..5 {
            counters.take(b"greedy", 2, MINUTE, START);
        }
        for key in 0..1_000_000_u32 {
            counters.take(&key.to_be_bytes(), 2, MINUTE, START);
        }
        assert_eq!(counters.shards().len() * SETS_PER_SHARD * WAYS, 1024);
        assert_eq!(counters.take(b"greedy", 2, MINUTE, START).charge, None);
    }

    #[test]
    fn a_set_full_of_refused_keys_gives_new_ones_a_shared_counter() {
        let mut set = Set::default();
        for key in 1..=WAYS as u128 {
            *set.counter(key, 0).0 = Counter { key, ends: 10, count: 1, limit: 1 };
        }
        assert!(set.counter(99, 0).1);
        assert!(!set.counter(99, 10).1, "an ended window makes room");
    }

    #[test]
    fn what_is_given_back_can_be_taken_again_in_its_own_window_only() {
        let counters = Counters::new(1000);
        let charge = counters.take(b"a", 1, MINUTE, START).charge.expect("one");
        counters.give_back(charge);
        assert!(counters.take(b"a", 1, MINUTE, START).charge.is_some());
        let next = counters.take(b"a", 1, MINUTE, START + MINUTE);
        assert!(next.charge.is_some());
        counters.give_back(charge);
        assert_eq!(counters.take(b"a", 1, MINUTE, START + MINUTE).charge, None, "another window's");
    }

    #[test]
    fn a_request_that_asks_late_does_not_begin_the_window_again() {
        let counters = Counters::new(1000);
        assert!(counters.take(b"a", 1, MINUTE, START).charge.is_some());
        let earlier = START - Duration::from_secs(30);
        assert_eq!(counters.take(b"a", 1, MINUTE, earlier).charge, None);
        let hour_ago = START - Duration::from_secs(3600);
        assert!(counters.take(b"a", 1, MINUTE, hour_ago).charge.is_some(), "the clock has gone back");
    }

    proptest! {
        #[test]
        fn never_more_than_the_limit_in_a_window_and_remaining_only_falls(
            limit in 1_u32..10,
            steps in proptest::collection::vec(0_u64..20_000, 1..60),
        ) {
            let counters = Counters::new(100);
            let (mut now, mut in_window, mut window, mut last) = (START, 0, Duration::ZERO, limit);
            for step in steps {
                now += Duration::from_millis(step);
                let taken = counters.take(b"k", limit, MINUTE, now);
                if taken.resets != window {
                    prop_assert!(now >= window);
                    (window, in_window, last) = (taken.resets, 0, limit);
                }
                in_window += u32::from(taken.charge.is_some());
                prop_assert!(in_window <= limit);
                prop_assert!(taken.remaining <= last);
                last = taken.remaining;
            }
        }
    }
}
