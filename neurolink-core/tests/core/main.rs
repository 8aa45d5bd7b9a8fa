//! The core as a whole, without a socket.

mod app;
mod bodies;
#[cfg(feature = "full")]
mod middleware;
mod protect;
mod streams;
mod support;
