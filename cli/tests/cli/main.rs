//! The binary as its users see it.

mod command_line;
mod configuration;
mod conformance;
mod diff;
mod json;
mod keys;
mod kit;
#[cfg(unix)]
mod lifecycle;
mod logins;
mod passwords;
mod redis;
#[path = "../../../neurolink-redis/kit/redis.rs"]
mod redis_kit;
mod serve;
mod session;
mod soak;
mod try_it;
