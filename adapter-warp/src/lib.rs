#![doc = include_str!("../README.md")]

mod convert;
mod fact;
mod mount;
mod protect;
mod serve;

pub use fact::fact;
pub use mount::filter;
pub use protect::{Protect, protect, protect_with};
pub use serve::Warp;

/// What warp decides before the app is asked, as the conformance suite reads it (TOML).
pub const DIVERGENCES: &str = include_str!("../divergences.toml");
