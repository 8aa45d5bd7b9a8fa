//! A small app and raw sockets: what every adapter must pass on unchanged.

use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Context as TaskContext, Poll};
use std::time::Duration;

use bytes::Bytes;
use http::{Response, StatusCode, header};
use neurolink_core::engine::{Call, EventStream, Generate, Generation, StreamEvent};
use neurolink_core::{App, Body, BoxError, Context, Engine, Error, Json, Reply, Route};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::sync::{Mutex, mpsc};
use tokio::time::timeout;

/// Far above what anything here takes.
const SOON: Duration = Duration::from_secs(5);

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
        Ok(Box::pin(futures_util::stream::pending()))
    }
}

/// Counts what is at work.
#[derive(Clone, Default)]
struct Alive(Arc<AtomicUsize>);

impl Alive {
    fn one(&self) -> Guard {
        self.0.fetch_add(1, Ordering::SeqCst);
        Guard(self.clone())
    }

    fn count(&self) -> usize {
        self.0.load(Ordering::SeqCst)
    }
}

struct Guard(Alive);

impl Drop for Guard {
    fn drop(&mut self) {
        self.0.0.fetch_sub(1, Ordering::SeqCst);
    }
}

/// An app and the strings its test pulls.
pub(crate) struct Kit {
    pub(crate) app: App,
    events: mpsc::Sender<&'static str>,
    alive: Alive,
}

impl Kit {
    pub(crate) fn new(base: &str) -> Self {
        let (events, receiver) = mpsc::channel(8);
        let receiver = Arc::new(Mutex::new(receiver));
        let alive = Alive::default();
        let (in_stream, in_handler) = (alive.clone(), alive.clone());
        let at = |path: &str| format!("{base}{path}");
        let app = App::builder(Quiet)
            .configure(|settings| {
                settings.base_path = if base.is_empty() { "/" } else { base }.into();
            })
            .route(Route::get(at("/text"), async || "text"))
            .route(Route::get(at("/seen/{*rest}"), seen))
            .route(Route::post(at("/echo"), async |body: Body| Response::new(body)))
            .route(Route::post(at("/length"), async |body: Bytes| body.len().to_string()))
            .route(Route::post(at("/json"), async |Json(value): Json<serde_json::Value>| Json(value)))
            .route(Route::post(at("/ignored"), async |_: &mut Context| "ignored"))
            .route(Route::get(at("/cookies"), cookies))
            .route(Route::get(at("/exact"), async || Response::new(Body::new(Exact(Some("12345"))))))
            .route(Route::delete(at("/none"), async || {
                let mut response = Response::new(Body::empty());
                *response.status_mut() = StatusCode::NO_CONTENT;
                Reply::raw(response)
            }))
            .route(Route::get(at("/stream"), move || {
                let (receiver, guard) = (Arc::clone(&receiver), in_stream.one());
                async move {
                    let events: EventStream =
                        Box::pin(futures_util::stream::unfold((receiver, guard), |(receiver, guard)| async {
                            let text = receiver.lock().await.recv().await?;
                            Some((Ok(StreamEvent::text(text)), (receiver, guard)))
                        }));
                    events
                }
            }))
            .route(Route::get(at("/wait"), move || {
                let guard = in_handler.one();
                async move {
                    std::future::pending::<()>().await;
                    drop(guard);
                }
            }))
            .build()
            .expect("valid");
        Self { app, events, alive }
    }
}

/// A stream that knows its length.
struct Exact(Option<&'static str>);

impl http_body::Body for Exact {
    type Data = Bytes;
    type Error = BoxError;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        _cx: &mut TaskContext<'_>,
    ) -> Poll<Option<Result<http_body::Frame<Bytes>, BoxError>>> {
        Poll::Ready(self.0.take().map(|text| Ok(http_body::Frame::data(text.into()))))
    }

    fn size_hint(&self) -> http_body::SizeHint {
        http_body::SizeHint::with_exact(self.0.map_or(0, str::len) as u64)
    }
}

async fn seen(ctx: &mut Context) -> Json<serde_json::Value> {
    let tests: Vec<_> = ctx
        .headers()
        .iter()
        .filter(|(name, _)| name.as_str() == "x-test")
        .map(|(_, value)| value.as_bytes().escape_ascii().to_string())
        .collect();
    Json(serde_json::json!({
        "target": ctx.uri().path_and_query().map(ToString::to_string),
        "method": ctx.method().as_str(),
        "tests": tests,
        "peer": ctx.peer().map(|peer| peer.ip().is_loopback()),
    }))
}

async fn cookies() -> Result<Reply, Error> {
    let cookie = |text| http::HeaderValue::from_static(text);
    Ok(Reply::data("cookies")?
        .with_header(header::SET_COOKIE, cookie("a=1"))
        .with_header(header::SET_COOKIE, cookie("b=2")))
}

/// Sends bytes and reads all of the answer; the server must close.
pub(crate) async fn send(address: SocketAddr, request: impl AsRef<[u8]>) -> String {
    let mut stream = TcpStream::connect(address).await.expect("connects");
    stream.write_all(request.as_ref()).await.expect("sends");
    rest(&mut stream).await
}

/// A request without a body.
pub(crate) async fn ask(address: SocketAddr, method: &str, target: &str) -> String {
    send(address, format!("{method} {target} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")).await
}

async fn rest(stream: &mut TcpStream) -> String {
    let mut answer = Vec::new();
    timeout(SOON, stream.read_to_end(&mut answer)).await.expect("the server closes").expect("reads");
    String::from_utf8_lossy(&answer).into_owned()
}

/// Reads until `text` has come.
async fn until(stream: &mut TcpStream, text: &str) -> String {
    let mut seen = String::new();
    let mut buffer = [0; 4096];
    while !seen.contains(text) {
        let read = timeout(SOON, stream.read(&mut buffer)).await.expect("in time").expect("reads");
        assert!(read > 0, "the connection ended before {text:?}: {seen}");
        seen.push_str(&String::from_utf8_lossy(&buffer[..read]));
    }
    seen
}

pub(crate) fn body(answer: &str) -> &str {
    answer.split_once("\r\n\r\n").unwrap_or_else(|| panic!("no answer: {answer:?}")).1
}

fn has(answer: &str, line: &str) -> bool {
    let head = answer.split("\r\n\r\n").next().unwrap_or_default();
    head.to_ascii_lowercase().lines().any(|found| found == line)
}

/// Whether the answer is the core's 404.
pub(crate) fn is_our_404(answer: &str) -> bool {
    has(answer, "http/1.1 404 not found") && answer.contains("\"code\":\"NOT_FOUND\"")
}

impl Kit {
    /// Everything that must come through, below `base`.
    pub(crate) async fn passes(&self, address: SocketAddr, base: &str) {
        heads(address, base).await;
        bodies(address, base).await;
        answers(address, base).await;
        self.streams(address, base).await;
    }

    async fn streams(&self, address: SocketAddr, base: &str) {
        // The first event is here before the second exists.
        let mut stream = TcpStream::connect(address).await.expect("connects");
        let request = format!("GET {base}/stream HTTP/1.1\r\nHost: localhost\r\n\r\n");
        stream.write_all(request.as_bytes()).await.expect("sends");
        self.events.send("first").await.expect("a stream");
        let head = until(&mut stream, "first").await;
        assert!(has(&head, "content-type: text/event-stream"), "{head}");
        assert!(has(&head, "transfer-encoding: chunked"), "{head}");
        self.events.send("second").await.expect("a stream");
        until(&mut stream, "second").await;
        self.ends_with(stream).await;
    }

    /// A client that leaves stops a handler that has not answered.
    pub(crate) async fn cancels(&self, address: SocketAddr, base: &str) {
        let mut waiting = TcpStream::connect(address).await.expect("connects");
        let request = format!("GET {base}/wait HTTP/1.1\r\nHost: localhost\r\n\r\n");
        waiting.write_all(request.as_bytes()).await.expect("sends");
        self.at_work().await;
        self.ends_with(waiting).await;
    }

    /// Waits until a handler is at work.
    pub(crate) async fn at_work(&self) {
        let begun = async {
            while self.alive.count() == 0 {
                tokio::time::sleep(Duration::from_millis(2)).await;
            }
        };
        timeout(SOON, begun).await.expect("begins in time");
    }

    /// Closes a connection and waits until what ran for it has ended.
    async fn ends_with(&self, connection: TcpStream) {
        drop(connection);
        let gone = async {
            while self.alive.count() > 0 {
                // A stream notices at its next event.
                let _ = self.events.try_send("tick");
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
        };
        timeout(Duration::from_millis(250), gone).await.expect("ends in time");
    }
}

async fn heads(address: SocketAddr, base: &str) {
    let answer = ask(address, "GET", &format!("{base}/text")).await;
    assert!(has(&answer, "http/1.1 200 ok") && answer.contains("{\"data\":\"text\""), "{answer}");
    assert!(has(&answer, "content-type: application/json"), "{answer}");
    assert!(has(&answer, &format!("content-length: {}", body(&answer).len())), "{answer}");

    let target = format!("{base}/seen/a%2Fb/%68?x=%20+1&x=2&&y");
    let answer = ask(address, "GET", &target).await;
    assert!(answer.contains(&format!("\"target\":\"{target}\"")), "{answer}");
    assert!(answer.contains("\"peer\":true"), "{answer}");

    let request = format!(
        "GET {base}/seen/x HTTP/1.1\r\nHost: localhost\r\nX-Test: one\r\nX-Test: t\u{e9}\r\nx-test: three\r\nConnection: close\r\n\r\n"
    );
    let latin1: Vec<u8> = request.chars().map(|c| c as u8).collect();
    let answer = send(address, latin1).await;
    assert!(answer.contains(r#""tests":["one","t\\xe9","three"]"#), "{answer}");

    for path in ["/nope", "//text", "/text/", ""] {
        let answer = ask(address, "GET", &format!("{base}{path}")).await;
        assert!(base.is_empty() && path.is_empty() || is_our_404(&answer), "{path}: {answer}");
    }
    let answer = ask(address, "PURGE", &format!("{base}/text")).await;
    assert!(has(&answer, "http/1.1 405 method not allowed"), "{answer}");
    let answer = ask(address, "GET", &format!("{base}/a/../text")).await;
    assert!(has(&answer, "http/1.1 400 bad request") && answer.contains("\"code\""), "{answer}");
}

async fn bodies(address: SocketAddr, base: &str) {
    let post = |path: &str, head: &str, body: &str| {
        format!("POST {base}{path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n{head}\r\n\r\n{body}")
    };
    let answer = send(address, post("/echo", "Content-Length: 5", "hello")).await;
    assert!(body(&answer).contains("hello"), "{answer}");
    let chunked = "Transfer-Encoding: chunked";
    let answer = send(address, post("/length", chunked, "3\r\nhel\r\n2\r\nlo\r\n0\r\n\r\n")).await;
    assert!(answer.contains("{\"data\":\"5\""), "{answer}");
    let large = "x".repeat(100 * 1024);
    let answer = send(address, post("/length", &format!("Content-Length: {}", large.len()), &large)).await;
    assert!(answer.contains("{\"data\":\"102400\""), "{answer}");
    let answer = send(address, post("/echo", &format!("Content-Length: {}", large.len()), &large)).await;
    assert_eq!(body(&answer), large);

    // A declared length is judged before the body has come.
    let too_large = post("/length", "Content-Length: 99999999", "");
    let answer = send(address, too_large).await;
    assert!(has(&answer, "http/1.1 413 payload too large"), "{answer}");
    // A body that breaks off in the middle of a chunk's line is our 400, and nothing comes after it.
    let answer = send(address, post("/length", chunked, "3\r\nhel\r\nzz\r\n")).await;
    assert!(has(&answer, "http/1.1 400 bad request") && answer.contains("\"code\":\"BAD_REQUEST\""), "{answer}");
    assert_eq!(answer.matches("HTTP/1.1").count(), 1, "{answer}");
    // No body at all is no wrong type.
    let answer = send(address, post("/ignored", "Content-Length: 0", "")).await;
    assert!(has(&answer, "http/1.1 200 ok"), "{answer}");
    let answer = send(address, post("/json", "Content-Type: text/plain\r\nContent-Length: 2", "{}")).await;
    assert!(has(&answer, "http/1.1 415 unsupported media type"), "{answer}");
}

async fn answers(address: SocketAddr, base: &str) {
    let answer = ask(address, "GET", &format!("{base}/cookies")).await;
    let cookies: Vec<_> = answer.lines().filter(|line| line.starts_with("set-cookie:")).collect();
    assert_eq!(cookies, ["set-cookie: a=1", "set-cookie: b=2"], "{answer}");

    let get = ask(address, "GET", &format!("{base}/exact")).await;
    assert!(has(&get, "content-length: 5") && body(&get) == "12345", "{get}");
    assert!(!get.contains("transfer-encoding") && !get.contains("octet-stream"), "{get}");
    let head = ask(address, "HEAD", &format!("{base}/exact")).await;
    assert!(has(&head, "content-length: 5") && body(&head).is_empty(), "{head}");
    let head = ask(address, "HEAD", &format!("{base}/stream")).await;
    assert!(has(&head, "content-type: text/event-stream") && body(&head).is_empty(), "{head}");
    assert!(!head.contains("content-length"), "{head}");

    let none = ask(address, "DELETE", &format!("{base}/none")).await;
    assert!(has(&none, "http/1.1 204 no content") && body(&none).is_empty(), "{none}");
    assert!(!none.contains("content-length") && !none.contains("transfer-encoding"), "{none}");
}

/// HTTP/1.0 knows no chunks: the connection's end ends a stream.
pub(crate) async fn old_clients(kit: &Kit, address: SocketAddr, base: &str) {
    let answer = send(address, format!("GET {base}/seen/x HTTP/1.0\r\n\r\n")).await;
    assert!(answer.contains("\"method\":\"GET\""), "{answer}");
    let mut stream = TcpStream::connect(address).await.expect("connects");
    let request = format!("POST {base}/echo HTTP/1.0\r\nHost: localhost\r\nContent-Length: 3\r\n\r\nabc");
    stream.write_all(request.as_bytes()).await.expect("sends");
    let answer = rest(&mut stream).await;
    assert!(body(&answer) == "abc", "{answer}");
    let mut stream = TcpStream::connect(address).await.expect("connects");
    let request = format!("GET {base}/stream HTTP/1.0\r\nHost: localhost\r\n\r\n");
    stream.write_all(request.as_bytes()).await.expect("sends");
    kit.events.send("old").await.expect("a stream");
    let answer = until(&mut stream, "old").await;
    assert!(!answer.contains("chunked") && body(&answer).starts_with("data: "), "{answer}");
}

/// A connection that stays open.
pub(crate) struct Open(TcpStream);

impl Open {
    pub(crate) async fn new(address: SocketAddr) -> Self {
        Self(TcpStream::connect(address).await.expect("connects"))
    }

    pub(crate) async fn send(&mut self, request: &str) {
        self.0.write_all(request.as_bytes()).await.expect("sends");
    }

    pub(crate) async fn ask(&mut self, request: &str, expected: &str) -> String {
        self.send(request).await;
        until(&mut self.0, expected).await
    }

    /// What comes until the server closes or cuts.
    pub(crate) async fn rest(mut self) -> String {
        let mut answer = Vec::new();
        let _ = timeout(SOON, self.0.read_to_end(&mut answer)).await.expect("the server closes");
        String::from_utf8_lossy(&answer).into_owned()
    }
}
