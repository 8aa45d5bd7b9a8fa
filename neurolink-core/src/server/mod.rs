//! Sockets and life cycle: what a framework implements, and what starts and stops it.

mod adapter;
mod builder;
mod error;
mod events;
mod lifecycle;
mod listen;
mod listener;
mod networks;
mod shutdown;
mod signals;
mod state;

pub use adapter::{Adapter, Capabilities, ServeError};
pub use builder::ServerBuilder;
pub use error::ServerError;
pub(crate) use events::EventSender;
pub use events::{Event, Events};
pub use lifecycle::Server;
pub use listener::Listener;
pub use networks::Networks;
pub use shutdown::{Phase, Shutdown, ShutdownHandle};
pub use state::{State, Status};
