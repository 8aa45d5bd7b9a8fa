//! The core as a whole, without a socket.

mod app;
mod bodies;
#[cfg(feature = "full")]
mod facts;
#[cfg(feature = "full")]
mod headers;
#[cfg(feature = "full")]
mod limits;
#[cfg(feature = "full")]
mod middleware;
mod onion;
mod protect;
mod streams;
mod support;
#[cfg(feature = "full")]
mod tower;
