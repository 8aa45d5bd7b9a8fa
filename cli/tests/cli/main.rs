//! The binary as its users see it.

mod command_line;
mod configuration;
mod conformance;
mod diff;
mod kit;
mod serve;
mod soak;
