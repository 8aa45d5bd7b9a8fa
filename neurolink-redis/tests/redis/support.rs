//! Apps without sockets whose limits count in Redis.

use std::net::IpAddr;
use std::time::Duration;

use http_body_util::BodyExt as _;
use neurolink_core::middleware::limit_store::StoreHandle;
use neurolink_core::{App, AppBuilder, Body, ConnInfo, Route};
use neurolink_redis::RedisStore;
use neurolink_routes::OfflineEngine;

pub(crate) const MINUTE: Duration = Duration::from_secs(60);
/// For tests whose Redis is well: on a busy machine it may be slow, and that is not what they are about.
const PATIENT: Duration = Duration::from_secs(10);

/// An app with `GET /api/x`.
pub(crate) fn app() -> AppBuilder {
    App::builder(OfflineEngine::new()).route(Route::get("/api/x", async || "x"))
}

pub(crate) fn store(url: &str) -> RedisStore {
    RedisStore::new(url).expect("a URL")
}

pub(crate) fn patient(store: RedisStore) -> StoreHandle {
    StoreHandle::with_budget(store, PATIENT)
}

/// The status of a request, what is left by its headers, and `Retry-After`.
pub(crate) async fn get(app: &App, peer: &str) -> (u16, String, String) {
    let request = http::Request::builder().uri("/api/x").header("host", "localhost").body(Body::empty());
    let peer: IpAddr = peer.parse().expect("an address");
    let response = app.handle(request.expect("a request"), ConnInfo::new(Some((peer, 5).into()))).await;
    let header = |name: &str| response.headers().get(name).map_or("", |text| text.to_str().expect("text")).to_owned();
    let answer = (response.status().as_u16(), header("x-ratelimit-remaining"), header("retry-after"));
    response.into_body().collect().await.expect("a body");
    answer
}

/// How many of so many requests pass.
pub(crate) async fn passing(app: &App, peer: &str, requests: usize) -> usize {
    let mut passed = 0;
    for _ in 0..requests {
        passed += usize::from(get(app, peer).await.0 == 200);
    }
    passed
}
