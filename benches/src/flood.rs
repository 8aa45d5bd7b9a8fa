//! `bench-flood`: many addresses that ask at once, and one honest client whose answers are timed.
//!
//! | call | what it does | what it prints |
//! |---|---|---|
//! | `header PORT FIRST COUNT` | asks once for each of so many addresses, in `X-Forwarded-For` | answers that were 200, and others |
//! | `direct PORT FIRST COUNT` | the same from addresses of 127.0.0.0/8, each by a connection of its own | the same |
//! | `one PORT FIRST COUNT` | asks so often from one address in `X-Forwarded-For` | the same |
//! | `honest PORT SECONDS` | asks 200 times a second on one connection | median and p99 in microseconds |

use std::io::{self, Read as _, Write as _};
use std::net::{Ipv4Addr, SocketAddr};
use std::process::ExitCode;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpSocket, TcpStream};

const CONNECTIONS: u32 = 32;
const BETWEEN: Duration = Duration::from_millis(5);

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let number = |index: usize| arguments.get(index).and_then(|text| text.parse::<u32>().ok());
    let port = number(1).and_then(|port| u16::try_from(port).ok());
    let done = match (arguments.first().map(String::as_str), port, number(2), number(3)) {
        (Some("honest"), Some(port), Some(seconds), None) => honest(port, seconds),
        (Some("header"), Some(port), Some(first), Some(count)) => flood(port, first, count, Source::Header),
        (Some("direct"), Some(port), Some(first), Some(count)) => flood(port, first, count, Source::Direct),
        (Some("one"), Some(port), Some(first), Some(count)) => flood(port, first, count, Source::One),
        _ => Err(io::Error::other(
            "usage: bench-flood header|direct|one PORT FIRST COUNT, or bench-flood honest PORT SECONDS",
        )),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{error}");
            ExitCode::FAILURE
        }
    }
}

/// Where the address of a request stands.
#[derive(Clone, Copy)]
enum Source {
    Header,
    Direct,
    One,
}

impl Source {
    /// The request of a number.
    fn request(self, number: u32) -> String {
        let forwarded = match self {
            Self::Header => format!("X-Forwarded-For: {}\r\n", Ipv4Addr::from(0x0a00_0000 | number)),
            Self::One => "X-Forwarded-For: 10.255.255.254\r\n".into(),
            Self::Direct => String::new(),
        };
        format!("GET /api/version HTTP/1.1\r\nHost: localhost\r\n{forwarded}\r\n")
    }

    /// A connection for a request of that number.
    async fn connect(self, port: u16, number: u32) -> io::Result<TcpStream> {
        let socket = TcpSocket::new_v4()?;
        if matches!(self, Self::Direct) {
            // From 127.1.0.0 on, and no address twice.
            socket.bind((Ipv4Addr::from(0x7f01_0000 + number), 0).into())?;
            socket.set_zero_linger()?;
        }
        let stream = socket.connect(SocketAddr::from((Ipv4Addr::LOCALHOST, port))).await?;
        stream.set_nodelay(true)?;
        Ok(stream)
    }
}

fn flood(port: u16, first: u32, count: u32, source: Source) -> io::Result<()> {
    let next = Arc::new(AtomicU32::new(first));
    let good = Arc::new(AtomicU32::new(0));
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(async {
        let clients: Vec<_> = (0..CONNECTIONS)
            .map(|_| tokio::spawn(client(port, source, Arc::clone(&next), first + count, Arc::clone(&good))))
            .collect();
        for client in clients {
            client.await.map_err(io::Error::other)??;
        }
        let good = good.load(Ordering::Relaxed);
        println!("{good} {}", count - good);
        Ok(())
    })
}

/// Asks for one number after the other, on one connection if it may.
async fn client(port: u16, source: Source, next: Arc<AtomicU32>, end: u32, good: Arc<AtomicU32>) -> io::Result<()> {
    let mut open: Option<TcpStream> = None;
    let mut answer = Vec::new();
    loop {
        let number = next.fetch_add(1, Ordering::Relaxed);
        if number >= end {
            return Ok(());
        }
        let mut stream = match open.take() {
            Some(stream) => stream,
            None => source.connect(port, number).await?,
        };
        stream.write_all(source.request(number).as_bytes()).await?;
        answer.clear();
        while !is_whole(&answer) {
            if stream.read_buf(&mut answer).await? == 0 {
                return Err(io::ErrorKind::UnexpectedEof.into());
            }
        }
        good.fetch_add(u32::from(answer.starts_with(b"HTTP/1.1 200")), Ordering::Relaxed);
        if !matches!(source, Source::Direct) {
            open = Some(stream);
        }
    }
}

/// Whether an answer has all of its body.
fn is_whole(answer: &[u8]) -> bool {
    let Some(end) = answer.windows(4).position(|four| four == b"\r\n\r\n") else { return false };
    let head = String::from_utf8_lossy(&answer[..end]).to_ascii_lowercase();
    let length = head.lines().find_map(|line| line.strip_prefix("content-length: ")?.parse::<usize>().ok());
    length.is_some_and(|length| answer.len() >= end + 4 + length)
}

/// One client that asks at a steady rate, whatever its answers take.
fn honest(port: u16, seconds: u32) -> io::Result<()> {
    let mut stream = std::net::TcpStream::connect((Ipv4Addr::LOCALHOST, port))?;
    stream.set_nodelay(true)?;
    stream.set_read_timeout(Some(Duration::from_secs(5)))?;
    let request = "GET /api/version HTTP/1.1\r\nHost: localhost\r\nX-Forwarded-For: 192.0.2.1\r\n\r\n";
    let begin = Instant::now();
    let mut took = Vec::new();
    let mut due = Duration::ZERO;
    while due < Duration::from_secs(seconds.into()) {
        std::thread::sleep(due.saturating_sub(begin.elapsed()));
        let since = Instant::now();
        stream.write_all(request.as_bytes())?;
        let mut answer = Vec::new();
        let mut buffer = [0; 4096];
        while !is_whole(&answer) {
            let read = stream.read(&mut buffer)?;
            if read == 0 {
                return Err(io::ErrorKind::UnexpectedEof.into());
            }
            answer.extend_from_slice(&buffer[..read]);
        }
        if !answer.starts_with(b"HTTP/1.1 200") {
            return Err(io::Error::other(format!("the honest client got {}", String::from_utf8_lossy(&answer[..20]))));
        }
        took.push(since.elapsed());
        due += BETWEEN;
    }
    took.sort_unstable();
    let at = |share: usize| took.get(took.len() * share / 100).map_or(0, Duration::as_micros);
    println!("{} {}", at(50), at(99));
    Ok(())
}
