#![doc = include_str!("../README.md")]

mod mount;
mod serve;

pub use mount::{Mount, router};
pub use serve::Axum;
