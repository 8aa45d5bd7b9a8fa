//! Names that are locked after too many failures.
//!
//! Failures are counted in this process, or in the store of limits where servers share them: then the store is asked once
//! before a secret is looked at, once when the attempt begins, and once when it was none.
//! What an attempt gets while the store does not answer is that of limits:
//! [`OnStoreFailure`](crate::middleware::limit_store::OnStoreFailure).

mod attempt;
mod local;
mod rule;
mod stored;
mod whose;

pub(super) use rule::Lockout;
pub(super) use whose::Whose;
