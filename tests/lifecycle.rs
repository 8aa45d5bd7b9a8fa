//! What the facade shows of a server's life; how each framework serves and stops is the conformance suite's.

use std::io::ErrorKind;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use neurolink::routes::OfflineEngine;
use neurolink::serve::ServeConfig;
use neurolink::server::{Event, Server, ServerBuilder, ServerError, State};
use neurolink::{App, Framework, Route, WithFramework as _};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::time::timeout;

fn app() -> App {
    App::builder(OfflineEngine::new()).route(Route::get("/api/x", async || "x")).build().expect("valid")
}

fn server(framework: Framework) -> ServerBuilder {
    Server::builder(app()).framework(framework).bind("127.0.0.1:0")
}

async fn ask(address: SocketAddr) -> TcpStream {
    let mut stream = TcpStream::connect(address).await.expect("connects");
    stream.write_all(b"GET /api/x HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n").await.expect("sends");
    stream
}

/// Asks, reads the answer and leaves the connection open.
async fn ask_and_keep(stream: &mut TcpStream) {
    stream.write_all(b"GET /api/x HTTP/1.1\r\nHost: localhost\r\n\r\n").await.expect("sends");
    let mut answer = Vec::new();
    while !answer.ends_with(b"}}") {
        let read = timeout(Duration::from_secs(5), stream.read_buf(&mut answer)).await.expect("in time");
        assert!(read.expect("an answer") > 0, "the connection ends: {}", String::from_utf8_lossy(&answer));
    }
}

async fn answer(mut stream: TcpStream) -> String {
    let mut bytes = Vec::new();
    let _ = timeout(Duration::from_secs(5), stream.read_to_end(&mut bytes)).await.expect("the connection ends");
    String::from_utf8_lossy(&bytes).into_owned()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn events_tell_each_life_of_a_server() {
    for framework in Framework::ALL {
        let server = server(framework).build().expect("valid");
        let mut events = server.events();
        server.initialize().expect("initializes");
        for _ in 0..2 {
            let address = server.start().await.expect("starts");
            assert_eq!(server.status().state, State::Running, "{framework}");
            assert!(answer(ask(address).await).await.contains("{\"data\":\"x\""), "{framework}");
            server.stop().await.expect("stops");
            assert_eq!(server.status().state, State::Stopped, "{framework}");
        }
        // The feed ends when the server and its last connection are gone.
        drop(server);
        let mut names = Vec::new();
        while let Some(event) = timeout(Duration::from_secs(5), events.next()).await.expect("the feed ends") {
            names.push(match event.expect("no event is missed") {
                Event::Initialized { .. } => "initialized",
                Event::Started { .. } => "started",
                Event::Request { .. } => "request",
                Event::Response { .. } => "response",
                Event::Draining => "draining",
                Event::Stopped { .. } => "stopped",
                _ => "other",
            });
        }
        let run = ["started", "request", "response", "draining", "stopped"];
        assert_eq!(names, [&["initialized"][..], &run, &run].concat(), "{framework}");
    }
}

#[tokio::test]
async fn wrong_transitions_are_errors_and_stop_is_idempotent() {
    let server = server(Framework::Axum).build().expect("valid");
    assert!(matches!(server.start().await, Err(ServerError::State { .. })));
    server.stop().await.expect("nothing to stop");
    server.initialize().expect("initializes");
    server.start().await.expect("starts");
    assert!(matches!(server.initialize(), Err(ServerError::State { .. })));
    assert!(matches!(server.start().await, Err(ServerError::State { .. })));
    let (one, two) = tokio::join!(server.stop(), server.stop());
    assert!(one.is_ok() && two.is_ok());
    server.stop().await.expect("stopped already");
}

#[tokio::test]
async fn a_public_address_without_an_authenticator_is_refused_unless_allowed() {
    let exposed = server(Framework::Axum).bind("0.0.0.0:0").build().expect("valid");
    exposed.initialize().expect("initializes");
    let error = exposed.start().await.expect_err("exposed");
    assert!(matches!(error, ServerError::Exposed(_)) && error.to_string().contains("allow_unauthenticated"));
    let allowed = server(Framework::Axum).bind("0.0.0.0:0").allow_unauthenticated().build().expect("valid");
    allowed.initialize().expect("initializes");
    allowed.start().await.expect("starts");
    allowed.stop().await.expect("stops");
}

#[cfg(unix)]
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn several_may_share_a_port_if_all_of_them_say_so() {
    let at = |address: SocketAddr| server(Framework::Axum).bind(address.to_string());
    let one = server(Framework::Axum).reuse_port().build().expect("valid");
    one.initialize().expect("initializes");
    let address = one.start().await.expect("starts");
    let two = at(address).reuse_port().build().expect("valid");
    two.initialize().expect("initializes");
    assert_eq!(two.start().await.expect("starts"), address);
    let alone = at(address).build().expect("valid");
    alone.initialize().expect("initializes");
    assert!(matches!(alone.start().await, Err(ServerError::Bind { .. })));
    one.stop().await.expect("stops");
    assert!(answer(ask(address).await).await.starts_with("HTTP/1.1 200"), "the other goes on");
    two.stop().await.expect("stops");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_connection_above_the_cap_waits_and_gets_in_when_there_is_room() {
    let cap = 3;
    for framework in Framework::ALL {
        let entered = Arc::new(AtomicUsize::new(0));
        let count = Arc::clone(&entered);
        let counts = Route::get("/api/x", move || {
            count.fetch_add(1, Ordering::SeqCst);
            std::future::ready("x")
        });
        let app = App::builder(OfflineEngine::new()).route(counts).build().expect("valid");
        let adapter = framework.adapter_with(ServeConfig::default().max_connections(cap)).expect("compiled in");
        let server = Server::builder(app).adapter(adapter).bind("127.0.0.1:0").build().expect("valid");
        server.initialize().expect("initializes");
        let address = server.start().await.expect("starts");
        let mut held = Vec::new();
        for _ in 0..cap {
            let mut stream = TcpStream::connect(address).await.expect("connects");
            ask_and_keep(&mut stream).await;
            held.push(stream);
        }
        let above = ask(address).await;
        // It asked before all of these, and would have its answer before the last of them.
        for _ in 0..20 {
            ask_and_keep(&mut held[0]).await;
        }
        let early = above.try_read(&mut [0; 1]).map_err(|error| error.kind());
        assert_eq!(early, Err(ErrorKind::WouldBlock), "{framework} does not hold to its cap");
        assert_eq!(entered.load(Ordering::SeqCst), cap + 20, "{framework}: what waits has not been looked at");
        held.clear();
        assert!(answer(above).await.contains("{\"data\":\"x\""), "{framework}");
        server.stop().await.expect("stops");
    }
}
