//! axum: bare, with its usual crates, and with our stack around native routes.

use std::net::{SocketAddr, TcpListener};
use std::sync::Arc;

use axum::body::Body;
use axum::extract::FromRequestParts;
use axum::http::request::Parts;
use axum::http::{HeaderName, HeaderValue, Method, StatusCode, header};
use axum::routing::{get, post};
use axum::{Json, Router};
use neurolink::axum::{Axum, layer};
use serde_json::Value;
use tower_governor::GovernorLayer;
use tower_governor::governor::GovernorConfigBuilder;
use tower_http::cors::CorsLayer;
use tower_http::request_id::{MakeRequestUuid, PropagateRequestIdLayer, SetRequestIdLayer};
use tower_http::set_header::SetResponseHeaderLayer;
use tower_layer::Layer as _;

use crate::jobs::{Claims, HEADERS, ORIGIN, verify};
use crate::work::{answer, events, health, item};
use crate::{Failure, ours, runtime};

fn routes() -> Router {
    Router::new()
        .route("/api/health", get(async || Json(health())))
        .route("/api/item", get(async || Json(item())))
        .route("/api/agent/execute", post(async |Json(request): Json<Value>| Json(answer(&request))))
        .route("/api/agent/stream", post(async |Json(_): Json<Value>| streamed()))
}

fn streamed() -> ([(&'static str, &'static str); 1], Body) {
    ([("content-type", "text/event-stream")], Body::from_stream(events()))
}

fn serve(listener: TcpListener, router: Router) -> Result<(), Failure> {
    runtime()?.block_on(async move {
        let listener = tokio::net::TcpListener::from_std(listener)?;
        axum::serve(listener, router.into_make_service_with_connect_info::<SocketAddr>()).await?;
        Ok(())
    })
}

pub(crate) fn bare(listener: TcpListener) -> Result<(), Failure> {
    serve(listener, routes())
}

pub(crate) fn looped(listener: TcpListener) -> Result<(), Failure> {
    ours::looped(&Axum::new().host(|_| routes()), listener)
}

pub(crate) fn native(listener: TcpListener) -> Result<(), Failure> {
    let host = layer(ours::stack()?)?.layer(routes());
    ours::looped(&Axum::new().host(move |_| Router::new().fallback_service(host.clone())), listener)
}

/// The caller of a handler with the usual extractor.
struct Caller(#[expect(dead_code, reason = "the handlers have no use for it")] Claims);

impl<S: Sync> FromRequestParts<S> for Caller {
    type Rejection = StatusCode;

    async fn from_request_parts(parts: &mut Parts, _state: &S) -> Result<Self, StatusCode> {
        let value = parts.headers.get(header::AUTHORIZATION).and_then(|value| value.to_str().ok());
        verify(value).map(Self).ok_or(StatusCode::UNAUTHORIZED)
    }
}

pub(crate) fn usual(listener: TcpListener) -> Result<(), Failure> {
    let quota = GovernorConfigBuilder::default().per_nanosecond(1).burst_size(u32::MAX).finish();
    let quota = quota.ok_or("the quota is not one")?;
    let id = HeaderName::from_static("x-request-id");
    let cors = CorsLayer::new()
        .allow_origin([HeaderValue::from_static(ORIGIN)])
        .allow_methods([Method::GET, Method::POST])
        .allow_headers([header::AUTHORIZATION, header::CONTENT_TYPE]);
    let mut router = Router::new()
        .route("/api/health", get(async || Json(health())))
        .route("/api/item", get(async |_: Caller| Json(item())))
        .route("/api/agent/execute", post(async |_: Caller, Json(request): Json<Value>| Json(answer(&request))))
        .route("/api/agent/stream", post(async |_: Caller, Json(_): Json<Value>| streamed()))
        .layer(GovernorLayer::new(Arc::new(quota)))
        .layer(cors);
    for (name, value) in HEADERS {
        let layer =
            SetResponseHeaderLayer::if_not_present(HeaderName::from_static(name), HeaderValue::from_static(value));
        router = router.layer(layer);
    }
    let router =
        router.layer(PropagateRequestIdLayer::new(id.clone())).layer(SetRequestIdLayer::new(id, MakeRequestUuid));
    serve(listener, router)
}
