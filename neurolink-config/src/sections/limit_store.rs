//! Where the limits of `rate_limit` count.

use serde::Serialize;

use super::{RateLimitAlgorithm, RateLimitConfig};
use crate::reader::{Section, boolean, duration, integer, text, word};
use crate::secrets::URL;

/// Where requests are counted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
#[non_exhaustive]
pub enum RateLimitStore {
    /// In this process.
    #[default]
    Memory,
    /// In a Redis that other servers count in too.
    Redis,
}

/// What keys in Redis are called.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
#[non_exhaustive]
pub enum RedisKeys {
    /// `{prefix:rule:hash}`.
    #[default]
    Hashed,
    /// `prefix:ip:192.0.2.1:29344716`, which Keryx's servers share; for a strict counter.
    Keryx,
}

/// What a request gets while the store does not answer.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
#[non_exhaustive]
pub enum StoreFailure {
    /// 503.
    #[default]
    Deny,
    /// It passes.
    Allow,
    /// It is counted in this process, up to a part of the limit.
    Local,
}

pub(super) const STORES: [(&str, RateLimitStore); 2] =
    [("memory", RateLimitStore::Memory), ("redis", RateLimitStore::Redis)];
const KEYS: [(&str, RedisKeys); 2] = [("hashed", RedisKeys::Hashed), ("keryx", RedisKeys::Keryx)];
const FAILURES: [(&str, StoreFailure); 3] =
    [("deny", StoreFailure::Deny), ("allow", StoreFailure::Allow), ("local", StoreFailure::Local)];

impl RateLimitConfig {
    pub(super) fn read_store(&mut self, section: &mut Section<'_>) {
        let before = self.clone();
        let urls = section.given(&["redis_url", "redis_url_file"]);
        section.set("store", &mut self.store, word(&STORES));
        if let Some(url) = section.secret("redis_url", "redis_url_file", URL) {
            self.redis_url = Some(url);
        }
        section.set("redis_cluster", &mut self.redis_cluster, boolean);
        section.set("redis_keys", &mut self.redis_keys, word(&KEYS));
        section.set("prefix", &mut self.prefix, text);
        section.set("on_store_failure", &mut self.on_store_failure, word(&FAILURES));
        section.set("local_percent", &mut self.local_percent, integer(1, 100));
        section.set("store_timeout", &mut self.store_timeout, duration(false));
        let local = ("local_percent", self.local_percent != before.local_percent);
        if self.redis_keys == RedisKeys::Keryx && self.store == RateLimitStore::Redis {
            if self.algorithm != RateLimitAlgorithm::StrictCounter {
                section.missing(
                    "redis_keys",
                    "Keryx's keys hold strict counters only; write `algorithm = \"strict_counter\"`",
                );
            }
            if self.redis_cluster {
                section.missing("redis_keys", "no cluster can hold Keryx's keys; write `hashed`, or take one Redis");
            }
        }
        match (self.store, urls.first()) {
            (RateLimitStore::Redis, None) if self.redis_url.is_none() => section.missing(
                "redis_url",
                "it is missing; set NEUROLINK__RATE_LIMIT__REDIS_URL, or NEUROLINK__RATE_LIMIT__REDIS_URL_FILE with \
                 the path of a file",
            ),
            (RateLimitStore::Redis, _) if self.on_store_failure != StoreFailure::Local => {
                section.warn_idle(&[local], "unless rate_limit.on_store_failure is `local`");
            }
            (RateLimitStore::Redis, _) => {}
            (RateLimitStore::Memory, Some(_)) => {
                section
                    .missing("store", "a Redis is named and not used; write `store = \"redis\"`, or leave the URL out");
            }
            (RateLimitStore::Memory, None) => {
                let changed = [
                    ("redis_cluster", self.redis_cluster != before.redis_cluster),
                    ("redis_keys", self.redis_keys != before.redis_keys),
                    ("prefix", self.prefix != before.prefix),
                    ("on_store_failure", self.on_store_failure != before.on_store_failure),
                    local,
                    ("store_timeout", self.store_timeout != before.store_timeout),
                ];
                section.warn_idle(&changed, "unless rate_limit.store is `redis`");
            }
        }
    }
}
