//! Middleware, one file or folder and one cargo feature each; none is on by default.
//!
//! | feature | middleware | stands at |
//! |---|---|---|
//! | `timing` | [`Timing`] | [`TRACE`](crate::stack::order::TRACE) |
//! | `access-log` | [`AccessLog`] | `TRACE` |
//! | `security-headers` | [`SecurityHeaders`] | `HEADERS` |
//! | `cors` | [`Cors`] | `CORS` |
//! | `rate-limit` | [`RateLimit`] | `LIMITS`, by user `AFTER_AUTH` |
//! | `concurrency` | [`ConcurrencyLimit`] | `LIMITS`, by user `AFTER_AUTH` |
//! | `basic` | [`BasicAuth`] | `AUTH` |
//! | `bearer` | [`BearerAuth`] | `AUTH` |
//! | `api-key` | [`ApiKeyAuth`] | `AUTH` |
//! | `roles` | [`RequireRoles`] | `ROLES` |
//! | `policy` | [`RequirePolicy`] | `POLICY` |
//! | `tower` | [`Tower`] | [`APP`](crate::stack::order::APP) |
//!
//! With the feature `login` there are [`login`]s too: handlers begin and renew them, and `bearer` accepts their tokens.
//!
//! The request id, the cross-site check, the host check and the authorisation of routes are part of the core.

#[cfg(feature = "access-log")]
mod access_log;
#[cfg(any(feature = "api-key", feature = "basic", feature = "bearer"))]
mod auth;
#[cfg(feature = "concurrency")]
mod concurrency;
#[cfg(feature = "cors")]
mod cors;
#[cfg(feature = "rate-limit")]
mod limit;
#[cfg(feature = "policy")]
mod policy;
#[cfg(feature = "roles")]
mod roles;
#[cfg(feature = "security-headers")]
mod security_headers;
#[cfg(feature = "timing")]
mod timing;
#[cfg(feature = "tower")]
mod tower;

#[cfg(feature = "access-log")]
pub use access_log::AccessLog;
#[cfg(any(feature = "api-key", feature = "bearer"))]
pub use auth::check_secret;
#[cfg(feature = "login")]
pub use auth::login;
#[cfg(feature = "api-key")]
pub use auth::{
    ApiKey, ApiKeyAuth, ApiKeyHash, ApiKeyIssuer, ApiKeyStore, ApiKeys, IssuedApiKey, MemoryApiKeys, NewApiKey,
    StoredApiKey,
};
#[cfg(feature = "basic")]
pub use auth::{BasicAuth, PasswordHash, PasswordStore, PasswordUser, Passwords};
#[cfg(feature = "bearer")]
pub use auth::{
    BearerAuth, JwkSetFile, JwtAlgorithm, JwtKeys, KeySource, RevocationCheck, StaticToken, TokenFn, TokenValidator,
    UnknownJwtAlgorithm, VerifiedToken,
};
#[cfg(feature = "concurrency")]
pub use concurrency::ConcurrencyLimit;
#[cfg(feature = "basic")]
pub(crate) use concurrency::Gates;
#[cfg(feature = "cors")]
pub use cors::{Cors, Denied};
#[cfg(feature = "rate-limit")]
pub use limit::store as limit_store;
#[cfg(feature = "rate-limit")]
pub use limit::{
    CostFn, Key, KeyFn, Limiter, RateLimit, RateLimitHeaders, RateLimitState, Refusal, RefusalBody, RefusalFn,
};
#[cfg(feature = "rate-limit")]
pub(crate) use limit::{Limited, Settling, decide_together, show_asked, show_limits};
#[cfg(feature = "policy")]
pub use policy::RequirePolicy;
#[cfg(feature = "roles")]
pub use roles::RequireRoles;
#[cfg(feature = "security-headers")]
pub use security_headers::{Csp, FrameOptions, Hsts, PermissionsPolicy, SecurityHeaders};
#[cfg(feature = "timing")]
pub use timing::Timing;
#[cfg(feature = "tower")]
pub use tower::{Inside, Tower};
