use std::collections::HashMap;
use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use arc_swap::ArcSwap;
use async_trait::async_trait;

use super::{ApiKeyHash, ApiKeyStore, StoredApiKey};
use crate::BoxError;

type Keys = HashMap<[u8; 32], Arc<StoredApiKey>>;

/// Keeps API keys in this process, at most as many as told; they end with it.
///
/// Requests read without a lock. Each key that is issued or revoked copies the table, so it is for thousands of keys.
///
/// ```
/// use std::sync::Arc;
/// use neurolink_core::middleware::{ApiKeyAuth, ApiKeyIssuer, MemoryApiKeys};
///
/// let store = Arc::new(MemoryApiKeys::new(10_000));
/// let (auth, issuer) = (ApiKeyAuth::store(Arc::clone(&store)), ApiKeyIssuer::new(store));
/// ```
pub struct MemoryApiKeys {
    keys: ArcSwap<Keys>,
    /// Held by whoever changes the keys.
    changing: Mutex<()>,
    capacity: usize,
}

impl MemoryApiKeys {
    /// Room for so many keys.
    #[must_use]
    pub fn new(capacity: usize) -> Self {
        Self { keys: ArcSwap::default(), changing: Mutex::default(), capacity }
    }

    /// Changes the keys, unless there is something in the way.
    fn change<T>(&self, change: impl FnOnce(&mut Keys) -> Result<T, BoxError>) -> Result<T, BoxError> {
        let _alone = self.changing.lock().unwrap_or_else(PoisonError::into_inner);
        let mut keys = Keys::clone(&self.keys.load());
        let changed = change(&mut keys)?;
        self.keys.store(Arc::new(keys));
        Ok(changed)
    }
}

#[async_trait]
impl ApiKeyStore for MemoryApiKeys {
    async fn find(&self, hash: &ApiKeyHash) -> Result<Option<StoredApiKey>, BoxError> {
        Ok(self.keys.load().get(hash.bytes()).map(|key| StoredApiKey::clone(key)))
    }

    async fn insert(&self, key: StoredApiKey, now: Duration) -> Result<(), BoxError> {
        self.change(|keys| {
            if keys.contains_key(key.hash.bytes()) {
                return Err("there is a key of this hash already".into());
            }
            if keys.len() >= self.capacity {
                keys.retain(|_, key| key.expires.is_none_or(|expires| now < expires));
            }
            if keys.len() >= self.capacity {
                return Err(format!("the store is full: it has {} keys", keys.len()).into());
            }
            keys.insert(*key.hash.bytes(), Arc::new(key));
            Ok(())
        })
    }

    async fn revoke(&self, id: &str) -> Result<bool, BoxError> {
        self.change(|keys| {
            let before = keys.len();
            keys.retain(|_, key| key.id() != id);
            Ok(keys.len() < before)
        })
    }
}

impl fmt::Debug for MemoryApiKeys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "MemoryApiKeys({} of {})", self.keys.load().len(), self.capacity)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Duration = Duration::from_secs(1_700_000_000);

    fn key(number: u32) -> StoredApiKey {
        StoredApiKey::new(ApiKeyHash::of(&number.to_string()), "alice")
    }

    #[tokio::test]
    async fn it_is_bounded_and_room_is_made_by_what_has_expired_only() {
        let store = MemoryApiKeys::new(2);
        let brief = StoredApiKey { expires: Some(NOW + Duration::from_secs(1)), ..key(1) };
        store.insert(brief, NOW).await.expect("room");
        store.insert(key(2), NOW).await.expect("room");
        assert!(store.insert(key(3), NOW).await.expect_err("full").to_string().contains("full"));
        assert_eq!(store.find(&key(3).hash).await.expect("memory"), None);
        store.insert(key(3), NOW + Duration::from_secs(1)).await.expect("the first has expired");
        assert!(store.find(&key(2).hash).await.expect("memory").is_some());
    }

    #[tokio::test]
    async fn a_key_is_found_until_it_is_revoked_and_another_stays() {
        let store = MemoryApiKeys::new(10);
        for number in [1, 2] {
            store.insert(key(number), NOW).await.expect("room");
        }
        assert!(store.insert(key(1), NOW).await.is_err(), "a hash is there once");
        assert!(store.revoke(&key(1).id()).await.expect("memory"));
        assert!(!store.revoke(&key(1).id()).await.expect("memory"));
        let found = async |number| store.find(&key(number).hash).await.expect("memory").is_some();
        assert!(!found(1).await && found(2).await);
    }
}
