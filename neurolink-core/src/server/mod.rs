//! Sockets and life cycle: what a framework implements, and what starts and stops it.

mod adapter;
mod shutdown;

pub use adapter::{Adapter, Capabilities, ServeError};
pub use shutdown::{Phase, Shutdown, ShutdownHandle};
