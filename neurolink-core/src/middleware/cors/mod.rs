//! Which other origins may read the answers (Fetch standard, CORS protocol).
//!
//! Off unless registered. A preflight is answered here, before authentication, and never goes further inside;
//! every other response gets its headers, errors and streams included.
//! A denied origin gets no `Access-Control-*` header at all, but for what [`Cors::announce`] tells everybody, and
//! `Vary: Origin` is set whenever the origin decides.
//! An origin that CORS allows may also send state-changing requests from its site.
//!
//! A wildcard together with credentials would let any site read authenticated answers: it is a mistake at build.
//!
//! ```
//! use neurolink_core::{Stack, middleware::Cors};
//!
//! let cors = Cors::list(["https://app.example.com"]).credentials(true);
//! let stack = Stack::builder().with(cors).build()?;
//! # Ok::<(), neurolink_core::ConfigError>(())
//! ```

mod answer;
mod rules;

pub use rules::{Cors, Denied};
