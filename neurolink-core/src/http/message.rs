//! Requests and responses as the core sees them.

use super::Body;

/// A request as the core sees it.
pub type Request = http::Request<Body>;

/// A response as the core makes it.
pub type Response = http::Response<Body>;
