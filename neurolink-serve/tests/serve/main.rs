//! The accept loop over real sockets.

mod kit;
mod limits;
mod requests;
mod shutdown;
