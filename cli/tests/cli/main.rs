//! The binary as its users see it.

mod command_line;
mod configuration;
mod conformance;
mod kit;
mod serve;
