//! Limits, lockouts, logins and API keys in a real Redis.

#[path = "../../kit/redis.rs"]
mod kit;
#[path = "../../../conformance-tests/kit/log.rs"]
mod log;

mod api_keys;
mod app;
mod cluster;
mod failures;
mod keryx;
mod lockout;
mod logins;
mod look;
mod maths;
mod processes;
mod server;
mod support;
