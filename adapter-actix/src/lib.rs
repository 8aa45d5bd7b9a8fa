#![doc = include_str!("../README.md")]

mod convert;
mod mount;
mod serve;

pub use mount::configure;
pub use serve::{Actix, on_connect};
