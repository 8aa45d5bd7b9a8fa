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
#[path = "sliding_log_tests.rs"]
mod tests;
