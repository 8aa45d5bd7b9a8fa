//! Decisions about who may do what, as events: to observers, and as one line of log each.
//!
//! The core reports what it decides itself. Stores, routes and authenticators of an application report what they decide
//! by [`Context::report`](crate::Context::report) or, where there is no context, by a [`Reporter`].

mod event;
mod log;
mod reason;
mod reporter;
mod required;
mod text;

pub use event::{SecurityEvent, SecurityEventKind};
pub(crate) use log::SecurityLog;
pub use reason::AuthenticationFailure;
pub(crate) use reason::Refusal;
pub use reporter::Reporter;
pub use required::Required;
