//! The conversations: one file a subject.

mod access_log;
pub(crate) mod all;
mod attack;
mod backpressure;
mod bodies;
mod cancel;
mod concurrency;
mod concurrent;
mod connection;
mod crowd;
mod drain;
mod expect;
mod expiry;
mod http2;
mod http2_attacks;
mod identity;
mod issued_keys;
mod keryx;
mod lifecycle;
mod limits;
mod logins;
mod mistakes;
mod passwords;
mod pauses;
pub(crate) mod requests;
mod smuggling;
mod streams;
mod timing;
mod unread;
mod vectors;

pub(crate) use all::ALL;
