//! Lockouts that count in a store: two that share one, and some whose store always fails.

use std::time::Duration;

use neurolink_core::middleware::limit_store::{MemoryStore, OnStoreFailure, StoreHandle};
use neurolink_core::middleware::{BasicAuth, PasswordHash, PasswordUser};
use neurolink_core::stack::IntoRegistration as _;
use neurolink_core::{AppBuilder, AuthenticatedUser, Route};

use crate::failing_store::Failing;

/// Of `correct horse`.
const HASH: &str = "$argon2id$v=19$m=7168,t=1,p=1$c2FsdC1mb3ItdGVzdHM$/1ZUydr1QQ0gEJrK1BFmOleeZaTC2eEV00YfNJTIKtg";
const WINDOW: Duration = Duration::from_secs(15 * 60);

/// `GET /api/test/lockout/{one,two,apart,deny,allow,local}`, for `ada` with `correct horse` by Basic.
///
/// `one` and `two` lock a name together after two failures from one network, as two servers with one store do; `apart`
/// has a store of its own. The store of the others always fails: by `local`, two of four failures are left.
///
/// # Errors
/// The hash is malformed.
pub(crate) fn with_lockouts(builder: AppBuilder) -> Result<AppBuilder, String> {
    let ada = PasswordUser::new("ada", PasswordHash::parse(HASH)?, AuthenticatedUser::new("u1"));
    let auth = |failures, store: &StoreHandle| {
        BasicAuth::users([ada.clone()]).no_failure_limit().lockout(failures, 10_000, WINDOW).lockout_store(store)
    };
    let memory = || StoreHandle::with_budget(MemoryStore::new(20_000), Duration::from_secs(5));
    let (shared, failing) = (memory(), StoreHandle::new(Failing));
    let fails = |policy| auth(4, &failing).on_lockout_store_failure(policy);
    let all = [
        ("/api/test/lockout/one", auth(2, &shared)),
        ("/api/test/lockout/two", auth(2, &shared)),
        ("/api/test/lockout/apart", auth(2, &memory())),
        ("/api/test/lockout/deny", fails(OnStoreFailure::Deny)),
        ("/api/test/lockout/allow", fails(OnStoreFailure::Allow)),
        ("/api/test/lockout/local", fails(OnStoreFailure::Local { percent: 50 })),
    ];
    Ok(all.into_iter().fold(builder, |builder, (path, auth)| {
        let route = Route::get(path, async || "passed");
        builder.middleware(auth.only([path]).named(format!("lockout-at-{path}"))).route(route)
    }))
}
