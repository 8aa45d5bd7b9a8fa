//! The accept loop over real sockets.

mod kit;
mod limits;
mod ready;
mod requests;
mod shutdown;
