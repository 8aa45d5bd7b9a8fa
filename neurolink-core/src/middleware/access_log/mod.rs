//! One line of log for every request, refused ones included.
//!
//! A `tracing` event with the target `neurolink::access`: method, canonical path without the query, matched pattern,
//! status, milliseconds, client, user, request id and user agent; beside the id of a trusted proxy our own.
//! 401, 403, 429 and a probe's 503 are warnings, other 5xx are errors.
//! What a client chose is cut and its control characters are escaped, so that no line can be forged.
//! [`AccessLog::keryx`] writes the line of Keryx instead.
//!
//! ```
//! use neurolink_core::stack::IntoRegistration as _;
//! use neurolink_core::{Stack, middleware::AccessLog};
//!
//! let stack = Stack::builder().with(AccessLog::new().except(["/api/health"])).build()?;
//! # Ok::<(), neurolink_core::ConfigError>(())
//! ```

mod cut;
mod keryx;
mod log;

pub use log::AccessLog;
