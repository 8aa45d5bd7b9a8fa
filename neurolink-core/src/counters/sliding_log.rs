use std::sync::{Mutex, OnceLock, PoisonError};
use std::time::Duration;

use indexmap::IndexMap;
use smallvec::SmallVec;

use super::{Charge, Counters, Decision, Hashers, LATE, MOST_SHARES, Stamp, Taken, millis, shard_of};

/// The least that is behind one lock, in times.
const SHARD: usize = 4096;
/// The most times of a key whose own limit is larger than that of all: with every share of it, they are behind one lock.
pub(crate) const LONGEST_OWN_LOG: u32 = 256;
const _: () = assert!(LONGEST_OWN_LOG as usize * MOST_SHARES <= SHARD);
/// How many logs are looked at to make room.
const SAMPLE: usize = 16;

/// At most a limit in any window, by the times of a key's requests.
///
/// It is exact, and what it keeps grows with the limit; so the capacity is counted in times and not in keys.
/// When it is used up, the log with the fewest times of a few makes room, but none that is at its limit; if all of
/// those are, new times go to a log that keys share.
pub(crate) struct Logs {
    limit: u32,
    window: u64,
    capacity: usize,
    hashers: Hashers,
    shards: OnceLock<Box<[Mutex<Shard>]>>,
}

struct Shard {
    logs: IndexMap<u128, Log>,
    /// The times of all logs together.
    held: usize,
    room: usize,
    /// Where the next search for room begins.
    hand: usize,
    /// Beside the room, and not longer than one full log.
    shared: Log,
}

/// The times of a key's requests that still count, oldest first.
#[derive(Clone, Default)]
struct Log {
    times: SmallVec<[u64; 2]>,
    limit: u32,
}

impl Log {
    /// Forgets what no longer counts.
    fn expire(&mut self, window: u64, now: u64) {
        if self.times.last().is_some_and(|last| *last > now.saturating_add(LATE)) {
            self.times.clear(); // the clock has gone back
        }
        let expired = self.times.iter().take_while(|time| time.saturating_add(window) <= now).count();
        self.times.drain(..expired);
        if self.times.spilled() && self.times.len() < self.times.capacity() / 4 {
            self.times.shrink_to_fit();
        }
    }

    fn most(&self) -> usize {
        usize::try_from(self.limit).unwrap_or(usize::MAX)
    }

    fn is_full(&self) -> bool {
        self.times.len() >= self.most()
    }

    /// Takes one, if there is one left of what has not expired.
    fn take(&mut self, window: u64, limit: u32, now: u64) -> Decision {
        self.limit = limit;
        if self.is_full() {
            // The newest `limit` are what counts: one more passes when the oldest of them has gone.
            let oldest = self.times.len() - usize::try_from(limit).unwrap_or(usize::MAX);
            let resets = self.times.get(oldest).map_or(now, |time| time.saturating_add(window));
            return Decision { charged: None, remaining: 0, resets };
        }
        // Times stay in order, even if one asks late.
        let at = self.times.last().map_or(now, |last| now.max(*last));
        self.times.push(at);
        let used = u32::try_from(self.times.len()).unwrap_or(u32::MAX);
        Decision {
            charged: Some(Stamp { at, part: 0 }),
            remaining: limit.saturating_sub(used),
            resets: at.saturating_add(window),
        }
    }

    fn give_back(&mut self, stamp: Stamp) {
        if let Some(index) = self.times.iter().rposition(|time| *time == stamp.at) {
            self.times.remove(index);
        }
    }

    /// Only the newest up to the limit decide anything, so no more are kept.
    fn charge_more(&mut self, more: usize, now: u64) {
        let limit = self.most();
        let at = self.times.last().map_or(now, |last| now.max(*last));
        let len = self.times.len().saturating_add(more.min(limit));
        self.times.drain(..len.saturating_sub(limit).min(self.times.len()));
        self.times.resize(len.min(limit), at);
    }
}

impl Shard {
    fn new(room: usize) -> Self {
        Self { logs: IndexMap::with_capacity(room), held: 0, room, hand: 0, shared: Log::default() }
    }

    /// The log of a key without what has expired, if there is one.
    fn log(&mut self, key: u128, window: u64, now: u64) -> Option<&mut Log> {
        let log = self.logs.get_mut(&key)?;
        let before = log.times.len();
        log.expire(window, now);
        self.held -= before - log.times.len();
        Some(log)
    }

    fn take(&mut self, key: u128, window: u64, limit: u32, now: u64) -> Taken {
        let full = self.log(key, window, now).is_some_and(|log| log.is_full());
        if !full && !self.has_room(1) && !self.make_room(key, 1, window, now) {
            self.shared.expire(window, now);
            return self.shared.take(window, limit, now).taken(key, true);
        }
        let decision = self.logs.entry(key).or_default().take(window, limit, now);
        self.held += usize::from(decision.charged.is_some());
        decision.taken(key, false)
    }

    /// Makes room for more times of `key`, or for some of them; not if all logs that are looked at are full.
    fn make_room(&mut self, key: u128, more: usize, window: u64, now: u64) -> bool {
        let mut lightest: Option<(usize, u128)> = None;
        for _ in 0..SAMPLE.min(self.logs.len()) {
            self.hand = if self.hand + 1 < self.logs.len() { self.hand + 1 } else { 0 };
            let Some((other, log)) = self.logs.get_index_mut(self.hand) else { break };
            let (other, before) = (*other, log.times.len());
            log.expire(window, now);
            self.held -= before - log.times.len();
            if log.times.is_empty() && other != key {
                self.logs.swap_remove_index(self.hand);
            } else if other != key && !log.is_full() && lightest.is_none_or(|(least, _)| log.times.len() < least) {
                lightest = Some((log.times.len(), other));
            }
            if self.has_room(more) {
                return true;
            }
        }
        let removed = lightest.and_then(|(_, other)| self.logs.swap_remove(&other));
        self.held -= removed.as_ref().map_or(0, |log| log.times.len());
        removed.is_some()
    }

    /// Takes more: other logs make room for it, as far as they are not at their limit.
    fn charge_more(&mut self, charge: Charge, more: usize, window: u64, now: u64) {
        if charge.shared {
            return self.shared.charge_more(more, now);
        }
        let left = self.log(charge.key, window, now).map_or(0, |log| log.most().saturating_sub(log.times.len()));
        let wanted = more.min(left);
        while !self.has_room(wanted) && self.make_room(charge.key, wanted, window, now) {}
        let more = if self.has_room(wanted) { more } else { self.room.saturating_sub(self.held) };
        self.in_log(charge, |log| log.charge_more(more, now));
    }

    const fn has_room(&self, more: usize) -> bool {
        self.held.saturating_add(more) <= self.room
    }

    /// What a charge was taken from, if it is still there.
    fn in_log(&mut self, charge: Charge, act: impl FnOnce(&mut Log)) {
        if charge.shared {
            act(&mut self.shared);
        } else if let Some(log) = self.logs.get_mut(&charge.key) {
            let before = log.times.len();
            act(log);
            let after = log.times.len();
            self.held = self.held + after - before;
            if after == 0 {
                self.logs.swap_remove(&charge.key); // no log is kept for nothing
            }
        }
    }
}

impl Logs {
    /// Room for about `capacity` times.
    pub(crate) fn new(capacity: usize, limit: u32, window: Duration) -> Self {
        let window = millis(window).max(1);
        Self { limit: limit.max(1), window, capacity, hashers: Hashers::default(), shards: OnceLock::new() }
    }

    fn shards(&self) -> &[Mutex<Shard>] {
        self.shards.get_or_init(|| {
            let limit = usize::try_from(self.limit).unwrap_or(usize::MAX);
            let room = limit.saturating_mul(MOST_SHARES).max(SHARD).min(self.capacity.max(1));
            let shards = self.capacity / room;
            std::iter::repeat_with(|| Mutex::new(Shard::new(room))).take(shards.max(1)).collect()
        })
    }

    fn in_shard<T>(&self, key: u128, act: impl FnOnce(&mut Shard) -> T) -> T {
        act(&mut shard_of(self.shards(), key).lock().unwrap_or_else(PoisonError::into_inner))
    }
}

impl Counters for Logs {
    fn take(&self, key: &[u8], share: u32, now: Duration) -> Taken {
        self.take_of(self.limit, key, share, now)
    }

    fn take_of(&self, limit: u32, key: &[u8], share: u32, now: Duration) -> Taken {
        let key = self.hashers.hash(key);
        let limit = limit.max(1).saturating_mul(share);
        self.in_shard(key, |shard| shard.take(key, self.window, limit, millis(now)))
    }

    fn look(&self, key: &[u8], share: u32, now: Duration) -> Taken {
        let (key, now, limit) = (self.hashers.hash(key), millis(now), self.limit.saturating_mul(share));
        let mut log = self.in_shard(key, |shard| shard.logs.get(&key).cloned().unwrap_or_default());
        log.expire(self.window, now);
        log.take(self.window, limit, now).taken(key, false)
    }

    fn charge(&self, key: &[u8], share: u32, more: u32, now: Duration) {
        match self.take(key, share, now).charge {
            Some(shared) if shared.shared => self.give_back(shared, now),
            Some(one) => self.charge_more(one, more.saturating_sub(1), now),
            None => {
                let own = Charge { key: self.hashers.hash(key), stamp: Stamp::default(), shared: false };
                self.charge_more(own, more, now);
            }
        }
    }

    fn give_back(&self, charge: Charge, _now: Duration) {
        self.in_shard(charge.key, |shard| shard.in_log(charge, |log| log.give_back(charge.stamp)));
    }

    fn charge_more(&self, charge: Charge, more: u32, now: Duration) {
        let more = usize::try_from(more).unwrap_or(usize::MAX);
        self.in_shard(charge.key, |shard| shard.charge_more(charge, more, self.window, millis(now)));
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const MINUTE: Duration = Duration::from_secs(60);
    const START: Duration = Duration::from_secs(1_700_000_000);

    fn passing(logs: &Logs, key: &[u8], now: Duration) -> usize {
        (0..1000).take_while(|_| logs.take(key, 1, now).charge.is_some()).count()
    }

    // Shows S0-21.
    #[test]
    fn a_hundred_come_again_when_the_window_has_passed_and_not_before() {
        let logs = Logs::new(1000, 100, MINUTE);
        assert_eq!(passing(&logs, b"a", START), 100);
        assert_eq!(passing(&logs, b"a", START + Duration::from_millis(59_900)), 0);
        assert_eq!(passing(&logs, b"a", START + Duration::from_millis(60_100)), 100);
    }

    // Shows S0-21.
    #[test]
    fn no_double_burst_passes_at_an_edge() {
        let logs = Logs::new(1000, 10, MINUTE);
        assert!(logs.take(b"a", 1, START).charge.is_some());
        assert_eq!(passing(&logs, b"a", START + Duration::from_secs(59)), 9);
        assert_eq!(passing(&logs, b"a", START + MINUTE), 1);
        let refused = logs.take(b"a", 1, START + MINUTE);
        assert_eq!((refused.remaining, refused.resets), (0, START + Duration::from_secs(119)));
    }

    #[test]
    fn what_is_given_back_can_be_taken_again() {
        let logs = Logs::new(1000, 2, MINUTE);
        let first = logs.take(b"a", 1, START).charge.expect("one");
        logs.take(b"a", 1, START + Duration::from_secs(30));
        logs.give_back(first, START);
        assert_eq!(passing(&logs, b"a", START + Duration::from_secs(30)), 1);
        assert_eq!(logs.take(b"a", 1, START + Duration::from_secs(31)).resets, START + Duration::from_secs(90));
    }

    #[test]
    fn what_more_costs_counts_as_long_as_any_other() {
        let logs = Logs::new(1000, 3, MINUTE);
        let charge = logs.take(b"a", 1, START).charge.expect("one");
        logs.charge_more(charge, 50, START + Duration::from_secs(10));
        assert_eq!(logs.take(b"a", 1, START + MINUTE).resets, START + Duration::from_secs(70));
        assert_eq!(passing(&logs, b"a", START + Duration::from_secs(70)), 3);
    }

    #[test]
    fn what_more_costs_finds_room_when_the_logs_of_others_can_make_it() {
        let logs = Logs::new(40, 10, MINUTE);
        for key in 0..38_u8 {
            assert!(logs.take(&[key], 1, START).charge.is_some());
        }
        let charge = logs.take(b"costly", 1, START).charge.expect("one");
        logs.charge_more(charge, 9, START);
        assert_eq!(logs.take(b"costly", 1, START).charge, None, "all ten are charged");
        let shard = logs.shards()[0].lock().expect("not poisoned");
        assert!(
            shard.held <= shard.room && shard.held == shard.logs.values().map(|log| log.times.len()).sum::<usize>()
        );
    }

    #[test]
    fn what_more_costs_takes_what_is_left_when_all_others_are_at_their_limit() {
        let logs = Logs::new(25, 10, MINUTE);
        assert_eq!(passing(&logs, b"a", START) + passing(&logs, b"b", START), 20);
        let charge = logs.take(b"costly", 1, START).charge.expect("one");
        logs.charge_more(charge, 9, START);
        let shard = logs.shards()[0].lock().expect("not poisoned");
        assert_eq!((shard.held, shard.room), (25, 25));
    }

    #[test]
    fn a_key_with_the_largest_share_has_room_for_all_of_it() {
        let logs = Logs::new(10_000, 100, MINUTE);
        let most = 100 * MOST_SHARES;
        let passed = (0..most + 10).filter(|_| logs.take(b"48", 16, START).charge.is_some()).count();
        assert_eq!(passed, most);
    }

    #[test]
    fn a_request_that_asks_late_keeps_the_order_and_a_clock_may_go_back() {
        let logs = Logs::new(1000, 2, MINUTE);
        logs.take(b"a", 1, START);
        let late = logs.take(b"a", 1, START - Duration::from_secs(30));
        assert_eq!((late.charge.is_some(), late.resets), (true, START + MINUTE));
        assert_eq!(passing(&logs, b"a", START - Duration::from_secs(30)), 0);
        assert_eq!(passing(&logs, b"a", START - Duration::from_secs(3600)), 2);
    }

    #[test]
    fn memory_does_not_grow_with_keys_of_logs_and_a_refused_key_stays_refused() {
        let logs = Logs::new(10_000, 100, MINUTE);
        assert_eq!(passing(&logs, b"greedy", START), 100);
        for key in 0..100_000_u32 {
            logs.take(&key.to_be_bytes(), 1, START);
        }
        assert_eq!(logs.take(b"greedy", 1, START).charge, None);
        for shard in logs.shards() {
            let shard = shard.lock().expect("not poisoned");
            assert_eq!(shard.held, shard.logs.values().map(|log| log.times.len()).sum::<usize>());
            assert!(shard.held <= shard.room && shard.logs.len() <= shard.room);
        }
        assert!(logs.shards().iter().map(|shard| shard.lock().expect("not poisoned").room).sum::<usize>() <= 10_000);
    }

    #[test]
    fn a_shard_full_of_refused_keys_gives_new_ones_a_shared_log_until_one_ends() {
        let logs = Logs::new(80, 10, MINUTE);
        for key in 0..8_u8 {
            assert_eq!(passing(&logs, &[key], START), 10);
        }
        assert_eq!(passing(&logs, b"new", START) + passing(&logs, b"newer", START), 10);
        let shard = logs.shards()[0].lock().expect("not poisoned");
        assert_eq!((shard.held, shard.logs.len()), (80, 8));
        drop(shard);
        assert_eq!(passing(&logs, b"new", START + MINUTE), 10);
    }

    #[test]
    fn a_key_that_got_everything_back_takes_no_room() {
        let logs = Logs::new(1000, 10, MINUTE);
        for key in 0..100_u8 {
            let charge = logs.take(&[key], 1, START).charge.expect("one");
            logs.give_back(charge, START);
        }
        let shard = logs.shards()[0].lock().expect("not poisoned");
        assert_eq!((shard.held, shard.logs.len()), (0, 0));
    }

    #[test]
    fn a_log_that_has_emptied_does_not_keep_its_memory() {
        let logs = Logs::new(10_000, 1000, MINUTE);
        assert_eq!(passing(&logs, b"a", START), 1000);
        logs.take(b"a", 1, START + MINUTE);
        let shard = logs.shards()[0].lock().expect("not poisoned");
        assert_eq!((shard.held, shard.logs[0].times.spilled()), (1, false));
        assert!(size_of::<(usize, u128, Log)>() <= 64, "what the map keeps of a key");
    }

    proptest! {
        // Shows S0-21, O-D19.
        #[test]
        fn never_more_than_the_limit_in_any_window_and_waiting_is_enough_and_no_longer(
            limit in 1_u32..8,
            window in 1_u64..500,
            steps in proptest::collection::vec((0_u64..100, 0_u32..4), 1..100),
        ) {
            let (mut log, mut now, mut passed) = (Log::default(), 1_000_000, Vec::new());
            for (step, act) in steps {
                now += step;
                log.expire(window, now);
                let decision = log.take(window, limit, now);
                let Some(stamp) = decision.charged else {
                    let passes = |at| {
                        let mut log = log.clone();
                        log.expire(window, at);
                        log.take(window, limit, at).charged.is_some()
                    };
                    prop_assert!(passes(decision.resets) && !passes(decision.resets - 1));
                    continue;
                };
                match act {
                    0 => log.give_back(stamp),
                    1 => {
                        log.charge_more(2, now);
                        passed.extend([now; 3]);
                    }
                    _ => passed.push(now),
                }
                let counting = passed.iter().filter(|time| *time + window > now).count();
                let most = limit as usize + if act == 1 { 2 } else { 0 };
                prop_assert!(counting <= most);
                prop_assert_eq!(log.times.len(), counting.min(limit as usize));
                prop_assert!(decision.remaining < limit);
            }
        }
    }
}
