//! The life of a server, the same on every framework.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use neurolink::engine::{Call, EventStream, Generate, Generation, StreamEvent};
use neurolink::server::{Event, Server, ServerError, State};
use neurolink::{App, Engine, Error, Framework, Reply, Route};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::time::timeout;

struct Quiet;

#[async_trait::async_trait]
impl Engine for Quiet {
    fn name(&self) -> &str {
        "quiet"
    }

    async fn generate(&self, request: Generate, _call: &Call) -> Result<Generation, Error> {
        Ok(Generation::new(request.input.text, "quiet", "quiet-1"))
    }

    async fn stream(&self, _request: Generate, _call: &Call) -> Result<EventStream, Error> {
        Ok(endless(Arc::default()))
    }
}

/// One event every 20 ms, for ever; `dropped` counts streams that were let go.
fn endless(dropped: Arc<AtomicUsize>) -> EventStream {
    struct Counted(Arc<AtomicUsize>);
    impl Drop for Counted {
        fn drop(&mut self) {
            self.0.fetch_add(1, Ordering::SeqCst);
        }
    }
    Box::pin(futures_util::stream::unfold(Counted(dropped), |counted| async move {
        tokio::time::sleep(Duration::from_millis(20)).await;
        Some((Ok(StreamEvent::text("tick ")), counted))
    }))
}

fn server(framework: Framework) -> neurolink::server::ServerBuilder {
    let app = App::builder(Quiet)
        .route(Route::get("/api/x", async || "x"))
        .route(Route::get("/api/slow", async || {
            tokio::time::sleep(Duration::from_millis(300)).await;
            "slow"
        }))
        .route(Route::get("/api/stream", async || Reply::events(endless(Arc::default()))))
        .build()
        .expect("valid");
    Server::with_adapter(app, framework.adapter().expect("compiled in")).bind("127.0.0.1:0")
}

async fn connect(address: SocketAddr, path: &str) -> TcpStream {
    let mut stream = TcpStream::connect(address).await.expect("connects");
    let request = format!("GET {path} HTTP/1.1\r\nHost: localhost\r\n\r\n");
    stream.write_all(request.as_bytes()).await.expect("sends");
    stream
}

async fn rest(mut stream: TcpStream) -> String {
    let mut bytes = Vec::new();
    let _ = timeout(Duration::from_secs(5), stream.read_to_end(&mut bytes)).await.expect("the connection ends");
    String::from_utf8_lossy(&bytes).into_owned()
}

async fn get(address: SocketAddr, path: &str) -> String {
    let mut stream = TcpStream::connect(address).await.expect("connects");
    let request = format!("GET {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n");
    stream.write_all(request.as_bytes()).await.expect("sends");
    rest(stream).await
}

/// Reads until `text` has come.
async fn until(stream: &mut TcpStream, text: &str) {
    let mut seen = String::new();
    let mut buffer = [0; 1024];
    while !seen.contains(text) {
        let read = timeout(Duration::from_secs(5), stream.read(&mut buffer)).await.expect("in time").expect("reads");
        assert!(read > 0, "the connection ended before {text:?}: {seen}");
        seen.push_str(&String::from_utf8_lossy(&buffer[..read]));
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_starts_serves_stops_and_starts_again_with_its_routes() {
    for framework in Framework::ALL {
        let server = server(framework).build();
        let mut events = server.events();
        server.initialize().expect("initializes");
        for _ in 0..2 {
            let address = server.start().await.expect("starts");
            assert_eq!(server.status().state, State::Running, "{framework}");
            assert!(get(address, "/api/x").await.contains("{\"data\":\"x\""), "{framework}");
            server.stop().await.expect("stops");
            assert_eq!(server.status().state, State::Stopped, "{framework}");
            assert!(TcpStream::connect(address).await.is_err(), "{framework} still accepts");
        }
        let mut names = Vec::new();
        while let Ok(Some(Ok(event))) = timeout(Duration::from_millis(50), events.next()).await {
            names.push(match event {
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

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_taken_port_is_an_error_and_the_server_can_start_later() {
    for framework in Framework::ALL {
        let taken = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
        let address = taken.local_addr().expect("an address");
        let server = server(framework).bind(address.to_string()).build();
        server.initialize().expect("initializes");
        let error = server.start().await.expect_err("the port is taken");
        assert!(matches!(error, ServerError::Bind { .. }), "{framework}: {error}");
        assert!(error.to_string().contains("port 0"), "{error}");
        drop(taken);
        server.start().await.expect("starts");
        server.stop().await.expect("stops");
    }
}

#[tokio::test]
async fn wrong_transitions_are_errors_and_stop_is_idempotent() {
    let server = server(Framework::Axum).build();
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
    let exposed = server(Framework::Axum).bind("0.0.0.0:0").build();
    exposed.initialize().expect("initializes");
    let error = exposed.start().await.expect_err("exposed");
    assert!(matches!(error, ServerError::Exposed(_)) && error.to_string().contains("allow_unauthenticated"));
    let allowed = server(Framework::Axum).bind("0.0.0.0:0").allow_unauthenticated().build();
    allowed.initialize().expect("initializes");
    allowed.start().await.expect("starts");
    allowed.stop().await.expect("stops");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_request_in_flight_is_answered_while_the_server_drains() {
    for framework in Framework::ALL {
        let server = server(framework).build();
        server.initialize().expect("initializes");
        let address = server.start().await.expect("starts");
        let stream = connect(address, "/api/slow").await;
        tokio::time::sleep(Duration::from_millis(50)).await;
        let (stopped, answer) = tokio::join!(server.stop(), rest(stream));
        stopped.expect("stops");
        assert!(answer.contains("{\"data\":\"slow\""), "{framework}: {answer}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_idle_connection_does_not_hold_up_the_stop() {
    for framework in Framework::ALL {
        let server = server(framework).build();
        server.initialize().expect("initializes");
        let address = server.start().await.expect("starts");
        let mut idle = connect(address, "/api/x").await;
        until(&mut idle, "\"data\"").await;
        let stopping = tokio::time::Instant::now();
        server.stop().await.expect("stops");
        assert!(stopping.elapsed() < Duration::from_millis(2500), "{framework}: {:?}", stopping.elapsed());
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_open_stream_gets_its_grace_and_then_says_goodbye() {
    for framework in Framework::ALL {
        let server = server(framework).grace(Duration::from_millis(200)).build();
        server.initialize().expect("initializes");
        let address = server.start().await.expect("starts");
        let mut stream = connect(address, "/api/stream").await;
        until(&mut stream, "tick").await;
        let (stopped, answer) = tokio::join!(server.stop(), rest(stream));
        stopped.expect("stops");
        assert!(answer.contains("\"code\":\"DRAINING\""), "{framework}: {answer}");
        assert!(answer.contains("data: [DONE]\n\n"), "{framework}: {answer}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_client_that_leaves_stops_the_stream_and_the_handler() {
    for framework in Framework::ALL {
        let (streams, handlers) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)));
        let stream_dropped = Arc::clone(&streams);
        let handler_dropped = Arc::clone(&handlers);
        let app = App::builder(Quiet)
            .route(Route::get("/api/stream", move || {
                let dropped = Arc::clone(&stream_dropped);
                async move { Reply::events(endless(dropped)) }
            }))
            .route(Route::get("/api/wait", move || {
                let stream = endless(Arc::clone(&handler_dropped));
                async move {
                    std::future::pending::<()>().await;
                    drop(stream);
                }
            }))
            .build()
            .expect("valid");
        let server = Server::with_adapter(app, framework.adapter().expect("compiled in")).bind("127.0.0.1:0").build();
        server.initialize().expect("initializes");
        let address = server.start().await.expect("starts");
        let mut stream = connect(address, "/api/stream").await;
        until(&mut stream, "tick").await;
        drop(stream);
        let waiting = connect(address, "/api/wait").await;
        tokio::time::sleep(Duration::from_millis(50)).await;
        drop(waiting);
        let gone = async {
            while streams.load(Ordering::SeqCst) == 0 || handlers.load(Ordering::SeqCst) == 0 {
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
        };
        assert!(timeout(Duration::from_millis(250), gone).await.is_ok(), "{framework}: {streams:?} {handlers:?}");
        server.stop().await.expect("stops");
    }
}
