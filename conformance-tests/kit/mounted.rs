//! The tests of every adapter's mount and own server; the adapter's file has the host and the server.
//! What of a client's leaving a host's server tells is measured by the suite, as `own-server/cancel/..`.

use std::net::SocketAddr;
use std::time::Duration;

use neurolink_core::App;
use neurolink_core::server::{Adapter, Phase, ServeError, Shutdown, ShutdownHandle};
use tokio::task::JoinHandle;
use tokio::time::timeout;

use super::kit::{Kit, Open, ask, body, is_our_404, old_clients, send};
use super::{HOST_404, host, own};

type Serving = JoinHandle<Result<(), ServeError>>;

fn own_server(adapter: &impl Adapter, app: &App) -> (SocketAddr, ShutdownHandle, Serving) {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = listener.local_addr().expect("an address");
    let (handle, shutdown) = Shutdown::new();
    let serving = adapter.serve(app.with_shutdown(shutdown.clone()), listener.into(), shutdown);
    (address, handle, tokio::spawn(serving))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn everything_comes_through_a_host() {
    let kit = Kit::new("/api");
    let address = host(kit.app.clone());
    kit.passes(address, "/api").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_not_below_the_base_path_stays_the_hosts() {
    let address = host(Kit::new("/api").app);
    assert_eq!(body(&ask(address, "GET", "/native/hello").await), "native");
    let post = "POST /native/echo HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nContent-Length: 3\r\n\r\nabc";
    assert_eq!(body(&send(address, post).await), "abc");
    for foreign in ["/nope", "/", "/apix", "/ap", "/native/api/text"] {
        assert_eq!(body(&ask(address, "GET", foreign).await), HOST_404, "{foreign}");
    }
    for ours in ["/api", "/api/", "/api/nope", "/api//x"] {
        let answer = ask(address, "GET", ours).await;
        assert!(is_our_404(&answer), "{ours}: {answer}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn everything_comes_through_the_own_server() {
    for base in ["/api", ""] {
        let kit = Kit::new(base);
        let (address, _handle, _serving) = own_server(&own(), &kit.app);
        old_clients(&kit, address, base).await;
        kit.passes(address, base).await;
        kit.cancels(address, base).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_own_server_gives_every_other_path_to_the_app() {
    for base in ["/api", ""] {
        let kit = Kit::new(base);
        let (address, _handle, _serving) = own_server(&own(), &kit.app);
        assert_eq!(body(&ask(address, "GET", "/native/hello").await), "native");
        let post = "POST /native/echo HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nContent-Length: 3\r\n\r\nabc";
        assert_eq!(body(&send(address, post).await), "abc");
        for path in ["/nope", "/", "/native/nope"] {
            let answer = ask(address, "GET", path).await;
            assert!(is_our_404(&answer), "{path}: {answer}");
        }
        let answer = ask(address, "CONNECT", "localhost:80").await;
        assert!(answer.contains("\"error\":{\"code\""), "{answer}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_own_server_stops_at_once_when_nothing_is_open() {
    let (address, handle, serving) = own_server(&own(), &Kit::new("/api").app);
    assert!(ask(address, "GET", "/api/text").await.contains("text"));
    handle.advance(Phase::Draining);
    timeout(Duration::from_millis(500), serving).await.expect("ends at once").expect("no panic").expect("ends well");
    assert!(tokio::net::TcpStream::connect(address).await.is_err());
}

// Shows V63.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_draining_server_still_serves_open_connections() {
    let (address, handle, serving) = own_server(&own(), &Kit::new("/api").app);
    let request = "GET /api/text HTTP/1.1\r\nHost: localhost\r\n\r\n";
    let mut open = Open::new(address).await;
    assert!(open.ask(request, "\"text\"").await.contains("200 OK"));
    let idle = Open::new(address).await;
    handle.advance(Phase::Draining);
    while tokio::net::TcpStream::connect(address).await.is_ok() {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    let answer = open.ask(request, "\"text\"").await;
    assert!(answer.contains("200 OK") && answer.contains("connection: close"), "{answer}");
    handle.advance(Phase::Refusing);
    let ended = timeout(Duration::from_millis(1500), serving).await;
    ended.expect("closes what is idle").expect("no panic").expect("ends well");
    drop(idle);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_forced_server_cuts_what_is_open() {
    let kit = Kit::new("/api");
    let (address, handle, serving) = own_server(&own(), &kit.app);
    let mut open = Open::new(address).await;
    open.send("GET /api/wait HTTP/1.1\r\nHost: localhost\r\n\r\n").await;
    kit.at_work().await;
    handle.advance(Phase::Forced);
    timeout(Duration::from_millis(2500), serving).await.expect("ends").expect("no panic").expect("ends well");
    assert_eq!(open.rest().await, "");
}
