//! What a supervisor does with the process.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::os::fd::OwnedFd;
use std::os::unix::net::UnixListener;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use crate::kit::{Serving, folder, frameworks, neurolink};

/// The binary with a listening socket as systemd hands it over: descriptor 3, for the process that is started.
fn with_socket(listener: impl Into<OwnedFd>, framework: &str) -> Command {
    let mut command = Command::new("sh");
    command.args(["-c", r#"LISTEN_FDS=1 LISTEN_PID=$$ exec "$0" "$@" 3<&0 </dev/null"#]);
    let neurolink = neurolink(&["serve", "--framework", framework]);
    command.arg(neurolink.get_program()).args(neurolink.get_args());
    command.stdin(Stdio::from(listener.into()));
    command
}

#[test]
fn a_socket_that_is_handed_over_is_served_and_outlives_the_process() {
    for framework in frameworks() {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let address = listener.local_addr().expect("an address").to_string();
        for _ in 0..2 {
            let serving = Serving::start(&mut with_socket(listener.try_clone().expect("a second handle"), framework));
            assert_eq!(serving.address, address, "{framework}");
            assert!(serving.get("/api/health/live", "").starts_with("HTTP/1.1 200"), "{framework}");
            let (code, _, err) = serving.end("-TERM");
            assert_eq!(code, Some(0), "{framework}: {err}");
        }
    }
}

#[test]
fn a_unix_socket_that_is_handed_over_is_told_by_its_file() {
    let path = folder().join("handed-over.sock");
    let listener = UnixListener::bind(&path).expect("a socket");
    let serving = Serving::start(&mut with_socket(listener, "axum"));
    assert_eq!(serving.address, format!("unix:{}", path.display()));
    let (code, _, err) = serving.end("-TERM");
    assert_eq!(code, Some(0), "{err}");
}

#[test]
fn sockets_that_nobody_asked_for_are_a_mistake() {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let mut command = Command::new("sh");
    command.args(["-c", r#"LISTEN_FDS=2 LISTEN_PID=$$ exec "$0" "$@" 3<&0 4<&0 </dev/null"#]);
    let neurolink = neurolink(&["serve"]);
    command.arg(neurolink.get_program()).args(neurolink.get_args());
    let output = command.stdin(Stdio::from(OwnedFd::from(listener))).output().expect("runs");
    let text = String::from_utf8_lossy(&output.stderr);
    assert!(!output.status.success() && text.contains("LISTEN_FDS hands over 2 sockets"), "{text}");
}

// Shows P-D33.
/// SIGTERM comes while one request is in work and one stream runs: both are answered whole, and the process ends well.
#[test]
fn what_is_in_flight_at_a_sigterm_is_answered() {
    let post = |serving: &Serving, route: &str| {
        let body = r#"{"input":"one two three four five six","model":"offline/slow-100ms"}"#;
        let mut stream = TcpStream::connect(&serving.address).expect("connects");
        stream.set_read_timeout(Some(Duration::from_secs(20))).expect("a timeout");
        let (host, length) = (&serving.address, body.len());
        let head = format!("POST /api/agent/{route} HTTP/1.1\r\nHost: {host}\r\nContent-Type: application/json\r\n");
        stream.write_all(format!("{head}Content-Length: {length}\r\n\r\n{body}").as_bytes()).expect("sends");
        stream
    };
    for framework in frameworks() {
        let serving = Serving::start(&mut neurolink(&["serve", "--port", "0", "--framework", framework]));
        let (mut whole, mut events) = (post(&serving, "execute"), post(&serving, "stream"));
        // The first event is there: five more are to come, and the other request is in work since before.
        let mut first = Vec::new();
        while !String::from_utf8_lossy(&first).contains("data: {") {
            let mut piece = [0; 1024];
            let read = events.read(&mut piece).expect("an event");
            assert!(read > 0, "{framework}: {}", String::from_utf8_lossy(&first));
            first.extend_from_slice(&piece[..read]);
        }
        serving.signal("-TERM");
        let mut answers = [String::new(), String::from_utf8_lossy(&first).into_owned()];
        for (answer, stream) in answers.iter_mut().zip([&mut whole, &mut events]) {
            stream.read_to_string(answer).expect("an answer to its end");
            assert!(answer.starts_with("HTTP/1.1 200"), "{framework}: {answer}");
        }
        assert!(answers[0].contains("six"), "{framework}: {}", answers[0]);
        let is_whole = answers[1].contains("data: [DONE]") && !answers[1].contains(r#""type":"error""#);
        assert!(is_whole, "{framework}: {}", answers[1]);
        let (code, out, err) = serving.ended();
        assert_eq!(code, Some(0), "{framework}: {out}{err}");
    }
}

#[test]
fn sighup_reads_the_certificate_again_and_a_broken_one_is_not_used() {
    let made = rcgen::generate_simple_self_signed(["localhost".to_owned()]).expect("a certificate");
    let (cert, key) = (folder().join("tls.crt"), folder().join("tls.key"));
    std::fs::write(&cert, made.cert.pem()).expect("written");
    std::fs::write(&key, made.signing_key.serialize_pem()).expect("written");
    let (cert_name, key_name) = (cert.display().to_string(), key.display().to_string());
    let mut command = neurolink(&["serve", "--port", "0", "--tls-cert", &cert_name, "--tls-key", &key_name]);
    let mut serving = Serving::start(&mut command);
    serving.signal("-HUP");
    serving.until_logged("the certificate was read again");
    std::fs::write(&cert, "no certificate").expect("written");
    serving.signal("-HUP");
    serving.until_logged("the new certificate is not used, the one before is");
    assert_eq!(serving.end("-TERM").0, Some(0));
}

/// Far above what a process needs to do what it was told, and far below the grace and the stream.
const SOON: Duration = Duration::from_secs(20);

fn until(what: &str, mut done: impl FnMut() -> bool) {
    let start = Instant::now();
    while !done() {
        assert!(start.elapsed() < SOON, "{what}: not within {SOON:?}");
        std::thread::sleep(Duration::from_millis(10));
    }
}

/// A stream of several minutes, read up to its first event.
fn stream(address: &str) -> BufReader<TcpStream> {
    let text = "word ".repeat(3000);
    let body = format!(r#"{{"input":{{"text":"{text}"}},"model":"offline/slow-100ms"}}"#);
    let mut stream = TcpStream::connect(address).expect("connects");
    stream.set_read_timeout(Some(SOON)).expect("a timeout");
    let head = format!("POST /api/agent/stream HTTP/1.1\r\nHost: {address}\r\nContent-Type: application/json");
    write!(stream, "{head}\r\nContent-Length: {}\r\n\r\n{body}", body.len()).expect("sends");
    let mut reader = BufReader::new(stream);
    event(&mut reader);
    reader
}

/// Reads up to the next event.
fn event(reader: &mut BufReader<TcpStream>) {
    let mut line = String::new();
    while !line.starts_with("data: {\"type\":\"text\"") {
        line.clear();
        assert!(reader.read_line(&mut line).expect("a line") > 0, "the stream has ended");
    }
}

#[test]
fn a_second_signal_ends_a_drain_at_once() {
    for (framework, second) in frameworks().into_iter().zip(["-TERM", "-INT"].into_iter().cycle()) {
        let mut command = neurolink(&["serve", "--port", "0", "--framework", framework]);
        let mut serving = Serving::start(command.env("NEUROLINK__SERVER__GRACE", "10m"));
        let mut open = stream(&serving.address);
        serving.signal("-TERM");
        // Nobody is let in any more, and what is open goes on.
        let address = serving.address.clone();
        until("the drain", || TcpStream::connect(&address).is_err());
        event(&mut open);
        assert!(serving.is_running(), "{framework}: it has not waited for its stream");
        serving.signal(second);
        until("the end", || !serving.is_running());
        let (code, _, err) = serving.ended();
        assert_eq!(code, Some(1), "{framework}: {err}");
        assert!(err.contains("what was still open was cut"), "{framework}: {err}");
    }
}

#[test]
fn a_probe_that_says_no_is_a_warning_and_no_error() {
    for framework in frameworks() {
        let mut command = neurolink(&["serve", "--port", "0", "--framework", framework]);
        let mut serving = Serving::start(command.env("NEUROLINK__SERVER__DRAIN_DELAY", "10m"));
        serving.signal("-TERM");
        until("readiness says no", || serving.get("/api/health/ready", "").starts_with("HTTP/1.1 503"));
        serving.signal("-INT");
        until("the end", || !serving.is_running());
        let (_, out, err) = serving.ended();
        let log = format!("{out}{err}");
        let line = log.lines().find(|line| line.contains("/api/health/ready") && line.contains("503"));
        assert!(line.is_some_and(|line| line.contains("WARN")), "{framework}: {log}");
        assert!(!log.contains("ERROR"), "{framework}: {log}");
    }
}
