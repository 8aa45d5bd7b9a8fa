//! API keys: an administrator issues and revokes them, users call with them.
//!
//! ```sh
//! cargo run --example api_keys
//! curl -X POST -H "X-API-Key: $ADMIN_KEY" -H 'Content-Type: application/json' \
//!   -d '{"user":"alice","roles":["reader"]}' http://127.0.0.1:3000/api/keys      # the key, this once
//! curl -H 'X-API-Key: nl_...' http://127.0.0.1:3000/api/reports
//! curl -X DELETE -H "X-API-Key: $ADMIN_KEY" http://127.0.0.1:3000/api/keys/ID
//! ```

use std::sync::Arc;
use std::time::Duration;

use neurolink::middleware::{ApiKey, ApiKeyAuth, ApiKeyIssuer, Key, MemoryApiKeys, NewApiKey, RateLimit};
use neurolink::routes::OfflineEngine;
use neurolink::{AuthenticatedUser, Clock as _, Code, Error, Json, Path, Route, State, SystemClock, create_server};
use serde_json::{Value, json};

/// What may be given to others: the caller chooses no role beyond these.
const ROLES: [&str; 2] = ["reader", "writer"];

async fn issue(State(issuer): State<ApiKeyIssuer>, Json(wanted): Json<Value>) -> Result<Json<Value>, Error> {
    let user = wanted["user"].as_str().unwrap_or_default();
    let roles: Vec<&str> = wanted["roles"].as_array().into_iter().flatten().filter_map(Value::as_str).collect();
    if roles.iter().any(|role| !ROLES.contains(role)) {
        return Err(Error::new(Code::Forbidden).with_message("A key may have the roles reader and writer"));
    }
    let key = NewApiKey::new(user).roles(roles).expires_in_days(90).rate_limit(3);
    let issued = issuer.issue(key, SystemClock.now()).await?;
    let id = issued.id();
    // The only time that the key itself is seen.
    Ok(Json(json!({ "id": id, "key": issued.into_key() })))
}

async fn revoke(State(issuer): State<ApiKeyIssuer>, Path(id): Path<String>) -> Result<&'static str, Error> {
    match issuer.revoke(&id).await? {
        true => Ok("revoked"),
        false => Err(Error::not_found("There is no key of this id")),
    }
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    // In memory for this example; `neurolink::redis::RedisApiKeys` is a store that servers share.
    let store = Arc::new(MemoryApiKeys::new(10_000));
    // The first administrator's key is configured; by its hash, as `neurolink key issue` gives it, it stands in no file.
    let admin = std::env::var("ADMIN_KEY").map_err(|_| "set ADMIN_KEY to a key of `neurolink key issue`")?;
    let admin = ApiKey::new(admin, AuthenticatedUser::new("root").with_roles(["admin"]));
    let server = create_server(OfflineEngine::new())
        .middleware(ApiKeyAuth::keys([admin]).or_store(Arc::clone(&store)))
        .middleware(RateLimit::fixed_window(100, Duration::from_secs(60)).by(Key::ApiKey))
        .state(ApiKeyIssuer::new(store))
        .route(Route::post("/api/keys", issue).roles(["admin"]))
        .route(Route::delete("/api/keys/{id}", revoke).roles(["admin"]))
        .route(Route::get("/api/reports", async |user: AuthenticatedUser| user.id).roles(["reader"]))
        .bind(std::env::var("LISTEN").unwrap_or_else(|_| "127.0.0.1:3000".into()))
        .build()?;
    server.initialize()?;
    println!("listening on http://{}", server.start().await?);
    server.wait().await?;
    Ok(())
}
