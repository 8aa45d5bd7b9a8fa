//! The reference routes as poem serves them itself, with a stack around them.

use std::io;
use std::net::TcpListener;
use std::time::Duration;

use neurolink_core::{AuthenticatedUser, ClientAddress, Settings, Stack};
use neurolink_poem::{Fact, middleware_with};
use poem::http::StatusCode;
use poem::listener::TcpAcceptor;
use poem::web::{Json, Path};
use poem::{EndpointExt as _, IntoResponse, Response, Route, Server, get, handler, post};
use serde_json::{Value, json};

pub(crate) async fn serve(stack: Stack, settings: Settings, listener: TcpListener) -> io::Result<()> {
    let around = middleware_with(stack, settings).map_err(io::Error::other)?;
    Server::new_with_acceptor(TcpAcceptor::from_std(listener)?).run(routes().with(around)).await
}

fn data(data: Value) -> Json<Value> {
    Json(Value::from_iter([("data", data)]))
}

fn routes() -> Route {
    let test = Route::new()
        .at("/whoami", get(whoami))
        .at("/admin", get(admin))
        .at("/panic", get(panic))
        .at("/error", get(error))
        .at("/slow", get(slow))
        .at("/params/:id", get(params))
        .at("/own/:id", get(params).post(echo))
        .at("/owned/:id", get(params))
        .at("/moody/:id", get(params))
        .at("/files/*rest", get(files))
        .at("/query", get(admin))
        .at("/set-cookies", get(set_cookies))
        .at("/many", get(many))
        .at("/client", get(client))
        .at("/admin-echo", post(echo))
        .at("/echo", post(echo))
        .at("/unsafe", post(echo));
    Route::new()
        .at("/api/health", get(live))
        .at("/api/health/live", get(live))
        .at("/api/health/startup", get(live))
        .nest("/api/test", test)
}

#[handler]
fn live() -> Json<Value> {
    data(json!({ "status": "alive" }))
}

#[handler]
fn whoami(Fact(user): Fact<AuthenticatedUser>) -> Json<Value> {
    data(json!({ "id": user.id, "roles": user.roles }))
}

#[handler]
fn client(Fact(ClientAddress(address)): Fact<ClientAddress>) -> Json<Value> {
    data(json!({ "address": address }))
}

#[handler]
fn admin() -> Json<Value> {
    data(json!("admin"))
}

#[handler]
fn panic() -> &'static str {
    panic!("secret db password=hunter2")
}

#[handler]
fn error() -> StatusCode {
    StatusCode::INTERNAL_SERVER_ERROR
}

#[handler]
async fn slow() {
    tokio::time::sleep(Duration::from_secs(5)).await;
}

#[handler]
fn params(Path(id): Path<String>) -> Json<Value> {
    data(json!({ "id": id }))
}

#[handler]
fn files(Path(rest): Path<String>) -> Json<Value> {
    data(json!({ "rest": rest }))
}

#[handler]
fn set_cookies() -> Response {
    let mut answer = Response::default();
    for cookie in ["a=1", "b=2"] {
        answer.headers_mut().append("set-cookie", http::HeaderValue::from_static(cookie));
    }
    answer
}

#[handler]
fn many() -> Response {
    let own = data(json!("many")).with_header("x-custom", "mine");
    own.with_header("x-frame-options", "SAMEORIGIN").into_response()
}

#[handler]
fn echo(body: String) -> String {
    body
}
