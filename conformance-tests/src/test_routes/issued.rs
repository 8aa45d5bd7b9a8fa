//! API keys that are issued and revoked while the server runs, and a store of keys that cannot be asked.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use neurolink_core::middleware::{
    ApiKeyAuth, ApiKeyHash, ApiKeyIssuer, ApiKeyStore, Key, MemoryApiKeys, NewApiKey, RateLimit, StoredApiKey,
};
use neurolink_core::stack::IntoRegistration as _;
use neurolink_core::{
    AppBuilder, AuthenticatedUser, BoxError, Context, Error, FromContext, Json, Path, Route, RouteGroup, State,
};
use serde::Deserialize;
use serde_json::{Value, json};

/// Keys at one time; more are refused.
const MOST: usize = 1000;

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Wanted {
    user: String,
    #[serde(default)]
    roles: Vec<String>,
    days: Option<u32>,
    rate_limit: Option<u32>,
}

/// The app's time.
struct Now(Duration);

impl FromContext for Now {
    async fn from_context(ctx: &mut Context) -> Result<Self, Error> {
        Ok(Self(ctx.now()))
    }
}

async fn issue(
    State(issuer): State<ApiKeyIssuer>,
    Now(now): Now,
    Json(wanted): Json<Wanted>,
) -> Result<Json<Value>, Error> {
    let key = NewApiKey::new(wanted.user).roles(wanted.roles);
    let key = wanted.days.into_iter().fold(key, NewApiKey::expires_in_days);
    let key = wanted.rate_limit.into_iter().fold(key, NewApiKey::rate_limit);
    let issued = issuer.issue(key, now).await?;
    let (id, expires) = (issued.id(), issued.stored().expires.map(|expires| expires.as_secs()));
    Ok(Json(json!({ "id": id, "expires": expires, "key": issued.into_key() })))
}

async fn revoke(State(issuer): State<ApiKeyIssuer>, Path(id): Path<String>) -> Result<Json<Value>, Error> {
    Ok(Json(json!({ "revoked": issuer.revoke(&id).await? })))
}

async fn whoami(user: AuthenticatedUser) -> Json<Value> {
    Json(json!({ "id": user.id, "roles": user.roles }))
}

/// `POST /api/test/keys` and `DELETE /api/test/keys/{id}`, for administrators; `GET /api/test/issued/whoami`, `admin`
/// and `limited`, for keys that were issued so, in the header `x-issued-key`.
pub(crate) fn with_issued_keys(builder: AppBuilder) -> AppBuilder {
    let store = Arc::new(MemoryApiKeys::new(MOST));
    let auth = ApiKeyAuth::store(Arc::clone(&store)).header("x-issued-key").no_failure_limit();
    let limit = RateLimit::fixed_window(100, Duration::from_secs(60)).by(Key::ApiKey);
    let issued = RouteGroup::new("/api/test/issued")
        .route(Route::get("/whoami", whoami))
        .route(Route::get("/admin", async || "admin").roles(["admin"]))
        .route(Route::get("/limited", async || "passed"));
    builder
        .middleware(auth.only(["/api/test/issued/*"]).named("issued-keys"))
        .middleware(limit.only(["/api/test/issued/limited"]).named("by-issued-key"))
        .state(ApiKeyIssuer::new(store))
        .route(Route::post("/api/test/keys", issue).roles(["admin"]))
        .route(Route::delete("/api/test/keys/{id}", revoke).roles(["admin"]))
        .group(issued)
}

struct Down;

#[async_trait]
impl ApiKeyStore for Down {
    async fn find(&self, _: &ApiKeyHash) -> Result<Option<StoredApiKey>, BoxError> {
        Err("secret db password=hunter2 at 10.0.0.5 is down".into())
    }

    async fn insert(&self, _: StoredApiKey, _: Duration) -> Result<(), BoxError> {
        Err("down".into())
    }

    async fn revoke(&self, _: &str) -> Result<bool, BoxError> {
        Err("down".into())
    }
}

/// `GET /api/test/keys-outage`, for users whose keys are in a store that is down, in the header `x-outage-key`, and for
/// those of the configuration.
pub(crate) fn with_keys_outage(builder: AppBuilder) -> AppBuilder {
    let store = ApiKeyAuth::store(Down).header("x-outage-key").no_failure_limit();
    builder
        .middleware(store.only(["/api/test/keys-outage"]).named("keys-that-are-down"))
        .route(Route::get("/api/test/keys-outage", async || "passed"))
}
