use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use sha2::{Digest as _, Sha256};

use crate::AuthenticatedUser;

/// How long a token is remembered at most.
const LONGEST: Duration = Duration::from_secs(60);
/// Locks, so that cores do not wait for one another.
const SHARDS: usize = 16;

/// Tokens that were verified, by their SHA-256; bounded, and shared by all clones.
///
/// Only who holds a valid token gets into it, so that nobody can fill it with guesses.
#[derive(Clone)]
pub(super) struct Verified {
    shards: Arc<[Mutex<HashMap<Place, Entry>>; SHARDS]>,
    /// Entries of one shard.
    most: usize,
}

/// What a token is kept under.
pub(super) type Place = [u8; 32];

struct Entry {
    user: AuthenticatedUser,
    /// When it was verified: a clock that was put back asks again.
    since: Duration,
    until: Duration,
}

impl Verified {
    /// Remembers about so many.
    pub(super) fn new(most: usize) -> Self {
        Self { shards: Arc::default(), most: most.div_ceil(SHARDS) }
    }

    /// One of the same size that remembers nothing yet.
    pub(super) fn emptied(&self) -> Self {
        Self { shards: Arc::default(), most: self.most }
    }

    /// Where a token is kept; nowhere when nothing is.
    pub(super) fn place(&self, token: &str) -> Option<Place> {
        (self.most > 0).then(|| Sha256::digest(token).into())
    }

    pub(super) fn get(&self, place: &Place, now: Duration) -> Option<AuthenticatedUser> {
        let shard = self.shard(place).lock().unwrap_or_else(PoisonError::into_inner);
        let entry = shard.get(place)?;
        (entry.since <= now && now < entry.until).then(|| entry.user.clone())
    }

    pub(super) fn insert(&self, place: Place, user: &AuthenticatedUser, now: Duration) {
        let longest = now.saturating_add(LONGEST);
        let until = user.expires.map_or(longest, |expires| expires.min(longest));
        let entry = Entry { user: user.clone(), since: now, until };
        let mut shard = self.shard(&place).lock().unwrap_or_else(PoisonError::into_inner);
        if shard.len() >= self.most && !shard.contains_key(&place) {
            shard.retain(|_, entry| now < entry.until);
            // Whichever comes: the order of a hash map is not for a client to choose.
            if shard.len() >= self.most
                && let Some(some) = shard.keys().next().copied()
            {
                shard.remove(&some);
            }
        }
        shard.insert(place, entry);
    }

    fn shard(&self, place: &Place) -> &Mutex<HashMap<Place, Entry>> {
        &self.shards[usize::from(place[0]) % SHARDS]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Duration = Duration::from_secs(1_000);

    fn user(expires: Option<u64>) -> AuthenticatedUser {
        AuthenticatedUser { expires: expires.map(Duration::from_secs), ..AuthenticatedUser::new("u") }
    }

    fn at(seconds: u64) -> Duration {
        Duration::from_secs(seconds)
    }

    #[test]
    fn a_token_is_remembered_for_a_minute_and_not_beyond_its_end() {
        for (expires, last) in [(None, 1_059), (Some(1_030), 1_029), (Some(9_000), 1_059)] {
            let verified = Verified::new(8);
            let place = verified.place("token").expect("a place");
            verified.insert(place, &user(expires), NOW);
            assert!(verified.get(&place, at(last)).is_some(), "{expires:?}");
            assert!(verified.get(&place, at(last + 1)).is_none(), "{expires:?}");
            assert!(verified.get(&place, at(999)).is_none(), "a clock that was put back");
        }
    }

    #[test]
    fn it_is_bounded_whatever_comes() {
        let verified = Verified::new(32);
        for number in 0..1_000 {
            let place = verified.place(&format!("token {number}")).expect("a place");
            verified.insert(place, &user(None), NOW);
            assert!(verified.get(&place, NOW).is_some(), "the newest is there");
        }
        let kept: usize = verified.shards.iter().map(|shard| shard.lock().expect("a lock").len()).sum();
        assert_eq!(kept, 32);
    }

    #[test]
    fn none_remembers_nothing() {
        assert!(Verified::new(0).place("token").is_none());
    }
}
