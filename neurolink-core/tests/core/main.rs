//! The core as a whole, without a socket.

mod app;
#[cfg(feature = "full")]
mod authorisation;
mod build;
#[cfg(feature = "full")]
mod credentials;
#[cfg(feature = "full")]
mod limits_together;
#[cfg(feature = "full")]
mod middleware;
mod plan;
mod protect;
mod request_id;
mod support;
