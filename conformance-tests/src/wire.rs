//! The runner's own connection: it owns the bytes and the clock.

use std::io::{Read as _, Write as _};
use std::net::{IpAddr, Ipv4Addr, Shutdown, SocketAddr, TcpStream};
use std::sync::LazyLock;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use socket2::{Domain, Protocol, Socket, Type};

use crate::parse::{Asked, ParseError, RawResponse, parse};

/// How long a connection stays silent before it counts as quiet.
const QUIET: Duration = Duration::from_millis(250);

/// How a connection stood when the runner stopped reading.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum End {
    /// The server closed it.
    Closed,
    /// The server reset it.
    Reset,
    /// It was open and silent.
    Open,
    /// The case's time was over.
    TimedOut,
}

/// What was sent and what came back.
#[derive(Clone, Debug)]
pub struct Exchange {
    /// The bytes sent.
    pub sent: Vec<u8>,
    /// The whole responses that came back, in order.
    pub answers: Vec<RawResponse>,
    /// How the connection stood at the end.
    pub end: End,
    /// What was malformed, with the bytes that could not be read.
    pub problem: Option<String>,
    /// What came back that is no whole answer of HTTP/1, such as frames of HTTP/2: in words, and how often in a row.
    pub words: Vec<(String, usize)>,
}

impl Exchange {
    /// Bytes that were sent, and nothing yet that came back.
    pub(crate) const fn of(sent: Vec<u8>) -> Self {
        Self { sent, answers: Vec::new(), end: End::Open, problem: None, words: Vec::new() }
    }

    /// Whether nothing came back.
    pub(crate) const fn is_unanswered(&self) -> bool {
        self.answers.is_empty() && self.words.is_empty()
    }

    /// What came back in words, a line each.
    pub(crate) fn word_lines(&self) -> impl Iterator<Item = String> {
        self.words.iter().map(|(words, times)| match times {
            1 => words.clone(),
            times => format!("{words} ({times} times)"),
        })
    }

    /// One line that tells what came back: the text that a divergence's `observed` is looked up in.
    #[must_use]
    pub fn summary(&self) -> String {
        let mut text = if !self.answers.is_empty() {
            self.answers.iter().map(describe).collect::<Vec<_>>().join(", then ")
        } else if let Some(last) = self.word_lines().last() {
            last.lines().next().unwrap_or_default().to_owned()
        } else {
            "no answer".to_owned()
        };
        text.push_str(match self.end {
            End::Closed => "; closed",
            End::Reset => "; reset",
            End::Open => "; open",
            End::TimedOut => "; timed out",
        });
        if let Some(problem) = &self.problem {
            text.push_str("; malformed: ");
            text.push_str(problem);
        }
        text
    }
}

fn describe(answer: &RawResponse) -> String {
    let continues: String = answer.informational.iter().map(|(status, _)| format!("{status}, ")).collect();
    let code = answer.json().and_then(|json| {
        let code = json.get("error")?.get("code")?.as_str()?;
        Some(format!(" {code}"))
    });
    let body = if answer.body.is_empty() { " with an empty body" } else { "" };
    format!("{continues}{}{}{body}", answer.status, code.unwrap_or_default())
}

/// How far answers are read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Until {
    /// Until this many answers came, and no byte more; the connection stays open.
    Answers(usize),
    /// Until the server closes; it has to.
    Closed,
    /// Until this many answers came and the connection is closed or quiet.
    Quiet(usize),
}

/// What a connection is opened with.
#[derive(Clone, Copy, Debug)]
pub struct ConnectionOptions {
    /// How long it has for everything on it.
    pub timeout: Duration,
    /// The size of the kernel's receive buffer, in bytes.
    pub receive_buffer: Option<usize>,
}

impl Default for ConnectionOptions {
    /// 5 s and the system's buffer.
    fn default() -> Self {
        Self { timeout: Duration::from_secs(5), receive_buffer: None }
    }
}

/// One TCP connection to the server.
#[derive(Debug)]
pub struct Connection {
    /// Which of the process's connections it is.
    number: u32,
    stream: TcpStream,
    buffer: Vec<u8>,
    ended: Option<End>,
    deadline: Instant,
}

impl Connection {
    /// Connects from `from`, if that is given, and has `timeout` for everything that follows.
    ///
    /// # Errors
    /// The server cannot be reached.
    pub fn open(addr: SocketAddr, from: Option<IpAddr>, timeout: Duration) -> std::io::Result<Self> {
        Self::open_with(addr, from, ConnectionOptions { timeout, ..ConnectionOptions::default() })
    }

    /// Connects from `from`, if that is given.
    ///
    /// # Errors
    /// The server cannot be reached.
    pub fn open_with(addr: SocketAddr, from: Option<IpAddr>, options: ConnectionOptions) -> std::io::Result<Self> {
        let ConnectionOptions { timeout, receive_buffer } = options;
        let deadline = Instant::now() + timeout;
        let socket = Socket::new(Domain::for_address(addr), Type::STREAM, Some(Protocol::TCP))?;
        if let Some(bytes) = receive_buffer {
            socket.set_recv_buffer_size(bytes)?;
        }
        if let Some(from) = from {
            socket.bind(&SocketAddr::new(from, 0).into())?;
        }
        socket.connect_timeout(&addr.into(), timeout)?;
        socket.set_tcp_nodelay(true)?;
        static NEXT: AtomicU32 = AtomicU32::new(0);
        let number = NEXT.fetch_add(1, Ordering::Relaxed);
        Ok(Self { number, stream: socket.into(), buffer: Vec::new(), ended: None, deadline })
    }

    /// Sends bytes. A server that has closed already is seen when reading.
    pub fn send(&mut self, bytes: &[u8]) {
        let left = self.left().max(Duration::from_millis(1));
        let _ = self.stream.set_write_timeout(Some(left));
        let _ = self.stream.write_all(bytes);
    }

    /// Which of the process's connections it is.
    pub(crate) const fn number(&self) -> u32 {
        self.number
    }

    /// The socket, for who speaks another protocol on it.
    pub(crate) fn into_stream(self) -> TcpStream {
        self.stream
    }

    /// Leaves with a reset instead of a close.
    pub fn reset(self) {
        let _ = socket2::SockRef::from(&self.stream).set_linger(Some(Duration::ZERO));
    }

    /// Takes what came, waiting for `count` bytes at most until `wait` is over; fewer if the connection ended.
    pub fn take(&mut self, count: usize, wait: Duration) -> Vec<u8> {
        let until = Instant::now() + wait;
        while self.buffer.len() < count && self.ended.is_none() {
            let left = until.saturating_duration_since(Instant::now());
            // One read may give nothing although the time is not over: its timeout is rounded.
            if left.is_zero() || (!self.fill(left) && self.ended.is_some()) {
                break;
            }
        }
        let count = count.min(self.buffer.len());
        self.buffer.drain(..count).collect()
    }

    /// Reads this many bytes at most with one call, so that no more is taken from the peer; how many came.
    pub fn sip(&mut self, most: usize) -> usize {
        let _ = self.stream.set_read_timeout(Some(Duration::from_millis(1)));
        let mut piece = vec![0; most];
        self.stream.read(&mut piece).unwrap_or(0)
    }

    /// How it stands, as far as was read.
    #[must_use]
    pub fn end(&self) -> End {
        self.ended.unwrap_or(End::Open)
    }

    /// Sends bytes and closes the sending half, in one packet where the system can.
    pub fn send_last(&mut self, bytes: &[u8]) {
        #[cfg(target_os = "linux")]
        let _ = socket2::SockRef::from(&self.stream).set_tcp_cork(true);
        self.send(bytes);
        self.finish_sending();
    }

    /// Closes the sending half.
    pub fn finish_sending(&mut self) {
        let _ = self.stream.shutdown(Shutdown::Write);
    }

    /// Reads the next answer.
    ///
    /// # Errors
    /// It is malformed, or did not come in time.
    pub fn answer(&mut self, asked: &Asked) -> Result<RawResponse, String> {
        loop {
            if let Some(response) = self.next(asked)? {
                return Ok(response);
            }
            if self.ended.is_some() && self.buffer.is_empty() {
                return Err("the connection was closed without an answer".into());
            }
            if !self.fill(self.left()) && self.ended.is_none() {
                return Err(self.late());
            }
        }
    }

    /// Reads until this many bytes of a body or more came: for streams that are left early.
    ///
    /// # Errors
    /// The text did not come in time.
    pub fn read_until(&mut self, text: &str) -> Result<(), String> {
        while !String::from_utf8_lossy(&self.buffer).contains(text) {
            if self.ended.is_some() || !self.fill(self.left()) {
                return Err(format!("{text:?} did not come: {}", self.late()));
            }
        }
        Ok(())
    }

    /// Whether what comes first is this text.
    pub(crate) fn answer_begins_with(&mut self, text: &str) -> bool {
        while self.buffer.len() < text.len() && self.fill(self.left()) {}
        self.buffer.starts_with(text.as_bytes())
    }

    /// What comes with one read; nothing when the connection has ended or its time is over. Receipt is told late, as it is
    /// to a server that waits for that before it sends more (Nagle's algorithm).
    pub(crate) fn piece(&mut self) -> Vec<u8> {
        while self.buffer.is_empty() && self.ended.is_none() && !self.left().is_zero() {
            // A pause of 40 ms lets the system tell the next receipt at once again.
            #[cfg(target_os = "linux")]
            let _ = socket2::SockRef::from(&self.stream).set_tcp_quickack(false);
            self.fill(self.left().min(Duration::from_millis(5)));
        }
        std::mem::take(&mut self.buffer)
    }

    /// Waits for the server to close; `false` if it sent something or kept the connection open.
    pub fn is_closed_within(&mut self, wait: Duration) -> bool {
        let until = Instant::now() + wait;
        while self.ended.is_none() && self.buffer.is_empty() {
            let left = until.saturating_duration_since(Instant::now());
            if left.is_zero() || !self.fill(left) {
                break;
            }
        }
        self.ended.is_some() && self.buffer.is_empty()
    }

    /// Reads the answers to the requests `asked`, in order.
    pub fn exchange(&mut self, sent: Vec<u8>, asked: &[Asked], until: Until) -> Exchange {
        let mut exchange = Exchange::of(sent);
        let other = Asked::method("GET");
        loop {
            let next = asked.get(exchange.answers.len()).unwrap_or(&other);
            match self.next(next) {
                Err(problem) => {
                    exchange.problem = Some(problem);
                    break;
                }
                Ok(Some(answer)) => {
                    exchange.answers.push(answer);
                    continue;
                }
                Ok(None) => {}
            }
            if let Some(end) = self.ended {
                exchange.end = end;
                return exchange;
            }
            let enough = match until {
                Until::Closed => false,
                Until::Answers(count) | Until::Quiet(count) => exchange.answers.len() >= count,
            };
            if enough && matches!(until, Until::Answers(_)) {
                break;
            }
            let wait = if enough { self.left().min(QUIET) } else { self.left() };
            if !self.fill(wait) && self.ended.is_none() {
                exchange.end = if enough { End::Open } else { End::TimedOut };
                if !self.buffer.is_empty() {
                    exchange.problem = Some(self.late());
                }
                return exchange;
            }
        }
        exchange.end = self.ended.unwrap_or(End::Open);
        if exchange.problem.is_none() && !self.buffer.is_empty() {
            exchange.problem = Some(self.late());
        }
        exchange
    }

    fn next(&mut self, asked: &Asked) -> Result<Option<RawResponse>, String> {
        if self.buffer.is_empty() {
            return Ok(None);
        }
        let parsed = match parse(&self.buffer, self.ended.is_some(), asked) {
            // A reset cuts what the server may have written whole.
            Err(ParseError::Truncated(place)) if self.ended == Some(End::Reset) => {
                Err(format!("the connection was reset inside the {place}"))
            }
            parsed => parsed.map_err(|error| error.to_string()),
        };
        match parsed? {
            None => Ok(None),
            Some((response, used)) => {
                self.buffer.drain(..used);
                Ok(Some(response))
            }
        }
    }

    /// Reads once; `false` when nothing came in time or the connection ended.
    fn fill(&mut self, wait: Duration) -> bool {
        if self.ended.is_some() || wait.is_zero() {
            return false;
        }
        let _ = self.stream.set_read_timeout(Some(wait));
        let mut piece = [0; 16 * 1024];
        match self.stream.read(&mut piece) {
            Ok(0) => self.ended = Some(End::Closed),
            Ok(count) => {
                self.buffer.extend_from_slice(&piece[..count]);
                return true;
            }
            Err(error) => match error.kind() {
                std::io::ErrorKind::WouldBlock | std::io::ErrorKind::TimedOut => {}
                std::io::ErrorKind::Interrupted => return true,
                _ => self.ended = Some(End::Reset),
            },
        }
        false
    }

    fn left(&self) -> Duration {
        self.deadline.saturating_duration_since(Instant::now())
    }

    fn late(&self) -> String {
        let shown = String::from_utf8_lossy(&self.buffer[..self.buffer.len().min(200)]);
        format!("bytes that are no whole answer: {shown:?}")
    }
}

/// A loopback address that no other case of this process uses, for a server on 127.0.0.1.
///
/// Rate limits are keyed by address: with an address of its own, a case cannot use up another's.
/// `None` where only one loopback address exists or the server is elsewhere.
#[must_use]
pub fn own_address(addr: SocketAddr) -> Option<IpAddr> {
    // A server that was asked by another process a moment ago still counts what that was.
    static NEXT: LazyLock<AtomicU32> = LazyLock::new(|| {
        let second = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs() % 16_000);
        AtomicU32::new(u32::try_from(second * 1024 + 1).unwrap_or(1))
    });
    let loopback = matches!(addr.ip(), IpAddr::V4(ip) if ip.is_loopback());
    if !loopback || !cfg!(target_os = "linux") {
        return None;
    }
    let number = NEXT.fetch_add(1, Ordering::Relaxed) % 0x00fc_0000;
    // 127.1.0.1 and up; the last part is never 0 or 255.
    let [_, high, middle, _] = (number / 253 * 256).to_be_bytes();
    let low = u8::try_from(number % 253 + 1).unwrap_or(1);
    Some(Ipv4Addr::new(127, high.saturating_add(1), middle, low).into())
}
