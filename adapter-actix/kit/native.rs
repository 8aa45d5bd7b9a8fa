//! The reference routes as actix-web serves them itself, with a stack around them.

use std::io;
use std::net::TcpListener;
use std::time::Duration;

use actix_web::{App, HttpResponse, HttpServer, web};
use neurolink_actix::{Fact, on_connect, transform_with};
use neurolink_core::{AuthenticatedUser, ClientAddress, Settings, Stack};
use serde_json::{Value, json};

pub(crate) async fn serve(stack: Stack, settings: Settings, listener: TcpListener) -> io::Result<()> {
    let around = transform_with(stack, settings).map_err(io::Error::other)?;
    let factory = move || App::new().configure(routes).wrap(around.clone());
    let server = HttpServer::new(factory).workers(2).on_connect(on_connect).disable_signals().listen(listener)?.run();
    server.await
}

fn data(data: Value) -> HttpResponse {
    HttpResponse::Ok().json(Value::from_iter([("data", data)]))
}

/// A route for GET and, as actix does not by itself, for HEAD.
macro_rules! get {
    ($path:literal, $handler:expr) => {
        web::resource($path).route(web::get().to($handler)).route(web::head().to($handler))
    };
}

fn routes(config: &mut web::ServiceConfig) {
    let test = web::scope("/api/test")
        .service(get!("/whoami", whoami))
        .service(get!("/admin", async || data(json!("admin"))))
        .service(get!("/panic", async || -> &'static str { panic!("secret db password=hunter2") }))
        .service(get!("/error", async || HttpResponse::InternalServerError()))
        .service(get!("/slow", slow))
        .service(get!("/params/{id}", id))
        .service(get!("/own/{id}", id).route(web::post().to(async |body: String| body)))
        .service(get!("/owned/{id}", id))
        .service(get!("/moody/{id}", id))
        .service(get!("/files/{rest:.*}", async |rest: web::Path<String>| data(json!({ "rest": rest.into_inner() }))))
        .service(get!("/query", async || data(json!("query"))))
        .service(get!("/set-cookies", set_cookies))
        .service(get!("/many", many))
        .service(get!("/client", client))
        .route("/admin-echo", web::post().to(async |body: String| body))
        .route("/echo", web::post().to(async |body: String| body))
        .route("/unsafe", web::post().to(async || data(json!("done"))));
    config
        .service(get!("/api/health", async || data(json!({ "status": "ok" }))))
        .service(get!("/api/health/live", async || data(json!({ "status": "alive" }))))
        .service(get!("/api/health/startup", async || data(json!({ "started": true }))))
        .service(test);
}

async fn whoami(Fact(user): Fact<AuthenticatedUser>) -> HttpResponse {
    data(json!({ "id": user.id, "roles": user.roles }))
}

async fn id(id: web::Path<String>) -> HttpResponse {
    data(json!({ "id": id.into_inner() }))
}

async fn slow() -> &'static str {
    actix_web::rt::time::sleep(Duration::from_secs(5)).await;
    "late"
}

async fn set_cookies() -> HttpResponse {
    HttpResponse::Ok().append_header(("set-cookie", "a=1")).append_header(("set-cookie", "b=2")).finish()
}

async fn client(Fact(ClientAddress(address)): Fact<ClientAddress>) -> HttpResponse {
    data(json!({ "address": address }))
}

async fn many() -> HttpResponse {
    let mut answer = HttpResponse::Ok();
    answer.append_header(("x-custom", "mine")).append_header(("x-frame-options", "SAMEORIGIN"));
    answer.json(json!({ "data": "many" }))
}
