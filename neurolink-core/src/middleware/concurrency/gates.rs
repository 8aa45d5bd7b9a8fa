use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use super::gate::{Gate, Place};
use crate::counters::{Hashers, shard_of};

/// Locks, so that callers do not wait for one another.
const SHARDS: usize = 64;

/// A gate for each key that has a request inside or waiting; it holds no others, so a client cannot make it grow.
pub(crate) struct Gates {
    most: u32,
    queue: u32,
    hashers: Hashers,
    shards: [Mutex<HashMap<u128, Used>>; SHARDS],
}

/// A gate, and how many are inside of it or wait.
struct Used {
    gate: Arc<Gate>,
    users: usize,
}

/// Somebody uses the gate of a key; who leaves as the last one takes it away.
pub(super) struct Entry {
    gates: Arc<Gates>,
    gate: Arc<Gate>,
    key: u128,
}

impl Gates {
    pub(crate) fn new(most: u32, queue: u32) -> Self {
        let shards = std::array::from_fn(|_| Mutex::default());
        Self { most, queue, hashers: Hashers::default(), shards }
    }

    /// A place at the gate of a key, which has `share` times the limit.
    pub(crate) async fn enter(self: &Arc<Self>, key: &[u8], share: u32, wait: Duration) -> Option<Place> {
        let entry = self.entry(self.hashers.hash(key), share);
        let place = entry.gate.enter(wait).await?;
        Some(place.at(entry))
    }

    fn entry(self: &Arc<Self>, key: u128, share: u32) -> Entry {
        let mut shard = shard_of(&self.shards, key).lock().unwrap_or_else(PoisonError::into_inner);
        let used = shard.entry(key).or_insert_with(|| {
            let times = |number: u32| number.saturating_mul(share);
            Used { gate: Arc::new(Gate::new(times(self.most), times(self.queue))), users: 0 }
        });
        used.users += 1;
        Entry { gates: Arc::clone(self), gate: Arc::clone(&used.gate), key }
    }
}

impl Drop for Entry {
    fn drop(&mut self) {
        let mut shard = shard_of(&self.gates.shards, self.key).lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(used) = shard.get_mut(&self.key) {
            used.users -= 1;
            if used.users == 0 {
                shard.remove(&self.key);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn gates(gates: &Gates) -> usize {
        gates.shards.iter().map(|shard| shard.lock().expect("not poisoned").len()).sum()
    }

    #[tokio::test]
    async fn keys_are_counted_apart_and_nothing_is_kept_of_one_that_has_left() {
        let all = Arc::new(Gates::new(1, 0));
        let first = all.enter(b"a", 1, Duration::ZERO).await.expect("a place");
        assert!(all.enter(b"a", 1, Duration::ZERO).await.is_none());
        let other = all.enter(b"b", 1, Duration::ZERO).await.expect("a place");
        assert_eq!(gates(&all), 2);
        drop((first, other));
        assert_eq!(gates(&all), 0);
        assert!(all.enter(b"a", 1, Duration::ZERO).await.is_some());
    }

    #[tokio::test(start_paused = true)]
    async fn a_gate_stays_as_long_as_somebody_waits_at_it() {
        let all = Arc::new(Gates::new(1, 1));
        let inside = all.enter(b"a", 1, Duration::ZERO).await.expect("a place");
        let waiting = tokio::spawn({
            let all = Arc::clone(&all);
            async move { all.enter(b"a", 1, Duration::from_secs(9)).await }
        });
        tokio::task::yield_now().await;
        drop(inside);
        let place = waiting.await.expect("no panic").expect("a place");
        assert!(all.enter(b"a", 1, Duration::ZERO).await.is_none(), "it is the same gate");
        drop(place);
        assert_eq!(gates(&all), 0);
    }

    #[test]
    fn nothing_is_kept_of_keys_whose_requests_end_at_one_time() {
        let all = Arc::new(Gates::new(8, 0));
        std::thread::scope(|scope| {
            for _ in 0..8 {
                scope.spawn(|| {
                    for key in 0..2000_u32 {
                        use futures_util::FutureExt as _;
                        drop(all.enter(&(key / 4).to_be_bytes(), 1, Duration::ZERO).now_or_never());
                    }
                });
            }
        });
        assert_eq!(gates(&all), 0);
    }

    #[tokio::test]
    async fn a_share_is_so_many_times_the_limit() {
        let all = Arc::new(Gates::new(2, 0));
        let mut places = Vec::new();
        while let Some(place) = all.enter(b"48", 16, Duration::ZERO).await {
            places.push(place);
        }
        assert_eq!(places.len(), 32);
    }
}
