//! Two server processes on one Redis.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::TcpStream;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use crate::kit::Redis;
use crate::look::calls;

const LIMIT: usize = 20;
const WINDOWS: usize = 10;

/// The example `shared_limit` as a process.
struct Server {
    child: Child,
    address: String,
}

impl Server {
    fn start(redis: &Redis) -> Self {
        // Test binaries stand in `deps`, examples beside it.
        let own = std::env::current_exe().expect("a path");
        let target = own.parent().and_then(|deps| deps.parent()).expect("a target folder");
        let mut child = Command::new(target.join("examples/shared_limit"))
            .envs([
                ("LISTEN", "127.0.0.1:0"),
                ("REDIS_URL", &redis.url()),
                ("WINDOW_MS", "500"),
                ("BUDGET_MS", "10000"),
            ])
            .env("LIMIT", LIMIT.to_string())
            .stdout(Stdio::piped())
            .spawn()
            .expect("the example is built");
        let mut line = String::new();
        BufReader::new(child.stdout.take().expect("piped")).read_line(&mut line).expect("a line");
        let address = line.trim().split_once("http://").expect("an address").1.to_owned();
        Self { child, address }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Asks for a while on one connection; the ends of the windows of those requests that passed, and how many were sent.
fn ask(address: &str, until: Instant) -> (Vec<u64>, usize) {
    let mut stream = TcpStream::connect(address).expect("connects");
    stream.set_read_timeout(Some(Duration::from_secs(20))).expect("a timeout");
    let (mut ends, mut sent) = (Vec::new(), 0);
    while Instant::now() < until {
        stream.write_all(b"GET /api/x HTTP/1.1\r\nHost: localhost\r\n\r\n").expect("sends");
        sent += 1;
        let answer = read(&mut stream);
        if answer.starts_with("HTTP/1.1 200") {
            let end = answer.split_once("\"data\":\"").expect("data").1.split('"').next().expect("a number");
            ends.push(end.parse().expect("milliseconds"));
        } else {
            assert!(answer.starts_with("HTTP/1.1 429"), "{answer}");
        }
    }
    (ends, sent)
}

fn read(stream: &mut TcpStream) -> String {
    let (mut answer, mut buffer) = (Vec::new(), [0; 4096]);
    loop {
        let read = stream.read(&mut buffer).expect("an answer");
        assert!(read > 0, "the server hung up");
        answer.extend_from_slice(&buffer[..read]);
        let text = String::from_utf8_lossy(&answer);
        let Some((head, body)) = text.split_once("\r\n\r\n") else { continue };
        let length =
            head.lines().find_map(|line| line.to_ascii_lowercase().strip_prefix("content-length: ")?.parse().ok());
        if body.len() >= length.unwrap_or(0) {
            return text.into_owned();
        }
    }
}

// Shows S2-02.
#[test]
fn two_processes_never_admit_more_than_the_limit_together() {
    let redis = Redis::start();
    let servers = [Server::start(&redis), Server::start(&redis)];
    let until = Instant::now() + Duration::from_millis(500) * u32::try_from(WINDOWS).expect("few");
    let clients: Vec<_> = (0..10)
        .map(|client| {
            let address = servers[client % 2].address.clone();
            std::thread::spawn(move || ask(&address, until))
        })
        .collect();
    let (mut ends, mut sent) = (Vec::new(), 0);
    for client in clients {
        let (passed, asked) = client.join().expect("a client");
        ends.extend(passed);
        sent += asked;
    }
    ends.sort_unstable();
    // The servers tell the end by their own clocks, so that those of one window lie close together.
    let windows: Vec<&[u64]> = ends.chunk_by(|one, next| next - one < 200).collect();
    assert!((WINDOWS / 2..=WINDOWS + 1).contains(&windows.len()), "{} windows", windows.len());
    for window in &windows {
        assert!(window.len() <= LIMIT, "{} in one window", window.len());
    }
    assert!(windows.iter().filter(|window| window.len() == LIMIT).count() >= windows.len() / 2, "the load was enough");
    let scripts = calls(&redis, "evalsha");
    // Some of the first of each process found no scripts.
    assert!((sent..=sent + 10).contains(&usize::try_from(scripts).expect("few")), "{scripts} for {sent} requests");
}
