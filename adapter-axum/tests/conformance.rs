//! Every conformance case against axum's own router, with the app mounted beside a native route.

#[path = "../kit/native.rs"]
mod native;

use std::io;
use std::net::TcpListener;
use std::process::ExitCode;

use axum::Router;
use axum::routing::get;
use neurolink_axum::{Axum, Connection, DIVERGENCES, router};
use neurolink_conformance::{reference, run_cli};
use neurolink_core::App;

fn host(app: App) -> Router {
    Router::new().route("/native/hello", get(|| async { "hello from axum" })).merge(router(app))
}

async fn axum_serve(app: App, listener: TcpListener) -> io::Result<()> {
    let service = host(app).into_make_service_with_connect_info::<Connection>();
    axum::serve(tokio::net::TcpListener::from_std(listener)?, service).await
}

fn main() -> ExitCode {
    let subject = reference::Served::by(Axum::new().host(host)).own_server(axum_serve).native_server(native::serve);
    run_cli(subject, DIVERGENCES)
}
