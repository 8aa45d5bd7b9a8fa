//! The store that a configuration names for API keys.

use std::path::PathBuf;

use neurolink::middleware::ApiKeyIssuer;
use neurolink::{ConfigError, ConfigProblem};
use neurolink_config::{ApiKeyStoreKind, Loader};

use crate::options::say_remarks;
use crate::output::Failure;

/// Whoever issues into the store of the configuration.
pub(super) fn issuer(config: Option<PathBuf>) -> Result<ApiKeyIssuer, Failure> {
    let loader = Loader::from_system();
    let loaded = config.into_iter().fold(loader, Loader::only_file).load_or_refuse()?;
    say_remarks(&loaded);
    let keys = &loaded.config.auth.api_keys;
    if keys.store == ApiKeyStoreKind::Off {
        let problem = "the configuration has no store of keys; write `store = \"redis\"` and name the Redis";
        return Err(ConfigError::new(vec![ConfigProblem::new("auth.api_keys.store", problem)]).into());
    }
    let store = keys.redis().map_err(|problem| ConfigError::new(vec![problem]))?;
    Ok(ApiKeyIssuer::new(store))
}

/// Waits for what a store does.
pub(super) fn wait<T>(work: impl Future<Output = Result<T, neurolink::Error>>) -> Result<T, Failure> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let runtime = runtime.map_err(|error| Failure::Run(error.to_string()))?;
    runtime.block_on(work).map_err(|error| failure(&error))
}

/// What is wrong with the key that was asked for, or with the store.
pub(super) fn failure(error: &neurolink::Error) -> Failure {
    let details = error.details().and_then(|details| details.as_array());
    let problems: Vec<_> = details.into_iter().flatten().map(mistake).collect();
    if problems.is_empty() { Failure::Run(error.log_text()) } else { ConfigError::new(problems).into() }
}

fn mistake(detail: &serde_json::Value) -> ConfigProblem {
    let flag = match detail["field"].as_str().unwrap_or_default() {
        "roles" => "--role",
        "permissions" => "--permission",
        "expiresInDays" => "--expires",
        "rateLimit" => "--rate-limit",
        "name" => "--name",
        _ => "--user",
    };
    ConfigProblem::new(flag, detail["message"].as_str().unwrap_or_default())
}
