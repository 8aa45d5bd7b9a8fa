//! Bodies, replies, the envelope, and how an error becomes a response.

mod body;
mod envelope;
#[cfg(feature = "concurrency")]
mod held;
mod limited;
mod lines;
mod media;
mod message;
mod parked;
mod pump;
mod read;
mod reply;
pub(crate) mod reserved;
mod timestamp;
mod unread;

pub use body::Body;
pub(crate) use body::UNAVAILABLE;
pub use envelope::Representation;
pub(crate) use envelope::{Stamp, render_error};
pub(crate) use limited::Overflow;
pub use lines::Lines;
pub(crate) use media::{Media, form_pairs, last_of_each, query_pairs, require_identity};
pub use message::{Request, Response, declared_length};
pub use pump::Pump;
pub(crate) use read::{BodyBudget, BodySource, Reservation, too_large};
pub(crate) use reply::Content;
pub use reply::{IntoReply, Reply};
pub(crate) use unread::Unread;
pub use unread::UnreadBody;
