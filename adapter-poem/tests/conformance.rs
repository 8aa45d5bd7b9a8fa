//! Every conformance case against poem's own router, with the app mounted beside a native route.

use std::process::ExitCode;

use neurolink_conformance::{reference, run_cli};
use neurolink_poem::{Poem, mount};
use poem::{Route, get, handler};

#[handler]
fn hello() -> &'static str {
    "hello from poem"
}

fn main() -> ExitCode {
    let host = Poem::new().host(|app| mount(Route::new().at("/native/hello", get(hello)), app));
    run_cli(reference::Served::by(host), include_str!("../divergences.toml"))
}
