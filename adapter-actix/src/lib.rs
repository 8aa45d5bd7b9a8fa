#![doc = include_str!("../README.md")]

mod connection;
mod convert;
mod fact;
mod http2;
mod mount;
mod native;
mod protect;
mod serve;
mod service;
mod shared;

pub use fact::Fact;
pub use mount::configure;
pub use protect::{Protect, Protecting, transform, transform_with};
pub use serve::{Actix, on_connect};

/// What actix-web decides before the app is asked, as the conformance suite reads it (TOML).
pub const DIVERGENCES: &str = include_str!("../divergences.toml");
