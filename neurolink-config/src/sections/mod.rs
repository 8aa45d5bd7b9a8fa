//! One file a section: its values, their defaults, and how they are read.

mod auth;
mod body;
mod concurrency;
mod cors;
mod cross_site;
mod errors;
mod headers;
mod jwt;
mod limit_store;
mod log;
mod passwords;
mod proxies;
mod rate_limit;
mod request_id;
mod server;
mod stream;
mod timeout;

pub use auth::{ApiKeyConfig, ApiKeysConfig, AuthConfig, TokenConfig};
pub use body::BodyConfig;
pub use concurrency::ConcurrencyConfig;
pub use cors::{CorsConfig, Origins};
pub use cross_site::CrossSiteConfig;
pub use errors::{ErrorFormat, ErrorsConfig};
pub(crate) use headers::parse_hsts;
pub use headers::{HeaderPreset, HeaderValue, HeadersConfig};
pub use jwt::{JwtConfig, JwtSecretConfig};
pub use limit_store::{RateLimitStore, RedisKeys, StoreFailure};
pub use log::{LogConfig, LogFormat, LogLevel};
pub use passwords::PasswordConfig;
pub use proxies::ProxiesConfig;
pub use rate_limit::{RateLimitAlgorithm, RateLimitConfig, RateLimitDialect, RateLimitKey};
pub use request_id::RequestIdConfig;
pub use server::{ServerConfig, TlsConfig};
pub use stream::StreamConfig;
pub use timeout::{TimeoutConfig, TimeoutPreset};
