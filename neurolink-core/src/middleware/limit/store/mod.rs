//! Limits that several servers share: the store they count in, and what happens while it does not answer.
//!
//! A [`LimitStore`] counts; a [`StoreHandle`] keeps it from ever stalling a request.
//! Each check has a budget of time; after five failures in a row the store is left alone until a probe in the
//! background finds that it answers again.
//! What a request gets meanwhile is each rule's own choice: [`OnStoreFailure`].
//!
//! All rules of one place in a chain that have the same handle are asked in one call.
//! If one of them refuses, a second call gives back what the others took.
//!
//! ```
//! use std::time::Duration;
//! use neurolink_core::middleware::RateLimit;
//! use neurolink_core::middleware::limit_store::{MemoryStore, OnStoreFailure, StoreHandle};
//!
//! let store = StoreHandle::new(MemoryStore::new(100_000)); // in earnest one that other servers reach too
//! let minute = Duration::from_secs(60);
//! let by_address = RateLimit::sliding_counter(100, minute).store(&store);
//! let lenient = RateLimit::gcra(10, minute).store(&store).on_store_failure(OnStoreFailure::Allow);
//! ```

mod breaker;
mod contract;
mod handle;
mod memory;
mod settling;
mod step;

pub use contract::{Change, Charge, LimitKey, LimitStore, Settlement, Taken};
pub use handle::{OnStoreFailure, StoreHandle};
pub use memory::MemoryStore;
pub(crate) use settling::Settling;
pub(super) use step::{Answer, Stored, StoredLimits, ask, send};

pub use super::algorithm::{Algorithm, Quota};
