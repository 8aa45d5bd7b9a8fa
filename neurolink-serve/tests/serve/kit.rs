//! A server whose handlers are counted, and clients that write raw bytes.

use std::convert::Infallible;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use bytes::Bytes;
use http::{Request, Response};
use http_body_util::{BodyExt as _, Full, StreamBody, combinators::UnsyncBoxBody};
use hyper::body::{Frame, Incoming};
use hyper::client::conn::http2::SendRequest;
use hyper_util::rt::{TokioExecutor, TokioIo};
use neurolink_core::ConnInfo;
use neurolink_core::server::{Shutdown, ShutdownHandle};
use neurolink_serve::{ServeConfig, serve};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::task::JoinHandle;
use tokio::time::{sleep, timeout};

pub(crate) const GET: &str = "GET / HTTP/1.1\r\nhost: x\r\n\r\n";
pub(crate) const GET_CLOSE: &str = "GET / HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n";
pub(crate) const NEVER: &str = "GET /never HTTP/1.1\r\nhost: x\r\n\r\n";
pub(crate) const STREAM: &str = "GET /stream HTTP/1.1\r\nhost: x\r\n\r\n";
pub(crate) const UPGRADE: &str = "GET /upgrade HTTP/1.1\r\nhost: x\r\nconnection: upgrade\r\nupgrade: echo\r\n\r\n";

/// How soon a handler must be gone after its client.
pub(crate) const SOON: Duration = Duration::from_millis(250);

type Body = UnsyncBoxBody<Bytes, Infallible>;

/// Counts what is alive.
#[derive(Clone, Default)]
pub(crate) struct Alive(Arc<AtomicUsize>);

impl Alive {
    fn one(&self) -> Guard {
        self.0.fetch_add(1, Ordering::SeqCst);
        Guard(self.clone())
    }

    pub(crate) async fn becomes(&self, count: usize) {
        self.becomes_within(count, Duration::from_secs(2)).await;
    }

    pub(crate) async fn becomes_within(&self, count: usize, time: Duration) {
        let reached = async {
            while self.0.load(Ordering::SeqCst) != count {
                sleep(Duration::from_millis(2)).await;
            }
        };
        timeout(time, reached).await.unwrap_or_else(|_| panic!("{count} alive within {time:?}"));
    }
}

struct Guard(Alive);

impl Drop for Guard {
    fn drop(&mut self) {
        self.0.0.fetch_sub(1, Ordering::SeqCst);
    }
}

/// `/` answers, `/slow` answers after 200 ms, `/never` does not, `/stream` sends one chunk and then nothing,
/// `/events` sends 20 chunks one by one, `/flood` sends for ever, `/big` has 64 MiB, `/upgrade` echoes, `/panic` does.
async fn answer(mut request: Request<Incoming>, alive: Alive) -> Result<Response<Body>, Infallible> {
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
        "/events" => {
            let frames = futures_util::stream::unfold(0, |count| async move {
                sleep(Duration::from_millis(5)).await;
                (count < 20).then(|| (Ok(Frame::data(Bytes::from_static(b"event"))), count + 1))
            });
            StreamBody::new(frames).boxed_unsync()
        }
        "/flood" => {
            let frames = futures_util::stream::unfold(guard, |guard| async {
                Some((Ok(Frame::data(Bytes::from_static(&[b'x'; 4096]))), guard))
            });
            StreamBody::new(frames).boxed_unsync()
        }
        "/big" => Full::from(vec![b'x'; 64 << 20]).boxed_unsync(),
        "/upgrade" => {
            let upgrade = hyper::upgrade::on(&mut request);
            tokio::spawn(async move {
                let _guard = guard;
                let mut io = TokioIo::new(upgrade.await.expect("upgrades"));
                let mut byte = [0];
                while io.read_exact(&mut byte).await.is_ok() && io.write_all(&byte).await.is_ok() {}
            });
            let response = Response::builder().status(101).header("connection", "upgrade").header("upgrade", "echo");
            return Ok(response.body(Full::default().boxed_unsync()).expect("a response"));
        }
        "/panic" => panic!("as asked"),
        _ => Full::from("hello").boxed_unsync(),
    }))
}

pub(crate) struct Server {
    pub(crate) address: SocketAddr,
    pub(crate) handle: ShutdownHandle,
    pub(crate) task: JoinHandle<()>,
    pub(crate) alive: Alive,
}

pub(crate) fn start(config: ServeConfig) -> Server {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = listener.local_addr().expect("an address");
    let (handle, shutdown) = Shutdown::new();
    let alive = Alive::default();
    let counted = alive.clone();
    let task = tokio::spawn(async move {
        let make = move |conn: ConnInfo| {
            assert_eq!(conn.local, Some(address));
            let alive = counted.clone();
            tower::service_fn(move |request| answer(request, alive.clone()))
        };
        serve(listener, config, shutdown, make).await.expect("serves");
    });
    Server { address, handle, task, alive }
}

impl Server {
    /// The server's future has ended by itself.
    pub(crate) async fn ends(self) {
        timeout(Duration::from_secs(2), self.task).await.expect("ends").expect("ends well");
    }

    pub(crate) async fn connect(&self, bytes: &str) -> TcpStream {
        let mut stream = TcpStream::connect(self.address).await.expect("connects");
        stream.write_all(bytes.as_bytes()).await.expect("sends");
        stream
    }

    /// An HTTP/2 connection by prior knowledge, and the task that drives it.
    pub(crate) async fn http2(&self) -> (SendRequest<Full<Bytes>>, JoinHandle<hyper::Result<()>>) {
        http2_over(self.connect("").await).await
    }
}

pub(crate) async fn http2_over(stream: TcpStream) -> (SendRequest<Full<Bytes>>, JoinHandle<hyper::Result<()>>) {
    let (send, connection) =
        hyper::client::conn::http2::handshake(TokioExecutor::new(), TokioIo::new(stream)).await.expect("shakes hands");
    (send, tokio::spawn(connection))
}

/// A head within 100 ms.
pub(crate) fn quick_head() -> ServeConfig {
    ServeConfig::default().header_read_timeout(Duration::from_millis(100))
}

/// All limits 100 ms: an idle connection is asked to go after at most 300, and cut after 400.
pub(crate) fn quick() -> ServeConfig {
    quick_head().keep_alive_idle(Duration::from_millis(100))
}

pub(crate) fn get(path: &str) -> Request<Full<Bytes>> {
    Request::get(format!("http://x{path}")).body(Full::default()).expect("a request")
}

/// What comes until the connection ends.
pub(crate) async fn rest(stream: &mut TcpStream) -> String {
    let mut bytes = Vec::new();
    let _ = timeout(Duration::from_secs(3), stream.read_to_end(&mut bytes)).await.expect("the connection ends");
    String::from_utf8_lossy(&bytes).into_owned()
}

/// What comes until `text` has.
pub(crate) async fn until(stream: &mut TcpStream, text: &str) -> String {
    let mut seen = String::new();
    let mut buffer = [0; 256];
    while !seen.contains(text) {
        let read = timeout(Duration::from_secs(1), stream.read(&mut buffer)).await.expect("in time").expect("reads");
        assert!(read > 0, "the connection ended: {seen}");
        seen.push_str(&String::from_utf8_lossy(&buffer[..read]));
    }
    seen
}

/// Nothing comes and nothing ends for 100 ms.
pub(crate) async fn waits(stream: &mut TcpStream) {
    let mut byte = [0];
    let read = timeout(Duration::from_millis(100), stream.read(&mut byte)).await;
    assert!(read.is_err(), "it does not wait: {read:?}");
}
