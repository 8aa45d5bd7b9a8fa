//! The core as a whole, without a socket.

mod app;
#[cfg(feature = "full")]
mod authorisation;
mod bodies;
mod build;
#[cfg(feature = "full")]
mod credentials;
#[cfg(feature = "full")]
mod facts;
#[cfg(feature = "full")]
mod headers;
#[cfg(feature = "full")]
mod limits;
#[cfg(feature = "full")]
mod limits_together;
#[cfg(feature = "full")]
mod middleware;
mod onion;
mod plan;
mod protect;
mod request_id;
mod streams;
mod support;
#[cfg(feature = "full")]
mod tower;
