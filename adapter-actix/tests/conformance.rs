//! Every conformance case against actix-web's own router, with the app mounted beside a native route.

#[path = "../kit/native.rs"]
mod native;

use std::io;
use std::net::TcpListener;
use std::process::ExitCode;

use actix_web::HttpServer;
use actix_web::web::{self, ServiceConfig};
use neurolink_actix::{Actix, DIVERGENCES, configure, on_connect};
use neurolink_conformance::{reference, run_cli};
use neurolink_core::App;

fn host(app: App, config: &mut ServiceConfig) {
    config.route("/native/hello", web::get().to(async || "hello from actix"));
    configure(app)(config);
}

async fn http_server(app: App, listener: TcpListener) -> io::Result<()> {
    let factory = move || {
        let app = app.clone();
        actix_web::App::new().configure(|config| host(app, config))
    };
    let server = HttpServer::new(factory).workers(2).on_connect(on_connect);
    // As the README says, so that a client that leaves cancels its request and events are not gathered.
    let server = server.h1_allow_half_closed(false).tcp_nodelay(true).disable_signals().listen(listener)?.run();
    server.await
}

fn main() -> ExitCode {
    let subject =
        reference::Served::by(Actix::new().workers(2).host(host)).own_server(http_server).native_server(native::serve);
    run_cli(subject, DIVERGENCES)
}
