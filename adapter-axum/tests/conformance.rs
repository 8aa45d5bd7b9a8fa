//! Every conformance case against axum's own router, with the app mounted beside a native route.

use std::process::ExitCode;

use axum::Router;
use axum::routing::get;
use neurolink_axum::{Axum, router};
use neurolink_conformance::{reference, run_cli};

fn main() -> ExitCode {
    let host = Axum::new()
        .host(|app| Router::new().route("/native/hello", get(|| async { "hello from axum" })).merge(router(app)));
    run_cli(reference::Served::by(host), include_str!("../divergences.toml"))
}
