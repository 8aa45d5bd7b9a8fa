//! Encryption by rustls.

mod certificate;
mod error;
mod files;

pub use certificate::Tls;
pub(crate) use certificate::facts;
pub use error::{TlsError, TlsProblem};
