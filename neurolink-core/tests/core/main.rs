//! The core as a whole, without a socket.

mod access;
#[cfg(feature = "full")]
mod api_key_limits;
#[cfg(feature = "full")]
mod api_keys;
mod app;
#[cfg(feature = "full")]
mod authenticators;
#[cfg(feature = "full")]
mod authorisation;
#[cfg(feature = "full")]
mod basic;
mod bodies;
mod build;
mod chain;
#[cfg(feature = "decompress")]
mod coded_bodies;
#[cfg(feature = "full")]
mod concurrency;
#[cfg(feature = "full")]
mod credentials;
#[cfg(feature = "full")]
mod facts;
mod failures;
#[cfg(feature = "full")]
mod fixture;
mod forms;
#[cfg(feature = "full")]
mod headers;
#[cfg(feature = "full")]
mod jwt;
#[cfg(feature = "full")]
mod limit_algorithms;
#[cfg(feature = "full")]
mod limit_keys;
#[cfg(feature = "full")]
mod limit_store;
#[cfg(feature = "full")]
mod limit_tokens;
#[cfg(feature = "full")]
mod limiter;
#[cfg(feature = "full")]
mod limits;
#[cfg(feature = "full")]
mod limits_together;
#[cfg(feature = "full")]
mod lockout_store;
#[cfg(feature = "full")]
#[path = "../../../conformance-tests/kit/log.rs"]
mod log;
#[cfg(feature = "full")]
mod login_events;
#[cfg(feature = "full")]
mod login_kit;
#[cfg(feature = "full")]
mod login_outages;
#[cfg(feature = "full")]
mod logins;
#[cfg(feature = "full")]
mod mistakes;
#[cfg(all(feature = "decompress", feature = "multipart"))]
mod multipart;
mod onion;
mod plan;
#[cfg(feature = "full")]
mod policies;
#[cfg(feature = "full")]
mod probes;
mod protect;
mod request_id;
mod requests;
#[cfg(feature = "full")]
mod security_events;
mod streams;
mod support;
#[cfg(feature = "full")]
mod token_places;
#[cfg(feature = "full")]
mod tower;
