#![doc = include_str!("../README.md")]

mod call;
mod credentials;
mod link;
mod scripts;
mod store;

pub use credentials::RedisCredentials;
pub use store::{InvalidUrl, RedisStore};
