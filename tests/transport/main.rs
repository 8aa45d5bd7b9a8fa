//! What happens to a connection before HTTP, the same on every framework: TLS, PROXY headers, Unix sockets, limits.

mod addresses;
mod charged;
mod http2;
mod kit;
mod limits;
mod proxy;
mod stores;
mod tls;
#[cfg(unix)]
mod unix;
