#![doc = include_str!("../README.md")]

mod call;
mod connection;
mod keys;
mod link;
mod scripts;
mod store;

pub use store::{InvalidUrl, RedisStore};
