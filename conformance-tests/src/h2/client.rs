//! A well-formed client, with calls that wait.

use std::time::Duration;

use bytes::Bytes;
use h2::client::{ResponseFuture, SendRequest};
use h2::{RecvStream, SendStream};
use http::{HeaderMap, Method, Request};
use tokio::runtime::Runtime;
use tokio::task::JoinHandle;
use tokio::time::timeout;

use crate::function::{Ctx, Failure};
use crate::talk::Talk;

/// How long each wait may take.
const PATIENCE: Duration = Duration::from_secs(5);

/// One HTTP/2 connection.
pub(crate) struct Client {
    runtime: Runtime,
    sender: SendRequest<Bytes>,
    driver: Option<JoinHandle<Result<(), h2::Error>>>,
    authority: String,
    talk: Talk,
    /// The number of its connection.
    number: u32,
}

/// An answer that has come whole.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) headers: HeaderMap,
    pub(crate) body: String,
}

impl Answer {
    pub(crate) fn json(&self) -> serde_json::Value {
        serde_json::from_str(&self.body).unwrap_or_default()
    }

    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name)?.to_str().ok()
    }
}

/// A request that was sent; dropping it resets its stream.
pub(crate) struct Asked<'a> {
    client: &'a Client,
    response: ResponseFuture,
    _body: SendStream<Bytes>,
}

/// An answer that is still coming; dropping it resets its stream.
pub(crate) struct Coming<'a> {
    client: &'a Client,
    pub(crate) status: u16,
    headers: HeaderMap,
    body: RecvStream,
}

/// A request for the client.
#[derive(Clone, Copy)]
pub(crate) struct Ask<'a> {
    pub(crate) method: &'a str,
    pub(crate) path: &'a str,
    pub(crate) headers: &'a [(&'a str, &'a str)],
    pub(crate) body: &'a [&'a str],
}

impl<'a> Ask<'a> {
    pub(crate) const fn get(path: &'a str) -> Self {
        Self { method: "GET", path, headers: &[], body: &[] }
    }

    fn words(&self, authority: &str) -> String {
        let lines: String = self.headers.iter().map(|(name, value)| format!("{name}: {value}\n")).collect();
        format!("HTTP/2 {} {} of {authority}\n{lines}\n{}\n", self.method, self.path, self.body.concat())
    }
}

fn failed(what: &str, error: impl std::fmt::Display) -> Failure {
    Failure::new(format!("HTTP/2, {what}: {error}"))
}

impl Client {
    pub(crate) fn open(ctx: &Ctx) -> Result<Self, Failure> {
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build();
        let runtime = runtime.map_err(|error| failed("the client's runtime", error))?;
        let connection = ctx.connect()?;
        let (talk, number) = (ctx.talk().clone(), connection.number());
        let stream = connection.into_stream();
        let opened = runtime.block_on(async {
            stream.set_nonblocking(true)?;
            let stream = tokio::net::TcpStream::from_std(stream)?;
            h2::client::handshake(stream).await.map_err(std::io::Error::other)
        });
        let (sender, connection) = opened.map_err(|error| failed("the handshake", error))?;
        let driver = Some(runtime.spawn(connection));
        Ok(Self { runtime, sender, driver, authority: ctx.addr().to_string(), talk, number })
    }

    /// Another name of the server than its address.
    pub(crate) fn named(mut self, authority: &str) -> Self {
        self.authority = authority.into();
        self
    }

    fn wait<T, E: std::fmt::Display>(
        &self,
        what: &str,
        future: impl Future<Output = Result<T, E>>,
    ) -> Result<T, Failure> {
        let result = match self.runtime.block_on(async { timeout(PATIENCE, future).await }) {
            Ok(result) => result.map_err(|error| failed(what, error)),
            Err(_) => Err(Failure::new(format!("HTTP/2, {what}: nothing within {PATIENCE:?}"))),
        };
        result.inspect_err(|failure| self.talk.came(self.number, failure.to_string()))
    }

    /// Sends a request and does not wait for its answer.
    pub(crate) fn send(&self, ask: &Ask<'_>) -> Result<Asked<'_>, Failure> {
        let mut request = Request::builder()
            .method(Method::from_bytes(ask.method.as_bytes()).map_err(|error| failed("the method", error))?)
            .uri(format!("http://{}{}", self.authority, ask.path));
        for (name, value) in ask.headers {
            request = request.header(*name, *value);
        }
        let request = request.body(()).map_err(|error| failed("the request", error))?;
        self.talk.sent(self.number, ask.words(&self.authority).as_bytes());
        let mut sender = self.wait("a free stream", self.sender.clone().ready())?;
        let (response, mut body) =
            sender.send_request(request, ask.body.is_empty()).map_err(|error| failed("sending", error))?;
        for (at, piece) in ask.body.iter().enumerate() {
            let piece = Bytes::copy_from_slice(piece.as_bytes());
            // A server may answer and reset before it has the body (RFC 9113, section 8.1): the answer tells.
            if body.send_data(piece, at + 1 == ask.body.len()).is_err() {
                break;
            }
        }
        Ok(Asked { client: self, response, _body: body })
    }

    /// Sends a request and reads its answer to the end.
    pub(crate) fn ask(&self, ask: &Ask<'_>) -> Result<Answer, Failure> {
        self.send(ask)?.answer()?.rest()
    }

    /// Waits until the connection has ended well.
    pub(crate) fn ends(mut self) -> Result<(), Failure> {
        let Some(driver) = self.driver.take() else { return Ok(()) };
        let ended = self.wait("the end of the connection", driver)?;
        ended.map_err(|error| failed("the end of the connection", error))
    }
}

impl<'a> Asked<'a> {
    /// Waits for the head of the answer.
    pub(crate) fn answer(self) -> Result<Coming<'a>, Failure> {
        let Self { client, response, .. } = self;
        let (head, body) = client.wait("the head of the answer", response)?.into_parts();
        let lines: Vec<String> = head.headers.iter().map(|(name, value)| format!("{name}: {value:?}")).collect();
        client.talk.came(client.number, format!("HTTP/2 {}\n{}", head.status.as_u16(), lines.join("\n")));
        Ok(Coming { client, status: head.status.as_u16(), headers: head.headers, body })
    }
}

impl Coming<'_> {
    /// The next piece of the body, or nothing at its end.
    pub(crate) fn piece(&mut self) -> Result<Option<Bytes>, Failure> {
        let next = async {
            let Some(piece) = self.body.data().await.transpose()? else { return Ok(None) };
            self.body.flow_control().release_capacity(piece.len())?;
            Ok::<_, h2::Error>(Some(piece))
        };
        self.client.wait("the body", next)
    }

    /// Reads to the end.
    pub(crate) fn rest(mut self) -> Result<Answer, Failure> {
        let mut body = Vec::new();
        while let Some(piece) = self.piece()? {
            body.extend_from_slice(&piece);
        }
        let body = String::from_utf8_lossy(&body).into_owned();
        self.client.talk.came(self.client.number, format!("\n{body}"));
        Ok(Answer { status: self.status, headers: self.headers, body })
    }
}
