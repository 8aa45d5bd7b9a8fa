//! Cases that are conversations: they need an order, a pause or a second connection.

use std::net::{IpAddr, SocketAddr};
use std::time::{Duration, Instant};

use crate::case::{Level, RequestSpec};
use crate::control::Control;
use crate::parse::{Asked, RawResponse};
use crate::placeholders::{fill, unescape};
use crate::request::build;
use crate::talk::Talk;
use crate::wire::{Connection, ConnectionOptions, Exchange, Until, own_address};

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
    talk: Talk,
}

impl Ctx {
    pub(crate) fn new(addr: SocketAddr, from: Option<IpAddr>, control: Option<Control>) -> Self {
        Self { addr, from, control, words: &[], talk: Talk::default() }
    }

    /// Says these words instead of those before them, for a server that knows another host or other credentials.
    pub(crate) fn saying(mut self, words: &'static [(&'static str, &'static str)]) -> Self {
        self.words = words;
        self
    }

    /// What was said so far, for who speaks another protocol.
    pub(crate) const fn talk(&self) -> &Talk {
        &self.talk
    }

    /// The same case at another address of the server, after it was started again.
    pub(crate) fn moved_to(&self, addr: SocketAddr) -> Self {
        Self { addr, ..self.clone() }
    }

    /// Another client of the same case, with an address that no other client has.
    pub(crate) fn other(&self) -> Self {
        Self { from: own_address(self.addr), ..self.clone() }
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
        self.talk.sent(connection.number(), &bytes);
    }

    /// Sends text with placeholders and escapes, and closes the sending half with it.
    pub fn send_last(&self, connection: &mut Connection, text: &str) {
        let bytes = self.bytes(text);
        connection.send_last(&bytes);
        self.talk.sent(connection.number(), &bytes);
    }

    /// Reads what comes back to what was sent, which were requests of this method.
    pub(crate) fn read(&self, connection: &mut Connection, method: &str, until: Until) -> Exchange {
        let exchange = connection.exchange(Vec::new(), &[Asked::method(method)], until);
        for answer in &exchange.answers {
            self.talk.answered(connection.number(), answer.clone());
        }
        self.talk.ended(connection.number(), exchange.end, exchange.problem.clone());
        exchange
    }

    /// Takes bytes that come, at most so many, and waits no longer than this.
    pub(crate) fn take(&self, connection: &mut Connection, most: usize, wait: Duration) -> Vec<u8> {
        let bytes = connection.take(most, wait);
        if !bytes.is_empty() {
            self.talk.came(connection.number(), String::from_utf8_lossy(&bytes).into_owned());
        }
        self.talk.ended(connection.number(), connection.end(), None);
        bytes
    }

    /// Reads one answer to a request of this method.
    ///
    /// # Errors
    /// It is malformed or does not come.
    pub fn answer(&self, connection: &mut Connection, method: &str) -> Result<RawResponse, Failure> {
        match connection.answer(&Asked::method(method)) {
            Ok(answer) => {
                self.talk.answered(connection.number(), answer.clone());
                Ok(answer)
            }
            Err(problem) => {
                self.talk.ended(connection.number(), connection.end(), None);
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
        self.talk.whole(exchange.clone());
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
        let said: Vec<_> = ctx.talk().take().into_iter().map(|exchange| exchange.sent).collect();
        let said: Vec<_> = said.iter().map(|sent| String::from_utf8_lossy(sent)).collect();
        let paths: Vec<_> = said.iter().filter_map(|sent| sent.split(' ').nth(1)).collect();
        assert_eq!(paths, ["/one", "/two", "/three"]);
    }
}
