//! Every conformance case against warp's own filters, with the app mounted beside a native route.

use std::process::ExitCode;

use neurolink_conformance::{reference, run_cli};
use neurolink_warp::{Warp, filter};
use warp::Filter as _;

fn main() -> ExitCode {
    let host = Warp::new().host(|app| {
        let native = warp::path!("native" / "hello").and(warp::get()).map(|| "hello from warp");
        filter(app).or(native)
    });
    run_cli(reference::Served::by(host), include_str!("../divergences.toml"))
}
