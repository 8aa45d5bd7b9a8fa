//! Limits in a real Redis.

#[path = "../../kit/redis.rs"]
mod kit;
#[path = "../../../conformance-tests/kit/log.rs"]
mod log;

mod app;
mod failures;
mod logins;
mod look;
mod maths;
mod processes;
mod server;
mod support;
