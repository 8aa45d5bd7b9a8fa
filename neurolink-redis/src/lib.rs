#![doc = include_str!("../README.md")]

mod api_keys;
mod call;
mod connection;
mod credentials;
mod keys;
mod link;
mod scripts;
mod store;

pub use api_keys::RedisApiKeys;
pub use connection::InvalidUrl;
pub use credentials::RedisCredentials;
pub use store::RedisStore;
