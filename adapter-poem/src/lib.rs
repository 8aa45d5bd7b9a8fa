#![doc = include_str!("../README.md")]

mod convert;
mod fact;
mod mount;
mod protect;
mod serve;

pub use fact::Fact;
pub use mount::{Mount, endpoint, mount};
pub use protect::{Protect, Protecting, middleware, middleware_with};
pub use serve::Poem;

/// What poem decides before the app is asked, as the conformance suite reads it (TOML).
pub const DIVERGENCES: &str = include_str!("../divergences.toml");
