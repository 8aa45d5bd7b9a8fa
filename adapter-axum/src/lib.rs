#![doc = include_str!("../README.md")]

mod fact;
mod mount;
mod protect;
mod serve;

pub use fact::Fact;
pub use mount::{Connection, Mount, router};
pub use protect::{Protect, ProtectLayer, layer, layer_with};
pub use serve::Axum;

/// What axum decides before the app is asked, as the conformance suite reads it (TOML).
pub const DIVERGENCES: &str = include_str!("../divergences.toml");
