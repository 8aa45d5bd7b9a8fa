//! Handlers and what they take: values that a request holds.

mod facts;
mod form;
mod from_context;
mod handler;
mod json;
#[cfg(feature = "multipart")]
mod multipart;
mod needs;
mod text;
mod values;

pub use form::Form;
pub use from_context::FromContext;
pub(crate) use handler::ErasedHandler;
pub use handler::{ByContext, ContextFn, Handler};
pub use json::Json;
#[cfg(feature = "multipart")]
pub use multipart::{Multipart, Part};
pub use needs::Needs;
pub use values::{Params, Path, Query, State};
