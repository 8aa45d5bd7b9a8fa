//! Limits in a real Redis.

#[path = "../../kit/mod.rs"]
mod kit;

mod app;
mod failures;
mod look;
mod maths;
mod processes;
mod server;
mod support;
