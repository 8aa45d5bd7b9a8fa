//! The app beside native routes, and alone, over real sockets.

#[path = "../../conformance-tests/kit/mount.rs"]
mod kit;
#[path = "../../conformance-tests/kit/mounted.rs"]
mod mounted;

use std::net::SocketAddr;

use neurolink_core::App;
use neurolink_poem::{Poem, mount};
use poem::listener::TcpAcceptor;
use poem::{EndpointExt as _, Route, get, handler, post};

#[handler]
fn hello() -> &'static str {
    "native"
}

#[handler]
fn echo(body: Vec<u8>) -> Vec<u8> {
    body
}

fn native(route: Route) -> Route {
    route.at("/native/hello", get(hello)).at("/native/echo", post(echo))
}

/// A host's own server, with the app mounted beside its routes.
fn host(app: App) -> SocketAddr {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = listener.local_addr().expect("an address");
    listener.set_nonblocking(true).expect("a socket");
    let acceptor = TcpAcceptor::from_std(listener).expect("a listener");
    let routes = mount(native(Route::new()), app).catch_error(|_: poem::error::NotFoundError| async {
        poem::Response::builder().status(poem::http::StatusCode::NOT_FOUND).body(HOST_404)
    });
    tokio::spawn(poem::Server::new_with_acceptor(acceptor).run(routes));
    address
}

const HOST_404: &str = "the host's 404";

fn own() -> Poem {
    Poem::new().route(native)
}
