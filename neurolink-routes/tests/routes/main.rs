//! The ready-made routes, driven in memory.

mod agent;
#[cfg(feature = "login")]
mod auth;
mod health;
mod support;
mod tools;
