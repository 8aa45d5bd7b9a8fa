#![doc = include_str!("../README.md")]

mod convert;
mod mount;
mod serve;

pub use mount::configure;
pub use serve::{Actix, on_connect};

/// What actix-web decides before the app is asked, as the conformance suite reads it (TOML).
pub const DIVERGENCES: &str = include_str!("../divergences.toml");
