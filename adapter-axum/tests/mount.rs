//! The app beside native routes, and alone, over real sockets.

#[path = "../../conformance-tests/kit/mount.rs"]
mod kit;
#[path = "../../conformance-tests/kit/mounted.rs"]
mod mounted;

use std::net::SocketAddr;

use axum::Router;
use axum::http::StatusCode;
use axum::routing::{get, post};
use neurolink_axum::{Axum, Connection, Mount, router};
use neurolink_core::App;

const HOST_404: &str = "the host's 404";

fn native(router: Router) -> Router {
    router
        .route("/native/hello", get(|| async { "native" }))
        .route("/native/echo", post(|body: axum::body::Bytes| async { body }))
}

/// A host's own server, with the app mounted beside its routes.
fn host(app: App) -> SocketAddr {
    served(native(Router::new()).fallback(|| async { (StatusCode::NOT_FOUND, HOST_404) }).merge(router(app)))
}

fn served(router: Router) -> SocketAddr {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = listener.local_addr().expect("an address");
    listener.set_nonblocking(true).expect("a socket");
    let listener = tokio::net::TcpListener::from_std(listener).expect("a listener");
    tokio::spawn(async move {
        axum::serve(listener, router.into_make_service_with_connect_info::<Connection>()).await.expect("serves");
    });
    address
}

fn own() -> Axum {
    Axum::new().configure(native)
}

#[tokio::test]
async fn a_nested_router_still_sees_the_whole_path() {
    let app = kit::Kit::new("/outer/api").app;
    let address = served(Router::new().nest_service("/outer", Mount::new(app)));
    assert!(kit::ask(address, "GET", "/outer/api/text").await.contains("\"text\""));
}
