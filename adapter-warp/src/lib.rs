#![doc = include_str!("../README.md")]

mod convert;
mod mount;
mod serve;

pub use mount::filter;
pub use serve::{Service, Warp, service};
