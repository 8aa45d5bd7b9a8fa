#![doc = include_str!("../README.md")]

pub mod offline;

mod agent;
mod agent_request;
#[cfg(feature = "login")]
mod auth;
mod check;
mod document;
mod health;
mod readiness;
mod register;
mod timestamp;
mod tools;

pub use agent::agent;
#[cfg(feature = "login")]
pub use auth::auth;
pub use health::health;
pub use offline::OfflineEngine;
pub use register::WithRoutes;
pub use tools::tools;
