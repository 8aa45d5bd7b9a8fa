#![doc = include_str!("../README.md")]

mod convert;
mod mount;
mod parked;
mod serve;
mod service;

pub use mount::filter;
pub use serve::Warp;
pub use service::{Service, service};
