//! Sockets and life cycle: what a framework implements, and what starts and stops it.

mod adapter;
mod error;
mod events;
mod lifecycle;
mod shutdown;

pub use adapter::{Adapter, Capabilities, ServeError};
pub use error::ServerError;
pub(crate) use events::EventSender;
pub use events::{Event, Events};
pub use lifecycle::{Server, ServerBuilder, State, Status};
pub use shutdown::{Phase, Shutdown, ShutdownHandle};
