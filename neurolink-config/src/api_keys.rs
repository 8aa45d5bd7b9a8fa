//! The keys that a configuration names, and their store.

use neurolink_core::middleware::{ApiKey, ApiKeyAuth};
use neurolink_core::{AuthenticatedUser, ConfigProblem};
use secrecy::ExposeSecret as _;

use crate::{ApiKeyConfig, ApiKeyStoreKind, ApiKeysConfig, AuthConfig};

impl AuthConfig {
    /// The authenticator of API keys, if there are any or a store may have some.
    pub(crate) fn api_keys(&self, problems: &mut Vec<ConfigProblem>) -> Option<ApiKeyAuth> {
        if !self.api_keys.is_configured() {
            return None;
        }
        let mut auth = ApiKeyAuth::keys(self.api_keys.keys.iter().map(key)).header(&self.api_keys.header);
        if self.api_keys.store == ApiKeyStoreKind::Redis {
            match redis(&self.api_keys, auth) {
                Ok(with_store) => auth = with_store,
                Err(problem) => {
                    problems.push(problem);
                    return None;
                }
            }
        }
        Some(match self.failure_limit {
            Some(rate) => auth.failure_limit(rate.limit, rate.window),
            None => auth.no_failure_limit(),
        })
    }
}

fn key(config: &ApiKeyConfig) -> ApiKey {
    let (text, user) = (config.key.expose_secret(), AuthenticatedUser::new(&*config.user).with_roles(&config.roles));
    let mut key = match text.parse() {
        Ok(hash) => ApiKey::hashed(hash, user),
        Err(_) => ApiKey::new(text, user),
    };
    if let Some(id) = &config.id {
        key = key.id(id);
    }
    if let Some(expires) = config.expires {
        key = key.expires_at(expires);
    }
    config.rate_limit.into_iter().fold(key, ApiKey::rate_limit)
}

/// Takes the keys in a Redis too; no connection is made.
///
/// # Errors
/// It has no URL, or one of something else.
#[cfg(feature = "redis")]
fn redis(config: &ApiKeysConfig, auth: ApiKeyAuth) -> Result<ApiKeyAuth, ConfigProblem> {
    Ok(auth.or_store(config.redis()?))
}

/// There is none in this build.
///
/// # Errors
/// Always, with the feature that is missing.
#[cfg(not(feature = "redis"))]
fn redis(_: &ApiKeysConfig, _: ApiKeyAuth) -> Result<ApiKeyAuth, ConfigProblem> {
    let problem = "this build has no Redis; enable the feature `redis`, or write `off`";
    Err(ConfigProblem::new("auth.api_keys.store", problem).with_value("redis"))
}

#[cfg(feature = "redis")]
impl ApiKeysConfig {
    /// The store in Redis that it names; no connection is made.
    ///
    /// # Errors
    /// It has no URL, or one of something else.
    pub fn redis(&self) -> Result<neurolink_redis::RedisApiKeys, ConfigProblem> {
        let url = self.redis_url.as_ref().map_or("", |url| url.expose_secret());
        match neurolink_redis::RedisApiKeys::new(url) {
            Ok(store) => Ok(store.prefix(&self.prefix)),
            Err(error) => Err(ConfigProblem::new("auth.api_keys.redis_url", error.to_string()).with_secret(url)),
        }
    }
}
