use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use siphasher::sip128::{Hash128, SipHasher24};

/// How long a credential is remembered at most.
const LONGEST: Duration = Duration::from_secs(60);
/// Locks, so that cores do not wait for one another.
const SHARDS: usize = 16;

/// Credentials that were verified, and what is known of each; bounded, and shared by all clones.
///
/// A credential is known by a code under a secret of this process and not kept itself.
/// Only who holds a valid one gets into it, so that nobody can fill it with guesses.
pub(super) struct Verified<T> {
    shards: Arc<Shards<T>>,
    /// Entries of one shard.
    most: usize,
    coder: SipHasher24,
}

type Shards<T> = [Mutex<HashMap<Fingerprint, Entry<T>>>; SHARDS];

/// What a credential is kept under: SipHash-2-4 with 128 bits and a secret key, which nobody outside can compute.
pub(super) type Fingerprint = u128;

struct Entry<T> {
    known: Arc<T>,
    /// The keys that it was verified with.
    generation: u64,
    /// When it was verified: a clock that was put back asks again.
    since: Duration,
    until: Duration,
}

impl<T> Clone for Verified<T> {
    fn clone(&self) -> Self {
        Self { shards: Arc::clone(&self.shards), ..*self }
    }
}

impl<T> Verified<T> {
    /// Remembers about so many.
    ///
    /// # Panics
    /// The system has no random numbers.
    pub(super) fn new(most: usize) -> Self {
        let random = || getrandom::u64().expect("the system has random numbers");
        let coder = SipHasher24::new_with_keys(random(), random());
        Self { shards: Self::shards(), most: most.div_ceil(SHARDS), coder }
    }

    fn shards() -> Arc<Shards<T>> {
        Arc::new(std::array::from_fn(|_| Mutex::default()))
    }

    /// One of the same size that remembers nothing yet.
    #[cfg(feature = "bearer")]
    pub(super) fn emptied(&self) -> Self {
        Self { shards: Self::shards(), ..*self }
    }

    /// What a credential is kept under.
    pub(super) fn fingerprint(&self, credential: &[u8]) -> Fingerprint {
        let Hash128 { h1, h2 } = self.coder.hash(credential);
        Fingerprint::from(h1) << 64 | Fingerprint::from(h2)
    }

    /// Whether it remembers any.
    #[cfg(feature = "bearer")]
    pub(super) const fn keeps_any(&self) -> bool {
        self.most > 0
    }

    /// What is known of it, if it was verified with keys of this generation.
    pub(super) fn get(&self, fingerprint: Fingerprint, generation: u64, now: Duration) -> Option<Arc<T>> {
        let shard = self.shard(fingerprint).lock().unwrap_or_else(PoisonError::into_inner);
        let entry = shard.get(&fingerprint)?;
        let counts = entry.generation == generation && entry.since <= now && now < entry.until;
        counts.then(|| Arc::clone(&entry.known))
    }

    /// Remembers one that ends then by itself.
    pub(super) fn insert(
        &self,
        fingerprint: Fingerprint,
        known: &Arc<T>,
        expires: Option<Duration>,
        generation: u64,
        now: Duration,
    ) {
        let longest = now.saturating_add(LONGEST);
        let until = expires.map_or(longest, |expires| expires.min(longest));
        let entry = Entry { known: Arc::clone(known), generation, since: now, until };
        let mut shard = self.shard(fingerprint).lock().unwrap_or_else(PoisonError::into_inner);
        if shard.len() >= self.most && !shard.contains_key(&fingerprint) {
            shard.retain(|_, entry| now < entry.until);
            // Whichever comes: the order of a hash map is not for a client to choose.
            if shard.len() >= self.most
                && let Some(some) = shard.keys().next().copied()
            {
                shard.remove(&some);
            }
        }
        shard.insert(fingerprint, entry);
    }

    fn shard(&self, fingerprint: Fingerprint) -> &Mutex<HashMap<Fingerprint, Entry<T>>> {
        // Any bits do.
        &self.shards[fingerprint as usize % SHARDS]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Duration = Duration::from_secs(1_000);

    fn at(seconds: u64) -> Duration {
        Duration::from_secs(seconds)
    }

    #[test]
    fn a_token_is_remembered_for_a_minute_and_not_beyond_its_end() {
        for (expires, last) in [(None, 1_059), (Some(1_030), 1_029), (Some(9_000), 1_059)] {
            let verified = Verified::new(8);
            let fingerprint = verified.fingerprint(b"token");
            verified.insert(fingerprint, &Arc::new(()), expires.map(at), 0, NOW);
            assert!(verified.get(fingerprint, 0, at(last)).is_some(), "{expires:?}");
            assert!(verified.get(fingerprint, 0, at(last + 1)).is_none(), "{expires:?}");
            assert!(verified.get(fingerprint, 0, at(999)).is_none(), "a clock that was put back");
        }
    }

    #[test]
    fn what_other_keys_verified_does_not_count() {
        let verified = Verified::new(8);
        let fingerprint = verified.fingerprint(b"token");
        verified.insert(fingerprint, &Arc::new(()), None, 1, NOW);
        assert!(verified.get(fingerprint, 1, NOW).is_some());
        assert!(verified.get(fingerprint, 2, NOW).is_none());
    }

    #[test]
    fn it_is_bounded_whatever_comes() {
        let verified = Verified::new(32);
        for number in 0..1_000 {
            let fingerprint = verified.fingerprint(format!("token {number}").as_bytes());
            verified.insert(fingerprint, &Arc::new(()), None, 0, NOW);
            assert!(verified.get(fingerprint, 0, NOW).is_some(), "the newest is there");
        }
        let kept: usize = verified.shards.iter().map(|shard| shard.lock().expect("a lock").len()).sum();
        assert!((17..=32).contains(&kept), "{kept}");
    }

    #[test]
    fn a_fingerprint_is_of_one_token_and_of_one_process() {
        let (one, other) = (Verified::<()>::new(8), Verified::<()>::new(8));
        assert_eq!(one.fingerprint(b"token"), one.clone().fingerprint(b"token"));
        assert_ne!(one.fingerprint(b"token"), one.fingerprint(b"tokem"));
        assert_ne!(one.fingerprint(b"token"), other.fingerprint(b"token"));
    }

    #[cfg(feature = "bearer")]
    #[test]
    fn none_remembers_nothing() {
        assert!(!Verified::<()>::new(0).keeps_any() && Verified::<()>::new(1).keeps_any());
    }
}
