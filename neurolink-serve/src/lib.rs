#![doc = include_str!("../README.md")]

mod accept;
mod config;
mod connection;
mod pulse;
mod socket;

pub use accept::{ServeError, serve};
pub use config::ServeConfig;
pub use connection::Connection;
