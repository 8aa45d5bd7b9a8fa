//! Cases that are conversations: they need an order, a pause or a second connection.

use std::net::{IpAddr, SocketAddr};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use crate::case::{Level, RequestSpec};
use crate::control::Control;
use crate::parse::{Asked, RawResponse};
use crate::placeholders::{fill, unescape};
use crate::request::build;
use crate::wire::{Connection, ConnectionOptions, End, Exchange, Until, own_address};

/// A case that is written as code.
#[derive(Clone, Copy, Debug)]
pub struct FunctionCase {
    /// `area/kebab-case`; never renamed.
    pub id: &'static str,
    /// What a failure means.
    pub level: Level,
    /// The RFC section or the row of the original that the case comes from.
    pub source: &'static str,
    /// The requirements that it covers.
    pub covers: &'static [&'static str],
    /// The configuration that the server has to run with.
    pub needs: &'static str,
    /// Whether what it asks is counted by the client's address, or it has clients of several addresses.
    pub by_address: bool,
    /// Whether it looks into the server: it then cannot be asked of one that runs elsewhere.
    pub inside: bool,
    /// Whether it has a server of its own, because it stops it or counts what it does.
    pub alone: bool,
    /// Whether it speaks HTTP/2; a server that does not offer that has to refuse it instead.
    pub http2: bool,
    /// The conversation.
    pub run: fn(&Ctx) -> Result<(), Failure>,
}

/// What was not as expected.
#[derive(Clone, Debug)]
pub struct Failure(Vec<String>);

impl Failure {
    /// A failure with this text.
    #[must_use]
    pub fn new(problem: impl Into<String>) -> Self {
        Self(vec![problem.into()])
    }

    pub(crate) fn problems(self) -> Vec<String> {
        self.0
    }
}

impl std::fmt::Display for Failure {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0.join("; "))
    }
}

impl From<String> for Failure {
    fn from(problem: String) -> Self {
        Self::new(problem)
    }
}

/// Fails with a text unless something is so.
///
/// # Errors
/// It is not so.
pub fn ensure(is_so: bool, problem: impl FnOnce() -> String) -> Result<(), Failure> {
    if is_so { Ok(()) } else { Err(Failure::new(problem())) }
}

/// Waits until something is so, at most this long, and tells how long it took.
///
/// # Errors
/// It is not so in time.
pub fn wait_until(within: Duration, what: &str, mut is_so: impl FnMut() -> bool) -> Result<Duration, Failure> {
    let begun = Instant::now();
    while !is_so() {
        if begun.elapsed() > within {
            return Err(Failure::new(format!("not within {within:?}: {what}")));
        }
        std::thread::sleep(Duration::from_millis(2));
    }
    Ok(begun.elapsed())
}

/// The server that a conversation is with, and the log of what was said, which its clones share.
#[derive(Clone, Debug)]
pub struct Ctx {
    addr: SocketAddr,
    from: Option<IpAddr>,
    control: Option<Control>,
    words: &'static [(&'static str, &'static str)],
    said: Arc<Mutex<Vec<Said>>>,
}

/// What was said on a connection, which is known by its number.
type Said = (Option<u32>, Exchange);

impl Ctx {
    pub(crate) fn new(addr: SocketAddr, from: Option<IpAddr>, control: Option<Control>) -> Self {
        Self { addr, from, control, words: &[], said: Arc::default() }
    }

    /// Says these words instead of those before them, for a server that knows another host or other credentials.
    pub(crate) const fn saying(mut self, words: &'static [(&'static str, &'static str)]) -> Self {
        self.words = words;
        self
    }

    pub(crate) fn into_exchanges(self) -> Vec<Exchange> {
        self.said().drain(..).map(|(_, exchange)| exchange).collect()
    }

    /// The same case at another address of the server, after it was started again.
    pub(crate) fn moved_to(&self, addr: SocketAddr) -> Self {
        Self { addr, ..self.clone() }
    }

    /// Another client of the same case, with an address that no other client has.
    pub(crate) fn other(&self) -> Self {
        Self { from: own_address(self.addr), ..self.clone() }
    }

    fn said(&self) -> MutexGuard<'_, Vec<Said>> {
        self.said.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The server.
    #[must_use]
    pub const fn addr(&self) -> SocketAddr {
        self.addr
    }

    /// The inside of the server.
    ///
    /// # Errors
    /// The server runs elsewhere; a case that is marked as `inside` is not asked of such a server.
    pub fn control(&self) -> Result<&Control, Failure> {
        self.control.as_ref().ok_or_else(|| Failure::new("the server runs elsewhere"))
    }

    /// A new connection from the case's own address, with 5 s for everything on it.
    ///
    /// # Errors
    /// The server cannot be reached.
    pub fn connect(&self) -> Result<Connection, Failure> {
        self.connect_with(ConnectionOptions::default())
    }

    /// A new connection with a deadline or a receive buffer of its own.
    ///
    /// # Errors
    /// The server cannot be reached.
    pub fn connect_with(&self, options: ConnectionOptions) -> Result<Connection, Failure> {
        Connection::open_with(self.addr, self.from, options)
            .map_err(|error| Failure::new(format!("cannot connect: {error}")))
    }

    /// The bytes of a text with placeholders and escapes, as in `raw` of a case.
    #[must_use]
    pub fn bytes(&self, text: &str) -> Vec<u8> {
        let text = self.words.iter().fold(text.to_owned(), |text, (said, says)| text.replace(said, says));
        unescape(&fill(&text, self.addr))
    }

    /// Sends text with placeholders and escapes.
    pub fn send(&self, connection: &mut Connection, text: &str) {
        let bytes = self.bytes(text);
        connection.send(&bytes);
        self.log(connection, bytes, None, End::Open);
    }

    /// Sends text with placeholders and escapes, and closes the sending half with it.
    pub fn send_last(&self, connection: &mut Connection, text: &str) {
        let bytes = self.bytes(text);
        connection.send_last(&bytes);
        self.log(connection, bytes, None, End::Open);
    }

    /// Reads one answer to a request of this method.
    ///
    /// # Errors
    /// It is malformed or does not come.
    pub fn answer(&self, connection: &mut Connection, method: &str) -> Result<RawResponse, Failure> {
        match connection.answer(&Asked::method(method)) {
            Ok(answer) => {
                self.log(connection, Vec::new(), Some(answer.clone()), End::Open);
                Ok(answer)
            }
            Err(problem) => {
                self.log(connection, Vec::new(), None, connection.end());
                Err(problem.into())
            }
        }
    }

    /// Sends a request on a connection of its own and reads its answer.
    ///
    /// # Errors
    /// The answer is malformed or does not come.
    pub fn ask(&self, request: &RequestSpec) -> Result<RawResponse, Failure> {
        let mut connection = self.connect()?;
        let built = build(request, self.addr, true);
        connection.send(&built.bytes);
        let exchange = connection.exchange(built.bytes, &[built.asked], Until::Closed);
        self.said().push((None, exchange.clone()));
        if let Some(problem) = exchange.problem {
            return Err(Failure::new(problem));
        }
        match <[RawResponse; 1]>::try_from(exchange.answers) {
            Ok([answer]) => Ok(answer),
            Err(answers) => Err(Failure::new(format!("expected one answer, got {}", answers.len()))),
        }
    }

    /// Sends a GET of a path, as a user of the reference configuration or as nobody.
    ///
    /// # Errors
    /// The answer is malformed or does not come.
    pub fn get(&self, path: &str, user: Option<&str>) -> Result<RawResponse, Failure> {
        self.ask(&RequestSpec { path: Some(path.into()), user: user.map(str::to_owned), ..RequestSpec::default() })
    }

    /// Adds to what was said last on the connection, which then is the last of all; what is sent behind an answer begins
    /// another exchange.
    fn log(&self, connection: &Connection, sent: Vec<u8>, answer: Option<RawResponse>, end: End) {
        let mut said = self.said();
        let last = said.iter().rposition(|(number, _)| *number == Some(connection.number()));
        let goes_on = last.filter(|at| sent.is_empty() || said[*at].1.answers.is_empty());
        let mut exchange = match goes_on {
            Some(at) => said.remove(at).1,
            None => Exchange { sent: Vec::new(), answers: Vec::new(), end, problem: None },
        };
        exchange.sent.extend(sent);
        exchange.answers.extend(answer);
        exchange.end = end;
        said.push((Some(connection.number()), exchange));
    }
}

/// Fails unless an answer has this status.
///
/// # Errors
/// It has another.
pub fn expect_status(answer: &RawResponse, status: u16) -> Result<(), Failure> {
    ensure(answer.status == status, || format!("expected status {status}, got {}: {}", answer.status, answer.text()))
}

#[cfg(test)]
mod tests {
    use std::io::{Read as _, Write as _};

    use super::*;

    #[test]
    fn a_report_has_what_other_clients_said_and_what_was_said_after_a_restart() {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let addr = listener.local_addr().unwrap();
        let server = std::thread::spawn(move || {
            for _ in 0..3 {
                let (mut stream, _) = listener.accept().unwrap();
                let _ = stream.read(&mut [0; 4096]).unwrap();
                stream.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\nConnection: close\r\n\r\n").unwrap();
            }
        });
        let ctx = Ctx::new(addr, None, None);
        ctx.get("/one", None).unwrap();
        ctx.other().get("/two", None).unwrap();
        ctx.moved_to(addr).get("/three", None).unwrap();
        server.join().unwrap();
        let said: Vec<_> = ctx.into_exchanges().into_iter().map(|exchange| exchange.sent).collect();
        let said: Vec<_> = said.iter().map(|sent| String::from_utf8_lossy(sent)).collect();
        let paths: Vec<_> = said.iter().filter_map(|sent| sent.split(' ').nth(1)).collect();
        assert_eq!(paths, ["/one", "/two", "/three"]);
    }
}
