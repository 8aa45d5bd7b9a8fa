//! The stack around native routes of axum.

#[path = "../../conformance-tests/kit/native.rs"]
mod native;

use axum::Router;
use axum::body::Body;
use axum::routing::{get, post};
use bytes::Bytes;
use http::{HeaderMap, Request, Response};
use http_body_util::BodyExt as _;
use native::{facts, paths};
use neurolink_axum::{Fact, layer, layer_with};
use neurolink_core::middleware::RateLimitState;
use neurolink_core::{AuthenticatedUser, ClientAddress, Inserted, RequestId, Settings, Stack};
use tokio_util::sync::CancellationToken;
use tower::ServiceExt as _;
use tower_layer::Layer as _;

fn team() -> Router {
    Router::new()
        .route("/secret", get(async || paths::reach()))
        .route("/by/{id}", get(async || paths::reach()))
        .route("/all/{*rest}", get(async || paths::reach()))
        .route("/open", get(async || "open"))
}

fn routes() -> Router {
    alone().nest("/team", team())
}

fn alone() -> Router {
    Router::new()
        .route("/limit", get(async |Fact(state): Fact<RateLimitState>| state.remaining.to_string()))
        .route("/tenant", get(async |Fact(Inserted(tenant)): Fact<Inserted<facts::Tenant>>| tenant.0))
        .route("/hang", get(async |Fact(token): Fact<CancellationToken>| facts::hang(token).await))
        .route("/open", get(async || "open"))
        .route("/open/{*rest}", get(async || "open"))
        .route("/admin/panel", get(async || paths::reach()))
        .route("/users/{id}", get(async || paths::reach()))
        .route("/files/{*rest}", get(async || paths::reach()))
        .route("/me", get(|Fact(user): Fact<AuthenticatedUser>| async move { user.id }))
        .route("/id", get(|Fact(id): Fact<RequestId>| async move { id.to_string() }))
        .route("/public", get(|Fact(user): Fact<Option<AuthenticatedUser>>| async move { user.is_some().to_string() }))
        .route("/maybe", get(async |Fact(user): Fact<Option<AuthenticatedUser>>| user.is_some().to_string()))
        .route("/client", get(async |Fact(ClientAddress(address)): Fact<ClientAddress>| address.to_string()))
        .route("/seen", get(|headers: HeaderMap| async move { headers["x-seen"].clone().as_bytes().to_vec() }))
        .route("/echo", post(|body: String| async move { body }))
        .route("/panic", get(async || -> &'static str { panic!("secret") }))
}

struct Axum;

impl native::Native for Axum {
    async fn ask_with(
        &self,
        stack: Option<Stack>,
        settings: Settings,
        request: Request<&'static str>,
    ) -> Response<Bytes> {
        let (service, request) = (routes().into_service::<Body>(), request.map(Body::from));
        let answer = match stack {
            Some(stack) => layer_with(stack, settings).expect("valid").layer(service).oneshot(request).await,
            None => service.oneshot(request).await,
        };
        let (parts, body) = answer.expect("an answer").into_parts();
        Response::from_parts(parts, body.collect().await.expect("a body").to_bytes())
    }

    async fn ask_team(&self, stack: Stack, request: Request<&'static str>) -> Response<Bytes> {
        let router = alone().nest("/team", team().layer(layer(stack).expect("valid")));
        let answer = router.oneshot(request.map(Body::from)).await;
        let (parts, body) = answer.expect("an answer").into_parts();
        Response::from_parts(parts, body.collect().await.expect("a body").to_bytes())
    }
}

native::native_tests!(Axum);
