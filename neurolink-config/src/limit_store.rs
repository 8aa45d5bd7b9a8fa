//! The store that a configuration names.

use neurolink_core::ConfigProblem;
use neurolink_core::middleware::limit_store::{OnStoreFailure, StoreHandle};

#[cfg(feature = "redis")]
use crate::RedisKeys;
use crate::{RateLimitConfig, StoreFailure};

impl RateLimitConfig {
    pub(crate) const fn failure_policy(&self) -> OnStoreFailure {
        match self.on_store_failure {
            StoreFailure::Deny => OnStoreFailure::Deny,
            StoreFailure::Allow => OnStoreFailure::Allow,
            StoreFailure::Local => OnStoreFailure::Local { percent: self.local_percent },
        }
    }
}

/// The Redis of a limit; no connection is made.
///
/// # Errors
/// It has no URL, or one of something else.
#[cfg(feature = "redis")]
pub(crate) fn redis(limit: &RateLimitConfig) -> Result<StoreHandle, ConfigProblem> {
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
pub(crate) fn redis(_: &RateLimitConfig) -> Result<StoreHandle, ConfigProblem> {
    let problem = "this build has no Redis; enable the feature `redis`, or write `memory`";
    Err(ConfigProblem::new("rate_limit.store", problem).with_value("redis"))
}
