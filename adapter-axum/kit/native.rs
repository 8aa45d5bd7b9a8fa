//! The reference routes as axum serves them itself, with a stack around them.

use std::io;
use std::net::TcpListener;
use std::time::Duration;

use axum::extract::{Path, Request};
use axum::http::{HeaderName, StatusCode, header};
use axum::response::{AppendHeaders, IntoResponse};
use axum::routing::{get, post};
use axum::{Router, ServiceExt};
use neurolink_axum::{Connection, Fact, layer_with};
use neurolink_core::{AuthenticatedUser, ClientAddress, Settings, Stack};
use serde_json::{Value, json};
use tower_layer::Layer as _;

pub(crate) async fn serve(stack: Stack, settings: Settings, listener: TcpListener) -> io::Result<()> {
    let service = layer_with(stack, settings).map_err(io::Error::other)?.layer(routes());
    let service = ServiceExt::<Request>::into_make_service_with_connect_info::<Connection>(service);
    axum::serve(tokio::net::TcpListener::from_std(listener)?, service).await
}

fn data(data: Value) -> impl IntoResponse {
    ([(header::CONTENT_TYPE, "application/json")], Value::from_iter([("data", data)]).to_string())
}

fn routes() -> Router {
    let unsafe_routes = Router::new()
        .route("/admin-echo", post(async |body: String| body))
        .route("/echo", post(async |body: String| body))
        .route("/unsafe", post(async || data(json!("done"))));
    let test = Router::new()
        .route("/whoami", get(whoami))
        .route("/admin", get(async || data(json!("admin"))))
        .route("/panic", get(async || -> &'static str { panic!("secret db password=hunter2") }))
        .route("/error", get(async || StatusCode::INTERNAL_SERVER_ERROR))
        .route("/slow", get(async || tokio::time::sleep(Duration::from_secs(5)).await))
        .route("/own/{id}", get(id).post(async |body: String| body))
        .route("/owned/{id}", get(id))
        .route("/moody/{id}", get(id))
        .route("/params/{id}", get(id))
        .route("/files/{*rest}", get(async |Path(rest): Path<String>| data(json!({ "rest": rest }))))
        .route("/query", get(async || data(json!("query"))))
        .route("/set-cookies", get(async || AppendHeaders([(header::SET_COOKIE, "a=1"), (header::SET_COOKIE, "b=2")])))
        .route("/many", get(many))
        .route("/client", get(client))
        .merge(unsafe_routes);
    Router::new()
        .route("/api/health", get(async || data(json!({ "status": "ok" }))))
        .route("/api/health/live", get(async || data(json!({ "status": "alive" }))))
        .route("/api/health/startup", get(async || data(json!({ "started": true }))))
        .nest("/api/test", test)
}

async fn whoami(Fact(user): Fact<AuthenticatedUser>) -> impl IntoResponse {
    data(json!({ "id": user.id, "roles": user.roles }))
}

async fn client(Fact(ClientAddress(address)): Fact<ClientAddress>) -> impl IntoResponse {
    data(json!({ "address": address }))
}

async fn id(Path(id): Path<String>) -> impl IntoResponse {
    data(json!({ "id": id }))
}

async fn many() -> impl IntoResponse {
    let own = [(HeaderName::from_static("x-custom"), "mine"), (header::X_FRAME_OPTIONS, "SAMEORIGIN")];
    (AppendHeaders(own), data(json!("many")))
}
