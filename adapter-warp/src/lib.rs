#![doc = include_str!("../README.md")]

mod convert;
mod mount;
mod serve;

pub use mount::filter;
pub use serve::{Service, Warp, service};

/// What warp decides before the app is asked, as the conformance suite reads it (TOML).
pub const DIVERGENCES: &str = include_str!("../divergences.toml");
