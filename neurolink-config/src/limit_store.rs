//! The store that a configuration names.

use neurolink_core::ConfigProblem;
use neurolink_core::middleware::Passwords;
use neurolink_core::middleware::limit_store::{OnStoreFailure, StoreHandle};

use crate::{Config, RateLimitConfig, RateLimitStore, RedisKeys, StoreFailure};

impl RateLimitConfig {
    /// What limits and lockouts count in together, if it is no memory.
    pub(crate) fn handle(&self, problems: &mut Vec<ConfigProblem>) -> Option<StoreHandle> {
        match self.store {
            RateLimitStore::Memory => None,
            RateLimitStore::Redis => redis(self).map_err(|problem| problems.push(problem)).ok(),
        }
    }

    pub(crate) const fn failure_policy(&self) -> OnStoreFailure {
        match self.on_store_failure {
            StoreFailure::Deny => OnStoreFailure::Deny,
            StoreFailure::Allow => OnStoreFailure::Allow,
            StoreFailure::Local => OnStoreFailure::Local { percent: self.local_percent },
        }
    }
}

impl Config {
    /// Whether failures with names and passwords count where limits do.
    pub(crate) fn locks_in_store(&self) -> bool {
        let follows = self.rate_limit.store == RateLimitStore::Redis && self.rate_limit.redis_keys == RedisKeys::Hashed;
        !self.auth.passwords.is_empty()
            && self.auth.lockout_store.map_or(follows, |store| store == RateLimitStore::Redis)
    }

    /// The same names and passwords, whose failures count where the configuration says.
    pub(crate) fn locked(
        &self,
        passwords: Passwords,
        store: Option<&StoreHandle>,
        problems: &mut Vec<ConfigProblem>,
    ) -> Passwords {
        let limits = &self.rate_limit;
        if !self.locks_in_store() {
            return passwords;
        }
        let mistake = match (limits.store, limits.redis_keys) {
            (RateLimitStore::Memory, _) => {
                "it is the Redis of `rate_limit`, which counts in memory; write `rate_limit.store = \"redis\"` with its URL"
            }
            (RateLimitStore::Redis, RedisKeys::Keryx) => {
                "Keryx's keys hold strict counters only; write `memory`, or `rate_limit.redis_keys = \"hashed\"`"
            }
            // Without one, what is wrong with it has been said.
            (RateLimitStore::Redis, RedisKeys::Hashed) => {
                return store.map_or(passwords.clone(), |store| {
                    passwords.lockout_store(store).on_lockout_store_failure(limits.failure_policy())
                });
            }
        };
        problems.push(ConfigProblem::new("auth.lockout_store", mistake).with_value("redis"));
        passwords
    }
}

/// The Redis of a limit; no connection is made.
///
/// # Errors
/// It has no URL, or one of something else.
#[cfg(feature = "redis")]
fn redis(limit: &RateLimitConfig) -> Result<StoreHandle, ConfigProblem> {
    use neurolink_redis::RedisStore;
    use secrecy::ExposeSecret as _;

    let url = limit.redis_url.as_ref().map_or("", |url| url.expose_secret());
    let store = match limit.redis_cluster {
        true => RedisStore::cluster(url.split(',').map(str::trim)),
        false => RedisStore::new(url),
    };
    let store = store.map(|store| store.prefix(&*limit.prefix)).map(|store| match limit.redis_keys {
        RedisKeys::Keryx => store.keryx_keys(),
        RedisKeys::Hashed => store,
    });
    match store {
        Ok(store) => Ok(StoreHandle::with_budget(store, limit.store_timeout)),
        Err(error) => Err(ConfigProblem::new("rate_limit.redis_url", error.to_string()).with_secret(url)),
    }
}

/// There is none in this build.
///
/// # Errors
/// Always, with the feature that is missing.
#[cfg(not(feature = "redis"))]
fn redis(_: &RateLimitConfig) -> Result<StoreHandle, ConfigProblem> {
    let problem = "this build has no Redis; enable the feature `redis`, or write `memory`";
    Err(ConfigProblem::new("rate_limit.store", problem).with_value("redis"))
}
