use std::sync::{Mutex, OnceLock, PoisonError};
use std::time::Duration;

#[cfg(feature = "rate-limit")]
use super::{Charge, Stamp};
use super::{Counters, Decision, Hashers, Taken, millis, shard_of};

/// Keys that a set holds.
const WAYS: usize = 8;
/// Sets behind one lock.
const SETS_PER_SHARD: usize = 32;

/// How a key is counted: pure maths on what is kept of it.
pub(crate) trait Algorithm: Send + Sync + Sized {
    /// What is kept of a key; its default is that of one that never called.
    type State: Copy + Default + Send;

    /// Takes one of `share` times the limit, if it passes.
    fn take(&self, state: &mut Self::State, share: u32, now: u64) -> Decision;

    /// The same maths with another limit.
    #[cfg(feature = "rate-limit")]
    fn with_limit(&self, limit: u32) -> Self;

    /// Gives back what was charged there, as far as it still counts.
    #[cfg(feature = "rate-limit")]
    fn give_back(&self, state: &mut Self::State, stamp: Stamp, now: u64);

    /// Takes more than there may be.
    #[cfg(feature = "rate-limit")]
    fn charge_more(&self, state: &mut Self::State, more: u32, now: u64);

    /// Nothing counts any more.
    fn is_over(&self, state: &Self::State, now: u64) -> bool;

    /// How much is lost when it makes room for another key; `None` while it is at its limit.
    fn weight(&self, state: &Self::State, now: u64) -> Option<u64>;
}

/// A set-associative table of keys, whose memory is bounded: a part of it is there from the first key that falls into it.
///
/// In a full set the key with the least weight makes room; if all are at their limit, new keys share what the set has
/// for them.
pub(crate) struct Table<A: Algorithm> {
    algorithm: A,
    capacity: usize,
    hashers: Hashers,
    shards: OnceLock<Box<[Shard<A::State>]>>,
}

/// Empty until a key falls into it.
type Shard<S> = Mutex<Box<[Set<S>]>>;

#[derive(Clone, Copy, Default)]
struct Set<S> {
    ways: [Way<S>; WAYS],
    shared: S,
}

#[derive(Clone, Copy, Default)]
struct Way<S> {
    /// Zero is free.
    key: u128,
    state: S,
}

impl<A: Algorithm> Table<A> {
    /// Room for about `capacity` keys.
    pub(crate) fn new(capacity: usize, algorithm: A) -> Self {
        Self { algorithm, capacity, hashers: Hashers::default(), shards: OnceLock::new() }
    }

    fn shards(&self) -> &[Shard<A::State>] {
        self.shards.get_or_init(|| {
            let shards = self.capacity.div_ceil(WAYS * SETS_PER_SHARD).max(1);
            std::iter::repeat_with(Mutex::default).take(shards).collect()
        })
    }

    fn in_set<T>(&self, key: u128, act: impl FnOnce(&mut Set<A::State>) -> T) -> T {
        let mut sets = shard_of(self.shards(), key).lock().unwrap_or_else(PoisonError::into_inner);
        if sets.is_empty() {
            *sets = vec![Set::default(); SETS_PER_SHARD].into();
        }
        // Reduced below the length, so it fits.
        let set = usize::try_from((key >> 64) as u64 % SETS_PER_SHARD as u64).unwrap_or(0);
        act(&mut sets[set])
    }

    /// What is said of the state of a key, of which a copy is given.
    #[cfg(feature = "rate-limit")]
    pub(super) fn look_at(
        &self,
        key: &[u8],
        now: Duration,
        say: impl FnOnce(&A, &mut A::State, u64) -> Decision,
    ) -> Taken {
        let (key, now) = (self.hashers.hash(key), millis(now));
        let state = self.shards.get().and_then(|_| self.in_set(key, |set| set.seen(&self.algorithm, key, now)));
        let (mut state, shared) = state.unwrap_or_default();
        say(&self.algorithm, &mut state, now).taken(key, shared)
    }

    /// Changes the state of a key, or the one that its set shares.
    #[cfg(feature = "rate-limit")]
    pub(super) fn act_on<T>(
        &self,
        key: &[u8],
        now: Duration,
        act: impl FnOnce(&A, &mut A::State, bool, u64) -> T,
    ) -> T {
        let (key, now) = (self.hashers.hash(key), millis(now));
        self.in_set(key, |set| {
            let (state, shared) = set.state(&self.algorithm, key, now);
            act(&self.algorithm, state, shared, now)
        })
    }

    /// Whether a key of its own place has nothing left.
    #[cfg(feature = "basic")]
    pub(crate) fn is_at_limit(&self, key: &[u8], now: Duration) -> bool {
        let (key, now) = (self.hashers.hash(key), millis(now));
        self.in_set(key, |set| {
            let own = set.ways.iter().find(|way| way.key == key);
            own.is_some_and(|way| {
                !self.algorithm.is_over(&way.state, now) && self.algorithm.weight(&way.state, now).is_none()
            })
        })
    }

    /// Takes one of a key that has taken none before, whatever it has; if it has a place of its own.
    #[cfg(feature = "basic")]
    pub(crate) fn restart(&self, key: &[u8], share: u32, now: Duration) {
        self.act_on(key, now, |algorithm, state, shared, now| {
            if !shared {
                *state = A::State::default();
                algorithm.take(state, share, now);
            }
        });
    }

    /// What a charge was taken from, if it is still there.
    #[cfg(feature = "rate-limit")]
    fn in_state(&self, charge: Charge, act: impl FnOnce(&mut A::State)) {
        self.in_set(charge.key, |set| {
            let state = match charge.shared {
                true => Some(&mut set.shared),
                false => set.ways.iter_mut().find(|way| way.key == charge.key).map(|way| &mut way.state),
            };
            if let Some(state) = state {
                act(state);
            }
        });
    }
}

impl<A: Algorithm> Counters for Table<A> {
    fn take(&self, key: &[u8], share: u32, now: Duration) -> Taken {
        let (key, now) = (self.hashers.hash(key), millis(now));
        self.in_set(key, |set| {
            let (state, shared) = set.state(&self.algorithm, key, now);
            self.algorithm.take(state, share, now).taken(key, shared)
        })
    }

    #[cfg(feature = "rate-limit")]
    fn take_of(&self, limit: u32, key: &[u8], share: u32, now: Duration) -> Taken {
        let (key, now, algorithm) = (self.hashers.hash(key), millis(now), self.algorithm.with_limit(limit));
        self.in_set(key, |set| {
            let (state, shared) = set.state(&self.algorithm, key, now);
            algorithm.take(state, share, now).taken(key, shared)
        })
    }

    #[cfg(feature = "rate-limit")]
    fn look(&self, key: &[u8], share: u32, now: Duration) -> Taken {
        self.look_at(key, now, |algorithm, state, now| algorithm.take(state, share, now))
    }

    #[cfg(feature = "rate-limit")]
    fn charge(&self, key: &[u8], share: u32, more: u32, now: Duration) {
        self.act_on(key, now, |algorithm, state, shared, now| {
            if !shared {
                let one = algorithm.take(state, share, now).charged;
                algorithm.charge_more(state, more.saturating_sub(u32::from(one.is_some())), now);
            }
        });
    }

    #[cfg(feature = "rate-limit")]
    fn give_back(&self, charge: Charge, now: Duration) {
        self.in_state(charge, |state| self.algorithm.give_back(state, charge.stamp, millis(now)));
    }

    #[cfg(feature = "rate-limit")]
    fn charge_more(&self, charge: Charge, more: u32, now: Duration) {
        self.in_state(charge, |state| self.algorithm.charge_more(state, more, millis(now)));
    }
}

impl<S: Copy + Default + Send> Set<S> {
    /// The state of a key as it is, and whether it is the shared one; nothing for one that would get a place.
    #[cfg(feature = "rate-limit")]
    fn seen<A: Algorithm<State = S>>(&self, algorithm: &A, key: u128, now: u64) -> Option<(S, bool)> {
        if let Some(way) = self.ways.iter().find(|way| way.key == key) {
            return Some((way.state, false));
        }
        let has_room = |way: &Way<S>| {
            way.key == 0 || algorithm.is_over(&way.state, now) || algorithm.weight(&way.state, now).is_some()
        };
        (!self.ways.iter().any(has_room)).then_some((self.shared, true))
    }

    /// The state of a key, and whether it is the one that the set shares.
    fn state<A: Algorithm<State = S>>(&mut self, algorithm: &A, key: u128, now: u64) -> (&mut S, bool) {
        let own = self.ways.iter().position(|way| way.key == key);
        let free = || self.ways.iter().position(|way| way.key == 0 || algorithm.is_over(&way.state, now));
        let lightest = || {
            let weights = self.ways.iter().enumerate();
            let below = weights.filter_map(|(index, way)| Some((algorithm.weight(&way.state, now)?, index)));
            below.min().map(|(_, index)| index)
        };
        if let Some(index) = own {
            return (&mut self.ways[index].state, false);
        }
        match free().or_else(lightest) {
            Some(index) => {
                self.ways[index] = Way { key, state: S::default() };
                (&mut self.ways[index].state, false)
            }
            None => (&mut self.shared, true),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::FixedWindow;
    use super::*;

    const MINUTE: Duration = Duration::from_secs(60);
    const START: Duration = Duration::from_secs(1_700_000_000);

    // Shows O-D18.
    #[test]
    fn memory_does_not_grow_with_keys_and_a_refused_key_stays_refused() {
        let counters = Table::new(1000, FixedWindow::new(2, MINUTE));
        for _ in 0..5 {
            counters.take(b"greedy", 1, START);
        }
        for key in 0..1_000_000_u32 {
            counters.take(&key.to_be_bytes(), 1, START);
        }
        assert_eq!(counters.shards().len() * SETS_PER_SHARD * WAYS, 1024);
        assert_eq!(counters.take(b"greedy", 1, START).charge, None);
    }

    #[test]
    fn a_few_keys_take_the_memory_of_a_few() {
        let counters = Table::new(1_000_000, FixedWindow::new(2, MINUTE));
        for key in 0..5_u8 {
            counters.take(&[key], 1, START);
        }
        let begun = counters.shards().iter().filter(|shard| !shard.lock().expect("not poisoned").is_empty());
        assert!((1..=5).contains(&begun.count()));
    }

    #[cfg(feature = "rate-limit")]
    #[test]
    fn a_key_takes_the_memory_that_is_documented() {
        use super::super::{Gcra, SlidingCounter};
        fn of<A: Algorithm>() -> usize {
            size_of::<Set<A::State>>() / WAYS
        }
        assert_eq!((of::<FixedWindow>(), of::<SlidingCounter>(), of::<Gcra>()), (34, 52, 52));
    }

    #[cfg(feature = "basic")]
    #[test]
    fn looking_tells_what_taking_would_and_takes_nothing() {
        let counters = Table::new(1000, FixedWindow::new(2, MINUTE));
        for _ in 0..3 {
            assert!(counters.look(b"a", 1, START).charge.is_some(), "nobody has taken one");
        }
        for left in [1, 0] {
            assert_eq!(counters.look(b"a", 1, START), counters.take(b"a", 1, START));
            assert_eq!(counters.look(b"a", 1, START).charge.is_some(), left > 0);
        }
        assert_eq!(counters.look(b"a", 1, START).resets, START + MINUTE);
        assert!(counters.look(b"a", 1, START + MINUTE).charge.is_some());
    }

    #[cfg(feature = "rate-limit")]
    #[test]
    fn a_key_that_has_taken_none_can_be_charged() {
        let counters = Table::new(1000, FixedWindow::new(5, MINUTE));
        counters.charge(b"a", 1, 3, START);
        assert_eq!(counters.look(b"a", 1, START).remaining, 1);
        counters.charge(b"a", 1, 30, START);
        assert_eq!(counters.take(b"a", 1, START).charge, None);
        assert!(counters.take(b"a", 1, START + MINUTE).charge.is_some());
    }

    #[test]
    fn a_set_full_of_refused_keys_gives_new_ones_a_shared_state() {
        let algorithm = FixedWindow::new(1, Duration::from_millis(10));
        let mut set = Set::default();
        for key in 1..=WAYS as u128 {
            algorithm.take(set.state(&algorithm, key, 0).0, 1, 0);
        }
        assert!(set.state(&algorithm, 99, 0).1);
        assert!(!set.state(&algorithm, 99, 10).1, "an ended window makes room");
    }
}
