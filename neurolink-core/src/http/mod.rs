//! Bodies, replies, the envelope, and how an error becomes a response.

mod body;
mod bounded;
mod coding;
#[cfg(feature = "decompress")]
mod decoded;
mod envelope;
mod fault;
#[cfg(any(feature = "cors", feature = "security-headers"))]
mod fixed;
#[cfg(feature = "concurrency")]
mod held;
mod limited;
mod lines;
mod media;
mod message;
mod number;
mod pace;
mod parked;
mod pump;
mod read;
mod reply;
pub(crate) mod reserved;
mod slot;
mod spare;
mod timestamp;
mod unread;

pub use body::Body;
pub(crate) use body::UNAVAILABLE;
pub use coding::ContentCoding;
pub use envelope::Representation;
pub(crate) use envelope::{Stamp, media_of_error, render_error};
#[cfg(feature = "multipart")]
pub(crate) use fault::BodyFault;
pub(crate) use fault::Fault;
#[cfg(any(feature = "cors", feature = "security-headers"))]
pub(crate) use fixed::fixed;
pub use lines::Lines;
pub(crate) use media::{Media, form_pairs, last_of_each, query_pairs, require_identity};
pub use message::{Request, Response, declared_length};
pub(crate) use number::number;
pub(crate) use pace::Pace;
pub use pump::Pump;
pub(crate) use read::{BodyBudget, BodySource, Reservation, too_large};
#[cfg(feature = "multipart")]
pub(crate) use read::{SharedReservation, unreadable};
pub(crate) use reply::Content;
pub use reply::{IntoReply, Reply};
pub use spare::{give_headers_back, spare_headers};
#[cfg(feature = "rate-limit")]
pub(crate) use timestamp::Timestamp;
pub(crate) use unread::Unread;
pub use unread::UnreadBody;
