#![doc = include_str!("../README.md")]

pub mod units;

mod alternatives;
mod api_keys;
mod bounded;
mod build;
mod checks;
mod config;
mod environment;
mod files;
mod jwks;
mod key_file;
mod layers;
mod limit_store;
mod loader;
mod login;
mod names;
mod presets;
mod reader;
mod secrets;
mod sections;
mod show;
mod weakness;

pub use build::WithConfig;
pub use config::Config;
pub use layers::Given;
pub use loader::{Loaded, Loader, Refused};
pub use presets::Preset;
pub use secrecy::SecretString;
pub use sections::{
    ApiKeyConfig, ApiKeyStoreKind, ApiKeysConfig, AuthConfig, BodyConfig, ConcurrencyConfig, CorsConfig,
    CrossSiteConfig, ErrorFormat, ErrorsConfig, HeaderPreset, HeaderValue, HeadersConfig, JwtConfig, JwtSecretConfig,
    LogConfig, LogFormat, LogLevel, LoginConfig, LoginStore, Origins, PasswordConfig, ProxiesConfig,
    RateLimitAlgorithm, RateLimitBody, RateLimitConfig, RateLimitDialect, RateLimitKey, RateLimitStore, RedisKeys,
    RequestIdConfig, ServerConfig, StoreFailure, StreamConfig, TimeoutConfig, TimeoutPreset, TlsConfig, TokenConfig,
};
pub use units::Rate;
pub use weakness::Weakness;
