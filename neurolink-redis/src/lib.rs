#![doc = include_str!("../README.md")]

mod api_keys;
mod call;
mod link;
mod scripts;
mod store;
mod url;

pub use api_keys::RedisApiKeys;
pub use store::RedisStore;
pub use url::InvalidUrl;
