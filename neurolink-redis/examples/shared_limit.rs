//! A server whose limit is shared by all that have the same Redis.
//!
//! `REDIS_URL=redis://127.0.0.1/ cargo run -p neurolink-redis --example shared_limit`, twice, each with a `LISTEN` of its own.
//! `GET /api/x` answers with the end of the window, in milliseconds since the epoch.

use std::time::Duration;

use neurolink_axum::Axum;
use neurolink_core::middleware::limit_store::{OnStoreFailure, StoreHandle};
use neurolink_core::middleware::{RateLimit, RateLimitState};
use neurolink_core::server::Server;
use neurolink_core::{App, Context, Error, Route};
use neurolink_redis::RedisStore;
use neurolink_routes::OfflineEngine;

async fn end_of_window(ctx: &mut Context) -> Result<String, Error> {
    let state = ctx.fact::<RateLimitState>().ok_or_else(|| Error::internal("there is no limit"))?;
    Ok(state.resets.as_millis().to_string())
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let variable = |name: &str, otherwise: &str| std::env::var(name).unwrap_or_else(|_| otherwise.into());
    let store = RedisStore::new(&variable("REDIS_URL", "redis://127.0.0.1/"))?;
    let budget = Duration::from_millis(variable("BUDGET_MS", "50").parse()?);
    let window = Duration::from_millis(variable("WINDOW_MS", "500").parse()?);
    let limit = RateLimit::fixed_window(variable("LIMIT", "20").parse()?, window)
        .store(StoreHandle::with_budget(store, budget))
        .on_store_failure(OnStoreFailure::Local { percent: 50 });
    let app =
        App::builder(OfflineEngine::new()).middleware(limit).route(Route::get("/api/x", end_of_window)).build()?;
    let server = Server::builder(app).adapter(Axum::new()).bind(&*variable("LISTEN", "127.0.0.1:3000")).build()?;
    server.initialize()?;
    println!("listening on http://{}", server.start().await?);
    Ok(server.wait().await?)
}
