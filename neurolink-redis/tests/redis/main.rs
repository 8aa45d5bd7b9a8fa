//! Limits and API keys in a real Redis.

#[path = "../../kit/redis.rs"]
mod kit;
#[path = "../../../conformance-tests/kit/log.rs"]
mod log;

mod api_keys;
mod app;
mod failures;
mod look;
mod maths;
mod processes;
mod server;
mod support;
