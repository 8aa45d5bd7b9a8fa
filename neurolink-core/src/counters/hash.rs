//! Where the state of a key is.

use std::hash::{BuildHasher as _, RandomState};

/// Hashes keys with secrets of this process, so that a client cannot aim at another's counter.
#[derive(Default)]
pub(crate) struct Hashers(RandomState, RandomState);

impl Hashers {
    /// Never zero.
    pub(crate) fn hash(&self, key: &[u8]) -> u128 {
        let (high, low) = (self.0.hash_one(key), self.1.hash_one(key));
        (u128::from(high) << 64 | u128::from(low)).max(1)
    }
}

/// Which of `shards` a key belongs to.
pub(crate) fn shard_of<T>(shards: &[T], key: u128) -> &T {
    // Reduced below the length, so it fits.
    &shards[usize::try_from(key as u64 % shards.len() as u64).unwrap_or(0)]
}
