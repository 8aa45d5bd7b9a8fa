//! Proof that the runner fails: servers that answer wrongly, in one way each.

#![allow(clippy::unwrap_used)] // helpers of tests

use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::thread;
use std::time::Duration;

use neurolink_conformance::{Case, Column, Divergences, Verdict, differential, run_case};

/// A server that reads one request and sends these bytes.
struct Fake {
    answer: &'static [u8],
    /// Whether the connection stays open.
    open: bool,
}

impl Fake {
    fn start(self) -> SocketAddr {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let addr = listener.local_addr().unwrap();
        let Self { answer, open } = self;
        thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                thread::spawn(move || serve(stream, answer, open));
            }
        });
        addr
    }
}

fn serve(mut stream: TcpStream, answer: &[u8], open: bool) {
    let mut piece = [0; 64 * 1024];
    let _ = stream.read(&mut piece);
    let _ = stream.write_all(answer);
    if open {
        // Until the client leaves.
        while stream.read(&mut piece).is_ok_and(|count| count > 0) {}
        return;
    }
    // What is left unread would turn the close into a reset.
    let _ = stream.shutdown(std::net::Shutdown::Write);
    let _ = stream.set_read_timeout(Some(Duration::from_millis(200)));
    while stream.read(&mut piece).is_ok_and(|count| count > 0) {}
}

fn case(text: &str) -> Case {
    let head = "[[case]]\nid = 'self/test'\nlevel = 'MUST'\nsource = 'self'\ntimeout_ms = 600\n";
    Case::parse_file("self.toml", &format!("{head}{text}")).unwrap().remove(0)
}

fn run(answer: &'static [u8], open: bool, text: &str) -> (Verdict, String) {
    let outcome = run_case(Fake { answer, open }.start(), &case(text));
    (outcome.verdict, outcome.mismatches.join("\n"))
}

const GET: &str = "request = { path = '/' }\n";
const RIGHT: &[u8] = b"HTTP/1.1 200 OK\r\nAllow: GET\r\nContent-Length: 2\r\n\r\nok";
const WANTED: &str = "expect = { status = 200, headers = { allow = 'GET' }, body = 'ok' }";

#[test]
fn a_right_answer_passes() {
    assert_eq!(run(RIGHT, false, &format!("{GET}{WANTED}")), (Verdict::Pass, String::new()));
}

#[test]
fn wrong_answers_fail() {
    let wrong: [(&'static [u8], &str); 12] = [
        (b"HTTP/1.1 201 Created\r\nAllow: GET\r\nContent-Length: 2\r\n\r\nok", "status"),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok", "header allow"),
        (b"HTTP/1.1 200 OK\r\nAllow: GET\r\nAllow: GET\r\nContent-Length: 2\r\n\r\nok", "header allow"),
        (b"HTTP/1.1 200 OK\r\nAllow: GET\r\nContent-Length: 2\r\n\r\nno", "body"),
        (b"HTTP/1.1 200 OK\r\nAllow: GET\r\nContent-Length: 2\r\n\r\nok!", "malformed"),
        (b"HTTP/1.1 200 OK\r\nAllow: GET\r\nContent-Length: 3\r\n\r\nok", "malformed"),
        (b"HTTP/1.1 200 OK\r\nAllow: GET\r\nContent-Length: +2\r\n\r\nok", "malformed"),
        (b"HTTP/1.1 200 OK\nAllow: GET\nContent-Length: 2\n\nok", "malformed"),
        (
            b"HTTP/1.1 200 OK\r\nAllow: GET\r\nContent-Length: 2\r\n\r\nokHTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n",
            "more than requests",
        ),
        (b"HTTP/1.1 200 OK\r\nAllow: GET\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n", "malformed"),
        (b"ok", "malformed"),
        (b"", "no answer"),
    ];
    for (answer, part) in wrong {
        let (verdict, text) = run(answer, false, &format!("{GET}{WANTED}"));
        let shown = String::from_utf8_lossy(answer);
        assert_eq!(verdict, Verdict::Fail, "{shown}");
        assert!(text.contains(part), "{shown}: {text}");
    }
}

#[test]
fn a_body_on_head_fails() {
    let head = "request = { method = 'HEAD', path = '/' }\nexpect = { status = 200 }";
    let without = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n";
    assert_eq!(run(without, false, head).0, Verdict::Pass);
    assert_eq!(run(RIGHT, false, head).0, Verdict::Fail);
}

#[test]
fn silence_and_a_connection_left_open_fail() {
    assert_eq!(run(b"", true, &format!("{GET}{WANTED}")).0, Verdict::Fail);
    let (verdict, text) = run(RIGHT, true, &format!("{GET}{WANTED}"));
    assert_eq!(verdict, Verdict::Fail);
    assert!(text.contains("not closed"), "{text}");
}

#[test]
fn an_attack_has_to_be_refused() {
    let attack = "request = { raw = 'X' }\nrefuse = true";
    for (answer, open, verdict) in [
        (b"HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n".as_slice(), false, Verdict::Pass),
        (b"", false, Verdict::Pass),
        (b"", true, Verdict::Fail),
        (RIGHT, false, Verdict::Fail),
        (b"HTTP/1.1 500 Oops\r\nContent-Length: 0\r\n\r\n", false, Verdict::Fail),
        (
            b"HTTP/1.1 400 Bad\r\nContent-Length: 0\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n",
            false,
            Verdict::Fail,
        ),
    ] {
        assert_eq!(run(answer, open, attack).0, verdict, "{:?}", String::from_utf8_lossy(answer));
    }
}

#[test]
fn a_smuggled_answer_is_seen() {
    let single = "request = { raw = 'X' }\nsingle = 1\nstatuses = [200]\nbodies_contain = ['ok']";
    assert_eq!(run(RIGHT, false, single).0, Verdict::Pass);
    let twice: &[u8] = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nokHTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";
    assert_eq!(run(twice, false, single).0, Verdict::Fail);
    assert_eq!(run(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nno", false, single).0, Verdict::Fail);
}

#[test]
fn no_server_is_a_harness_error() {
    let addr = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let outcome = run_case(addr, &case(&format!("{GET}{WANTED}")));
    assert_eq!(outcome.verdict, Verdict::HarnessError);
    assert!(outcome.is_failure());
}

#[test]
fn a_comparison_groups_answers_and_knows_divergences() {
    let start = |answer| Fake { answer, open: false }.start();
    let (one, other) = (
        start(b"HTTP/1.1 200 OK\r\nAllow: GET\r\nDate: y\r\nContent-Length: 2\r\n\r\nok"),
        start(b"HTTP/1.1 400 Bad\r\nContent-Length: 0\r\n\r\n"),
    );
    let same = start(b"HTTP/1.1 200 OK\r\nDate: x\r\ncontent-length: 2\r\nallow: GET\r\n\r\nok");
    let cases = [case(&format!("{GET}{WANTED}"))];
    let columns = [Column::new("a", one), Column::new("b", same)];
    let report = differential(&columns, &cases);
    assert!(report.differences.is_empty(), "{report}");
    let columns = [columns[0].clone(), columns[1].clone(), Column::new("c", other)];
    let report = differential(&columns, &cases);
    assert_eq!(report.differences[0].groups.len(), 2);
    assert!(!report.is_clean());
    let known = Divergences::parse(
        "[[divergence]]\ncase = 'self/test'\nversions = '1'\nobserved = '400'\nreason = 'r'\nupstream = 'u'\nuser_impact = 'i'",
    )
    .unwrap();
    let columns = [columns[0].clone(), columns[1].clone(), Column::new("c", other).with_divergences(&known)];
    assert!(differential(&columns, &cases).is_clean());
    // An entry of one that answers as those without do, beside one that does not.
    let columns = [columns[0].clone(), columns[1].clone().with_divergences(&known), columns[2].clone()];
    assert_eq!(differential(&columns, &cases).stale, ["b: self/test"]);
}

/// A server that answers everything with one and the same status passes no case on both of two such servers.
#[test]
fn every_case_fails_on_a_server_that_does_not_listen() {
    let yes = Fake { answer: b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n", open: false }.start();
    let no = Fake { answer: b"HTTP/1.1 400 No\r\nContent-Length: 0\r\n\r\n", open: false }.start();
    let mut useless = Vec::new();
    for mut case in neurolink_conformance::cases().unwrap() {
        case.repeat = 1;
        case.timeout_ms = 1500;
        let passes = |addr| run_case(addr, &case).verdict == Verdict::Pass;
        if passes(yes) && passes(no) {
            useless.push(case.name());
        }
    }
    assert_eq!(useless, Vec::<String>::new());
}
