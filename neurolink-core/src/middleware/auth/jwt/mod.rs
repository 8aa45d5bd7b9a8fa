//! JSON Web Tokens: their keys, their claims, and what is remembered of them.

mod algorithm;
mod claims;
mod header;
mod jwk;
mod key;
mod key_set;
mod keys;
mod pem;
mod remote;
mod revocation;
mod rules;
mod source;

#[cfg(feature = "login")]
pub(super) use key::Key;
#[cfg(feature = "login")]
pub(super) use keys::LONGEST;
#[cfg(feature = "login")]
pub(super) use rules::is_subject;

pub use algorithm::{JwtAlgorithm, UnknownJwtAlgorithm};
pub use keys::JwtKeys;
pub use revocation::{RevocationCheck, VerifiedToken};
pub use source::{JwkSetFile, KeySource};
