//! Limits whose store always fails: what each policy makes of it.

use std::time::Duration;

use async_trait::async_trait;
use neurolink_core::middleware::RateLimit;
use neurolink_core::middleware::limit_store::{LimitKey, LimitStore, OnStoreFailure, Settlement, StoreHandle, Taken};
use neurolink_core::{BoxError, Route, RouteGroup};

/// A store that always fails.
pub(crate) struct Failing;

#[async_trait]
impl LimitStore for Failing {
    fn name(&self) -> &str {
        "failing"
    }

    async fn take(&self, _: &[LimitKey], _: Duration) -> Result<Vec<Taken>, BoxError> {
        Err("it always fails".into())
    }

    async fn look(&self, _: &[LimitKey], _: Duration) -> Result<Vec<Taken>, BoxError> {
        Err("it always fails".into())
    }

    async fn settle(&self, _: &[Settlement], _: Duration) -> Result<(), BoxError> {
        Err("it always fails".into())
    }

    async fn probe(&self) -> Result<(), BoxError> {
        Err("it always fails".into())
    }
}

/// `GET /api/test/store/deny`, `allow` and `local`: four in 60 s, of which half are counted in the process.
pub(crate) fn routes() -> RouteGroup {
    let store = StoreHandle::new(Failing);
    let policies = [
        ("deny", OnStoreFailure::Deny),
        ("allow", OnStoreFailure::Allow),
        ("local", OnStoreFailure::Local { percent: 50 }),
    ];
    policies.into_iter().fold(RouteGroup::new("/api/test/store"), |group, (name, policy)| {
        let limit = RateLimit::fixed_window(4, Duration::from_secs(60)).store(&store).on_store_failure(policy);
        group.route(Route::get(format!("/{name}"), async || "passed").public().rate_limit(limit))
    })
}
