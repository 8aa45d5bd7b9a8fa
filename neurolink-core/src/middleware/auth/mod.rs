//! Who is calling: authenticators.
//!
//! An authenticator looks for its own kind of credential.
//! None: it says what it would have accepted, and the route table decides whether a user is needed.
//! One that is not valid: 401, also on optional routes, with no fall-through to another method.
//! A validator that cannot be asked: 503, never 401 and never a pass.
//!
//! Before a credential is looked at, a limit of *failures* by client address is asked: 30 in a minute unless told.
//! A credential that is being judged counts as a failure until it is known to be none, so guesses at one time are not more.
//! Secrets are kept as SHA-256 and compared in constant time; none is ever logged or shown by `Debug`.

#[cfg(feature = "api-key")]
mod api_key;
#[cfg(feature = "basic")]
mod basic;
#[cfg(feature = "bearer")]
mod bearer;
#[cfg(any(feature = "api-key", feature = "bearer"))]
mod entropy;
#[cfg(any(feature = "api-key", feature = "basic", feature = "bearer"))]
mod external;
mod failures;
#[cfg(feature = "bearer")]
mod jwt;
#[cfg(feature = "basic")]
mod lockout;
#[cfg(feature = "login")]
pub mod login;
#[cfg(any(feature = "api-key", feature = "bearer"))]
mod recent;
#[cfg(any(feature = "basic", feature = "bearer"))]
mod scheme;
#[cfg(any(feature = "api-key", feature = "bearer"))]
mod secret;
mod verified;

#[cfg(feature = "api-key")]
pub use api_key::{
    ApiKey, ApiKeyAuth, ApiKeyHash, ApiKeyIssuer, ApiKeyStore, ApiKeys, IssuedApiKey, MemoryApiKeys, NewApiKey,
    StoredApiKey,
};
#[cfg(feature = "basic")]
pub use basic::{BasicAuth, PasswordHash, PasswordStore, PasswordUser, Passwords};
#[cfg(feature = "bearer")]
pub use bearer::{BearerAuth, StaticToken, TokenFn, TokenValidator};
#[cfg(any(feature = "api-key", feature = "bearer"))]
pub use entropy::check_secret;
#[cfg(feature = "bearer")]
pub use jwt::{JwkSetFile, JwtAlgorithm, JwtKeys, KeySource, RevocationCheck, UnknownJwtAlgorithm, VerifiedToken};
