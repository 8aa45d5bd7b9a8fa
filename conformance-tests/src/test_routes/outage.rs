//! A store of users that cannot be asked.

use async_trait::async_trait;
use neurolink_core::middleware::{BasicAuth, PasswordHash, PasswordStore, PasswordUser};
use neurolink_core::stack::IntoRegistration as _;
use neurolink_core::{AppBuilder, BoxError, Route};

/// The hash of a password that nobody has.
const DECOY: &str = "$argon2id$v=19$m=7168,t=1,p=1$c2FsdC1mb3ItdGVzdHM$/1ZUydr1QQ0gEJrK1BFmOleeZaTC2eEV00YfNJTIKtg";

struct Down(PasswordHash);

#[async_trait]
impl PasswordStore for Down {
    async fn find(&self, _: &str) -> Result<Option<PasswordUser>, BoxError> {
        Err("secret db password=hunter2 at 10.0.0.5 is down".into())
    }

    fn decoy(&self) -> PasswordHash {
        self.0.clone()
    }
}

/// `GET /api/test/outage`, for users whose names and passwords are in that store, and for those of the configuration.
///
/// # Errors
/// The hash is malformed.
pub(crate) fn with_outage(builder: AppBuilder) -> Result<AppBuilder, String> {
    let store = BasicAuth::store(Down(PasswordHash::parse(DECOY)?)).no_failure_limit();
    Ok(builder
        .middleware(store.only(["/api/test/outage"]).named("store-that-is-down"))
        .route(Route::get("/api/test/outage", async || "passed")))
}
