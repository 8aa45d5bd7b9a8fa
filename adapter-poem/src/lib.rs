#![doc = include_str!("../README.md")]

mod convert;
mod mount;
mod serve;

pub use mount::{Mount, endpoint, mount};
pub use serve::Poem;
