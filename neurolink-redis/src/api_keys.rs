use std::fmt;
use std::time::Duration;

use async_trait::async_trait;
use neurolink_core::BoxError;
use neurolink_core::middleware::{ApiKeyHash, ApiKeyStore, StoredApiKey};
use redis::Cmd;

use crate::call::millis;
use crate::connection::{InvalidUrl, Place};
use crate::keys::escaped;
use crate::link::Link;

/// Keeps API keys in Redis, where several servers find them.
///
/// A key is one entry, `{prefix:key:id}`: its record in JSON, without the key itself. It goes when the key expires.
/// Redis is asked on every request, so a key that one server revokes is refused by all from the next request on.
///
/// ```
/// use neurolink_core::middleware::{ApiKeyAuth, ApiKeyIssuer};
/// use neurolink_redis::RedisApiKeys;
///
/// # fn f() -> Result<(), Box<dyn std::error::Error>> {
/// let keys = RedisApiKeys::new("redis://neurolink:secret@10.0.0.5:6379/0")?;
/// let (auth, issuer) = (ApiKeyAuth::store(keys.clone()), ApiKeyIssuer::new(keys));
/// # Ok(()) }
/// ```
#[derive(Clone)]
pub struct RedisApiKeys {
    link: std::sync::Arc<Link>,
    prefix: String,
}

impl RedisApiKeys {
    /// A store at `redis://user:password@host:port/database`; no connection is made yet.
    ///
    /// # Errors
    /// It is no such URL. The URL may hold a password, so it is not shown.
    pub fn new(url: &str) -> Result<Self, InvalidUrl> {
        Place::one(url).map(Self::at)
    }

    /// A store in a cluster, some of whose nodes are at these URLs; no connection is made yet.
    ///
    /// # Errors
    /// There is no URL, one is none or names a Unix socket, or they differ in user or password.
    pub fn cluster<'a>(urls: impl IntoIterator<Item = &'a str>) -> Result<Self, InvalidUrl> {
        Place::cluster(urls).map(Self::at)
    }

    fn at(place: Place) -> Self {
        Self { link: std::sync::Arc::new(Link::new(place)), prefix: "neurolink".into() }
    }

    /// What all its entries begin with, behind a brace: `neurolink` unless told.
    #[must_use]
    pub fn prefix(mut self, prefix: &str) -> Self {
        self.prefix = escaped(prefix);
        self
    }

    /// The entry of the key of this id, all of it a hash tag.
    fn entry(&self, id: &str) -> String {
        format!("{{{}:key:{}}}", self.prefix, escaped(id))
    }

    fn command(&self, name: &str, id: &str) -> Cmd {
        let mut command = redis::cmd(name);
        command.arg(self.entry(id));
        command
    }
}

#[async_trait]
impl ApiKeyStore for RedisApiKeys {
    async fn find(&self, hash: &ApiKeyHash) -> Result<Option<StoredApiKey>, BoxError> {
        let record: Option<Vec<u8>> = self.link.ask(&self.command("GET", &hash.id())).await?;
        // What is there and cannot be read is no answer.
        record.map(|record| serde_json::from_slice(&record)).transpose().map_err(Into::into)
    }

    async fn insert(&self, key: StoredApiKey, now: Duration) -> Result<(), BoxError> {
        let mut command = self.command("SET", &key.id());
        command.arg(serde_json::to_vec(&key)?).arg("NX");
        if let Some(expires) = key.expires {
            let left = millis(expires.saturating_sub(now));
            if left == 0 {
                return Err("the key has expired already".into());
            }
            command.arg("PX").arg(left);
        }
        match self.link.ask::<Option<String>>(&command).await? {
            Some(_) => Ok(()),
            None => Err("there is a key of this hash already".into()),
        }
    }

    async fn revoke(&self, id: &str) -> Result<bool, BoxError> {
        self.link.ask(&self.command("DEL", id)).await
    }
}

impl fmt::Debug for RedisApiKeys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RedisApiKeys").field("prefix", &self.prefix).finish_non_exhaustive()
    }
}
