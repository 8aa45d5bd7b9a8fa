//! Bodies, replies, the envelope, and how an error becomes a response.

mod body;
mod envelope;
mod parked;
mod pump;
mod read;
mod reply;
mod rest;

pub use body::Body;
pub(crate) use body::UNAVAILABLE;
pub use envelope::Representation;
pub(crate) use envelope::{Stamp, render_error};
pub use pump::Pump;
pub(crate) use read::{BodyBudget, BodySource, Reservation};
pub(crate) use reply::Content;
pub use reply::{IntoReply, Reply};
pub(crate) use rest::Rest;

/// A request as the core sees it.
pub type Request = http::Request<Body>;

/// A response as the core makes it.
pub type Response = http::Response<Body>;
