use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use serde::{Deserialize, Serialize};

use super::ApiKeyHash;
use crate::security::{AuthenticationFailure, Refusal};
use crate::{AuthenticatedUser, BoxError};

/// Of a key that nobody has.
pub(super) const UNKNOWN: Refusal = Refusal::new(AuthenticationFailure::Invalid, "the key is not known");
/// Of a key that has ended.
pub(super) const EXPIRED: Refusal = Refusal::new(AuthenticationFailure::Expired, "the key has expired");

/// Where API keys are kept that were issued: [`MemoryApiKeys`](super::MemoryApiKeys), Redis, or a database of your own.
///
/// It is asked on every request that has a key which is not configured, and every 25 s while a stream of one is open;
/// so a key that is revoked is refused from the next request on, whichever server revoked it.
/// At most 64 requests ask at one time, and each waits 1 s at most; beyond that the answer is 503.
#[async_trait]
pub trait ApiKeyStore: Send + Sync + 'static {
    /// The key of this hash, if there is one; one that has expired may still be there.
    ///
    /// # Errors
    /// It could not be asked: the caller gets 503, never 401 and never a pass.
    async fn find(&self, hash: &ApiKeyHash) -> Result<Option<StoredApiKey>, BoxError>;

    /// Keeps a key until it expires, or until it is revoked; `now` is the time since the Unix epoch.
    ///
    /// # Errors
    /// It is not kept: there is one of its hash already, there is no room, or the store could not be asked.
    async fn insert(&self, key: StoredApiKey, now: Duration) -> Result<(), BoxError>;

    /// Forgets the key of this id; `false` if there is none.
    ///
    /// # Errors
    /// It could not be asked, so the key may still count.
    async fn revoke(&self, id: &str) -> Result<bool, BoxError>;
}

#[async_trait]
impl<S: ApiKeyStore + ?Sized> ApiKeyStore for Arc<S> {
    async fn find(&self, hash: &ApiKeyHash) -> Result<Option<StoredApiKey>, BoxError> {
        (**self).find(hash).await
    }

    async fn insert(&self, key: StoredApiKey, now: Duration) -> Result<(), BoxError> {
        (**self).insert(key, now).await
    }

    async fn revoke(&self, id: &str) -> Result<bool, BoxError> {
        (**self).revoke(id).await
    }
}

/// What a store keeps of a key.
///
/// In JSON its times are milliseconds since the Unix epoch.
#[derive(Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct StoredApiKey {
    /// The hash of the key.
    pub hash: ApiKeyHash,
    /// The id of its user.
    pub user: String,
    /// The tenant of its user, if the user is of one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tenant: Option<String>,
    /// What the key is for, in words.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// Its scopes: the roles of its user.
    #[serde(default)]
    pub roles: Vec<String>,
    /// The permissions of its user.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub permissions: Vec<String>,
    /// When it was issued, since the Unix epoch.
    #[serde(with = "millis")]
    pub created: Duration,
    /// When it ends, since the Unix epoch; `None` for one without an end.
    #[serde(with = "millis::optional", default, skip_serializing_if = "Option::is_none")]
    pub expires: Option<Duration>,
    /// How many requests it has in the window of a limit that counts by API key; `None` for what the limit says.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rate_limit: Option<u32>,
}

impl StoredApiKey {
    /// A key of a user, without roles and without an end.
    #[must_use]
    pub fn new(hash: ApiKeyHash, user: impl Into<String>) -> Self {
        Self {
            hash,
            user: user.into(),
            tenant: None,
            name: None,
            roles: Vec::new(),
            permissions: Vec::new(),
            created: Duration::ZERO,
            expires: None,
            rate_limit: None,
        }
    }

    /// What names it in logs and for its revocation: see [`ApiKeyHash::id`].
    #[must_use]
    pub fn id(&self) -> String {
        self.hash.id()
    }

    /// Its user, for whoever presented a key of this hash.
    pub(super) fn user(self, presented: &ApiKeyHash, now: Duration) -> Result<AuthenticatedUser, Refusal> {
        // The store has found it by its hash; this does not rest on how it searches.
        if self.hash != *presented {
            return Err(Refusal::new(AuthenticationFailure::Invalid, "the store gave another key"));
        }
        if self.expires.is_some_and(|expires| now >= expires) {
            return Err(EXPIRED);
        }
        let id = self.id();
        let mut user = AuthenticatedUser::new(self.user).with_roles(self.roles).with_permissions(self.permissions);
        (user.expires, user.tenant) = (self.expires, self.tenant);
        describe(&mut user, id, self.rate_limit);
        Ok(user)
    }
}

/// Puts the key's id and limit where other middleware and handlers find them.
pub(super) fn describe(user: &mut AuthenticatedUser, id: String, rate_limit: Option<u32>) {
    user.metadata.insert("keyId".into(), id.into());
    if let Some(limit) = rate_limit {
        user.metadata.insert("rateLimit".into(), limit.into());
    }
}

impl fmt::Debug for StoredApiKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("StoredApiKey").field("id", &self.id()).field("user", &self.user).finish_non_exhaustive()
    }
}

/// Times as whole milliseconds.
mod millis {
    use std::time::Duration;

    use serde::{Deserialize as _, Deserializer, Serializer};

    pub(super) fn serialize<S: Serializer>(time: &Duration, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_u64(u64::try_from(time.as_millis()).unwrap_or(u64::MAX))
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Duration, D::Error> {
        u64::deserialize(deserializer).map(Duration::from_millis)
    }

    pub(super) mod optional {
        use std::time::Duration;

        use serde::{Deserialize as _, Deserializer, Serializer};

        pub(in super::super) fn serialize<S: Serializer>(
            time: &Option<Duration>,
            serializer: S,
        ) -> Result<S::Ok, S::Error> {
            match time {
                Some(time) => super::serialize(time, serializer),
                None => serializer.serialize_none(),
            }
        }

        pub(in super::super) fn deserialize<'de, D: Deserializer<'de>>(
            deserializer: D,
        ) -> Result<Option<Duration>, D::Error> {
            Ok(Option::<u64>::deserialize(deserializer)?.map(Duration::from_millis))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Duration = Duration::from_millis(1_700_000_000_250);

    #[test]
    fn a_record_reads_back_and_holds_no_key() {
        let mut key = StoredApiKey::new(ApiKeyHash::of("nl_secret"), "alice");
        (key.roles, key.created, key.rate_limit) = (vec!["reader".into()], NOW, Some(3));
        for expires in [None, Some(NOW + Duration::from_secs(60))] {
            key.expires = expires;
            let text = serde_json::to_string(&key).expect("JSON");
            assert!(!text.contains("nl_secret") && text.contains("\"created\":1700000000250"), "{text}");
            assert_eq!(serde_json::from_str::<StoredApiKey>(&text).expect("a record"), key);
        }
    }

    #[test]
    fn a_record_of_another_hash_lets_nobody_in() {
        let key = StoredApiKey::new(ApiKeyHash::of("one"), "alice");
        assert!(key.clone().user(&ApiKeyHash::of("one"), NOW).is_ok());
        assert!(key.user(&ApiKeyHash::of("two"), NOW).is_err());
    }
}
