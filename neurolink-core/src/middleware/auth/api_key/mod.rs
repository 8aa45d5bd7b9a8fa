//! API keys: configured ones, and such as are issued into a store.
//!
//! A key is known by its SHA-256 only. One that was issued has 256 random bits and is shown once.
//! The configured keys are asked first, then the store, on every request: what it revokes is refused at once.

mod authenticator;
mod configured;
mod hash;
mod issue;
mod memory;
mod stored;

pub use authenticator::ApiKeyAuth;
pub use configured::{ApiKey, ApiKeys};
pub use hash::ApiKeyHash;
pub use issue::{ApiKeyIssuer, IssuedApiKey, NewApiKey};
pub use memory::MemoryApiKeys;
pub use stored::{ApiKeyStore, StoredApiKey};
