//! Every conformance case against poem's own router, with the app mounted beside a native route.

#[path = "../kit/native.rs"]
mod native;

use std::io;
use std::net::TcpListener;
use std::process::ExitCode;

use neurolink_conformance::{reference, run_cli};
use neurolink_core::App;
use neurolink_poem::{DIVERGENCES, Poem, mount};
use poem::listener::TcpAcceptor;
use poem::{Route, get, handler};

#[handler]
fn hello() -> &'static str {
    "hello from poem"
}

fn host(app: App) -> Route {
    mount(Route::new().at("/native/hello", get(hello)), app)
}

async fn poem_server(app: App, listener: TcpListener) -> io::Result<()> {
    poem::Server::new_with_acceptor(TcpAcceptor::from_std(listener)?).run(host(app)).await
}

fn main() -> ExitCode {
    let subject = reference::Served::by(Poem::new().host(host)).own_server(poem_server).native_server(native::serve);
    run_cli(subject, DIVERGENCES)
}
