//! The app beside native routes, and alone, over real sockets.

#[path = "../../conformance-tests/kit/mount.rs"]
mod kit;
#[path = "../../conformance-tests/kit/mounted.rs"]
mod mounted;

use std::net::SocketAddr;

use neurolink_core::App;
use neurolink_warp::{Warp, filter};
use warp::{Filter, Rejection, Reply};

fn native() -> impl Filter<Extract = (impl Reply,), Error = Rejection> + Clone + Send + Sync + 'static {
    let hello = warp::path!("native" / "hello").and(warp::get()).map(|| "native");
    let echo = warp::path!("native" / "echo").and(warp::post()).and(warp::body::bytes());
    hello.or(echo.map(|body: bytes::Bytes| body.to_vec()))
}

/// A host's own server, with the app mounted beside its routes.
fn host(app: App) -> SocketAddr {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = listener.local_addr().expect("an address");
    listener.set_nonblocking(true).expect("a socket");
    let listener = tokio::net::TcpListener::from_std(listener).expect("a listener");
    // The app first: it must not take the bodies of what is not its own.
    let routes = filter(app).or(native()).recover(|rejection: Rejection| async move {
        if rejection.is_not_found() {
            return Ok(warp::reply::with_status(HOST_404, warp::http::StatusCode::NOT_FOUND));
        }
        Err(rejection)
    });
    tokio::spawn(warp::serve(routes).incoming(listener).run());
    address
}

const HOST_404: &str = "the host's 404";

fn own() -> Warp {
    Warp::new().filter(native())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn connect_is_the_apps_below_its_base_path_and_without_a_path_the_hosts() {
    let address = host(kit::Kit::new("/api").app);
    let answer = kit::ask(address, "CONNECT", "/api/hello").await;
    assert!(kit::is_our_404(&answer), "{answer}");
    for target in ["/elsewhere", "evil.example:443"] {
        let answer = kit::ask(address, "CONNECT", target).await;
        assert!(answer.starts_with("HTTP/1.1 404") && answer.ends_with(HOST_404), "{target}: {answer}");
    }
    // An app of every path has no path to go by.
    let address = host(kit::Kit::new("").app);
    let answer = kit::ask(address, "CONNECT", "evil.example:443").await;
    assert!(answer.starts_with("HTTP/1.1 4"), "{answer}");
}
