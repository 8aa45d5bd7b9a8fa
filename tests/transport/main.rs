//! What happens to a connection before HTTP, the same on every framework: TLS, PROXY headers, Unix sockets, limits.

mod addresses;
mod charged;
mod kit;
mod limits;
mod proxy;
mod stores;
mod tls;
#[cfg(unix)]
mod unix;
