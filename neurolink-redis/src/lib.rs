#![doc = include_str!("../README.md")]

mod call;
mod link;
mod scripts;
mod store;

pub use store::{InvalidUrl, RedisStore};
