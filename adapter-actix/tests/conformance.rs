//! Every conformance case against actix-web's own router, with the app mounted beside a native route.

use std::process::ExitCode;

use actix_web::web;
use neurolink_actix::{Actix, configure};
use neurolink_conformance::{reference, run_cli};

fn main() -> ExitCode {
    let host = Actix::new().workers(2).host(|app, config| {
        config.route("/native/hello", web::get().to(async || "hello from actix"));
        configure(app)(config);
    });
    run_cli(reference::Served::by(host), include_str!("../divergences.toml"))
}
