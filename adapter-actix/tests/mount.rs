//! The app beside native routes, and alone, over real sockets.

#[path = "../../conformance-tests/kit/mount.rs"]
mod kit;
#[path = "../../conformance-tests/kit/mounted.rs"]
mod mounted;

use std::net::SocketAddr;

use actix_web::web::{self, ServiceConfig};
use actix_web::{HttpResponse, HttpServer};
use neurolink_actix::{Actix, configure};
use neurolink_core::App;

fn native(config: &mut ServiceConfig) {
    config
        .route("/native/hello", web::get().to(|| async { "native" }))
        .route("/native/echo", web::post().to(|body: web::Bytes| async { body }));
}

/// A host's own server, with the app mounted beside its routes.
fn host(app: App) -> SocketAddr {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = listener.local_addr().expect("an address");
    let server = HttpServer::new(move || {
        actix_web::App::new()
            .configure(native)
            .configure(configure(app.clone()))
            .default_service(web::to(|| async { HttpResponse::NotFound().body("the host's 404") }))
    })
    .on_connect(neurolink_actix::on_connect)
    .workers(1)
    .h1_allow_half_closed(false)
    .disable_signals()
    .listen(listener)
    .expect("listens")
    .run();
    tokio::spawn(server);
    address
}

const HOST_404: &str = "the host's 404";

fn own() -> Actix {
    Actix::new().workers(2).configure(native)
}
