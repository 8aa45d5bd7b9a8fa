//! The onion: middleware, the order they run in, and how they are registered.

mod builder;
mod from_fn;
mod middleware;
mod next;
pub mod order;
mod registration;

pub use builder::{Stack, StackBuilder};
pub(crate) use builder::{TWICE, resolve as resolve_registrations};
pub use from_fn::{FromFn, MiddlewareFn, StatefulMiddlewareFn, WithState, from_fn, from_fn_with};
pub use middleware::{BodyAccess, Hook, Kind, Middleware};
#[cfg(feature = "rate-limit")]
pub(crate) use next::Member;
pub use next::Next;
pub(crate) use next::{At, Endpoint, Reading, Scoped, Step, compile, members, panicked};
pub use registration::{IntoRegistration, Registration};
pub(crate) use registration::{Registered, parse_public};
