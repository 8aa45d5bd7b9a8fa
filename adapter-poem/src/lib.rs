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
