//! The accept loop over real sockets.

use std::convert::Infallible;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use bytes::Bytes;
use http::{Request, Response};
use http_body_util::{BodyExt as _, Full, StreamBody, combinators::UnsyncBoxBody};
use hyper::body::{Frame, Incoming};
use hyper_util::rt::{TokioExecutor, TokioIo};
use neurolink_core::server::{Phase, Shutdown, ShutdownHandle};
use neurolink_serve::{Connection, ServeConfig, serve};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::task::JoinHandle;
use tokio::time::{Instant, sleep, timeout};

type Body = UnsyncBoxBody<Bytes, Infallible>;

/// Counts what is alive.
#[derive(Clone, Default)]
struct Alive(Arc<AtomicUsize>);

impl Alive {
    fn one(&self) -> Guard {
        self.0.fetch_add(1, Ordering::SeqCst);
        Guard(self.clone())
    }

    async fn becomes(&self, count: usize) {
        let reached = async {
            while self.0.load(Ordering::SeqCst) != count {
                sleep(Duration::from_millis(5)).await;
            }
        };
        timeout(Duration::from_secs(2), reached).await.expect("in time");
    }
}

struct Guard(Alive);

impl Drop for Guard {
    fn drop(&mut self) {
        self.0.0.fetch_sub(1, Ordering::SeqCst);
    }
}

/// `/` answers, `/slow` answers after 200 ms, `/never` does not, `/stream` sends one chunk and then nothing.
async fn answer(request: Request<Incoming>, alive: Alive) -> Result<Response<Body>, Infallible> {
    let guard = alive.one();
    Ok(Response::new(match request.uri().path() {
        "/slow" => {
            sleep(Duration::from_millis(200)).await;
            Full::from("slow").boxed_unsync()
        }
        "/never" => std::future::pending().await,
        "/stream" => {
            let frames = futures_util::stream::unfold((0, guard), |(count, guard)| async move {
                if count > 0 {
                    std::future::pending::<()>().await;
                }
                Some((Ok(Frame::data(Bytes::from_static(b"first"))), (count + 1, guard)))
            });
            StreamBody::new(frames).boxed_unsync()
        }
        _ => Full::from("hello").boxed_unsync(),
    }))
}

struct Server {
    address: SocketAddr,
    handle: ShutdownHandle,
    task: JoinHandle<()>,
    alive: Alive,
}

fn start(config: ServeConfig) -> Server {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = listener.local_addr().expect("an address");
    let (handle, shutdown) = Shutdown::new();
    let alive = Alive::default();
    let counted = alive.clone();
    let task = tokio::spawn(async move {
        let make = move |_: Connection| {
            let alive = counted.clone();
            tower::service_fn(move |request| answer(request, alive.clone()))
        };
        serve(listener, config, shutdown, make).await.expect("serves");
    });
    Server { address, handle, task, alive }
}

fn quick() -> ServeConfig {
    ServeConfig::default().header_read_timeout(Duration::from_millis(150))
}

async fn connect(server: &Server, bytes: &str) -> TcpStream {
    let mut stream = TcpStream::connect(server.address).await.expect("connects");
    stream.write_all(bytes.as_bytes()).await.expect("sends");
    stream
}

/// What comes until the connection ends.
async fn rest(stream: &mut TcpStream) -> String {
    let mut bytes = Vec::new();
    let _ = timeout(Duration::from_secs(3), stream.read_to_end(&mut bytes)).await.expect("the connection ends");
    String::from_utf8_lossy(&bytes).into_owned()
}

const GET: &str = "GET / HTTP/1.1\r\nhost: x\r\n\r\n";
const GET_CLOSE: &str = "GET / HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n";

#[tokio::test]
async fn http_1_and_http_2_by_prior_knowledge_are_served() {
    let server = start(ServeConfig::default());
    assert!(rest(&mut connect(&server, GET_CLOSE).await).await.ends_with("hello"));
    let stream = TcpStream::connect(server.address).await.expect("connects");
    let (mut send, connection) =
        hyper::client::conn::http2::handshake(TokioExecutor::new(), TokioIo::new(stream)).await.expect("shakes hands");
    let driving = tokio::spawn(connection);
    let request = Request::get("http://x/").body(Full::<Bytes>::default()).expect("a request");
    let response = send.send_request(request).await.expect("answers");
    assert_eq!(response.version(), http::Version::HTTP_2);
    driving.abort();
}

#[tokio::test]
async fn a_silent_a_half_prefaced_and_a_slow_connection_are_closed() {
    let server = start(quick());
    for bytes in ["", "PRI * HT", "GET / HT", "GET / HTTP/1.1\r\nhost: x\r\n"] {
        let started = Instant::now();
        let answer = rest(&mut connect(&server, bytes).await).await;
        assert!(!answer.contains(" 200 "), "{bytes:?}: {answer}");
        assert!(started.elapsed() < Duration::from_secs(1), "{bytes:?}: {:?}", started.elapsed());
    }
}

#[tokio::test]
async fn an_idle_connection_is_closed_after_a_while() {
    let server = start(quick());
    let started = Instant::now();
    assert!(rest(&mut connect(&server, GET).await).await.contains("hello"));
    assert!(started.elapsed() < Duration::from_secs(1), "{:?}", started.elapsed());
}

#[tokio::test]
async fn a_request_that_takes_longer_than_the_head_may_is_answered() {
    let server = start(quick());
    let mut stream = connect(&server, "GET /slow HTTP/1.0\r\n\r\n").await;
    assert!(rest(&mut stream).await.ends_with("slow"));
}

#[tokio::test]
async fn connections_above_the_cap_wait() {
    let server = start(ServeConfig::default().max_connections(1));
    let first = connect(&server, "GET /never HTTP/1.1\r\nhost: x\r\n\r\n").await;
    server.alive.becomes(1).await;
    let mut second = connect(&server, GET_CLOSE).await;
    let mut byte = [0];
    assert!(timeout(Duration::from_millis(100), second.read(&mut byte)).await.is_err(), "it was served above the cap");
    drop(first);
    assert!(rest(&mut second).await.ends_with("hello"));
}

#[tokio::test]
async fn a_chunk_leaves_at_once_and_a_client_that_leaves_drops_the_stream() {
    let server = start(ServeConfig::default());
    let mut stream = connect(&server, "GET /stream HTTP/1.1\r\nhost: x\r\n\r\n").await;
    let mut seen = String::new();
    let mut buffer = [0; 256];
    while !seen.contains("first") {
        let read = timeout(Duration::from_secs(1), stream.read(&mut buffer)).await.expect("at once").expect("reads");
        seen.push_str(&String::from_utf8_lossy(&buffer[..read]));
    }
    server.alive.becomes(1).await;
    drop(stream);
    server.alive.becomes(0).await;
}

#[tokio::test]
async fn draining_answers_what_is_in_flight_and_refuses_new_connections() {
    let server = start(ServeConfig::default());
    let mut slow = connect(&server, "GET /slow HTTP/1.1\r\nhost: x\r\n\r\n").await;
    let mut idle = connect(&server, "").await;
    server.alive.becomes(1).await;
    server.handle.advance(Phase::Draining);
    server.handle.advance(Phase::Refusing);
    assert!(rest(&mut slow).await.ends_with("slow"));
    assert_eq!(rest(&mut idle).await, "");
    timeout(Duration::from_secs(1), server.task).await.expect("ends").expect("ends well");
    assert!(TcpStream::connect(server.address).await.is_err());
}

#[tokio::test]
async fn between_draining_and_refusing_an_open_connection_is_still_served() {
    let server = start(ServeConfig::default());
    let mut open = connect(&server, GET).await;
    let mut buffer = [0; 256];
    assert!(open.read(&mut buffer).await.expect("reads") > 0);
    server.handle.advance(Phase::Draining);
    open.write_all(GET_CLOSE.as_bytes()).await.expect("sends");
    assert!(rest(&mut open).await.ends_with("hello"));
}

#[tokio::test]
async fn forced_cuts_an_endless_stream_and_dropping_the_server_too() {
    for force in [true, false] {
        let server = start(ServeConfig::default());
        let mut stream = connect(&server, "GET /stream HTTP/1.1\r\nhost: x\r\n\r\n").await;
        server.alive.becomes(1).await;
        if force {
            server.handle.advance(Phase::Forced);
        } else {
            server.task.abort();
        }
        server.alive.becomes(0).await;
        rest(&mut stream).await;
    }
}
