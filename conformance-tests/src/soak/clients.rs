//! The clients of a soak: good ones, and those that leave, are slow, or send what has to be refused.

use std::thread::sleep;
use std::time::Duration;

use super::special;
use crate::function::{Ctx, Failure};
use crate::functions::requests::agent;
use crate::h2::{Ask, Client};
use crate::parse::{Asked, RawResponse};
use crate::wire::{Connection, ConnectionOptions, End, Until};

/// Why a visit did not go as it should.
#[derive(Debug)]
pub(super) enum Trouble {
    /// The server had too much to do, or the machine had: 408, 429 or 504.
    Busy,
    /// The server had no place for a request: 503, which only a limit of requests at one time makes.
    Shed,
    /// The answer was wrong.
    Wrong(String),
}

impl From<Failure> for Trouble {
    fn from(failure: Failure) -> Self {
        Self::Wrong(failure.to_string())
    }
}

pub(super) type Done = Result<(), Trouble>;

/// What a client does; each visit has connections of its own.
#[derive(Clone, Copy)]
pub(super) struct Visit {
    pub(super) name: &'static str,
    /// Whether it speaks HTTP/2.
    pub(super) http2: bool,
    /// The configurations whose own limits or credentials it is about, from an address apart; none if it is for all.
    pub(super) only: &'static [&'static str],
    pub(super) run: fn(&Ctx) -> Done,
}

const fn visit(name: &'static str, run: fn(&Ctx) -> Done) -> Visit {
    Visit { name, http2: false, only: &[], run }
}

impl Visit {
    const fn only(mut self, configurations: &'static [&'static str]) -> Self {
        self.only = configurations;
        self
    }
}

pub(super) const ALL: &[Visit] = &[
    visit("many requests on one connection", keeps_alive),
    visit("pipelined requests", pipelines),
    visit("a stream to its end", reads_a_stream),
    visit("leaves before the answer", |ctx| leaves_before(ctx, drop)),
    visit("resets before the answer", |ctx| leaves_before(ctx, Connection::reset)),
    visit("leaves during a stream", |ctx| leaves_during(ctx, drop)),
    visit("resets during a stream", |ctx| leaves_during(ctx, Connection::reset)),
    visit("leaves while a handler sleeps", leaves_a_handler),
    visit("reads slowly", reads_slowly),
    visit("sends a body slowly", sends_slowly),
    visit("leaves inside a body", leaves_inside_a_body),
    visit("says nothing", says_nothing),
    visit("sends what is malformed", sends_nonsense),
    visit("exceeds limits", exceeds_limits),
    visit("has no right", has_no_right),
    visit("makes handlers fail", fails),
    Visit { http2: true, ..visit("speaks HTTP/2", speaks_http2) },
    visit("overfills a bucket", special::overfills_a_bucket).only(&["dialects"]),
    visit("fails until it is refused", special::fails_until_refused).only(&["draft-7"]),
    visit("guesses passwords", special::guesses_passwords).only(&["basic"]),
    visit("shows tokens", special::shows_tokens).only(&["jwt"]),
    visit("takes all places", special::takes_all_places).only(&["busy"]),
    visit("comes through a proxy", special::comes_through_a_proxy).only(&[
        "proxies",
        "proxies-forwarded",
        "proxies-single",
    ]),
    visit("claims to be a proxy", special::claims_to_be_a_proxy).only(&["proxies-elsewhere"]),
];

pub(super) const HEAD: &str = r"Host: localhost\r\nAuthorization: Bearer {user-token}\r\n";

/// Reads an answer, which has to have one of these statuses.
pub(super) fn answer(
    ctx: &Ctx,
    connection: &mut Connection,
    method: &str,
    wanted: &[u16],
) -> Result<RawResponse, Trouble> {
    let answer = ctx.answer(connection, method)?;
    match answer.status {
        status if wanted.contains(&status) => Ok(answer),
        408 | 429 | 504 => Err(Trouble::Busy),
        503 => Err(Trouble::Shed),
        status => Err(Trouble::Wrong(format!("expected {wanted:?}, got {status}: {}", answer.text()))),
    }
}

/// Sends a request on a connection of its own, whose answer has to have one of these statuses.
pub(super) fn asks(ctx: &Ctx, method: &str, request: &str, wanted: &[u16]) -> Done {
    let mut connection = ctx.connect()?;
    ctx.send(&mut connection, request);
    answer(ctx, &mut connection, method, wanted).map(|_| ())
}

pub(super) fn get(path: &str) -> String {
    format!(r"GET {path} HTTP/1.1\r\n{HEAD}\r\n")
}

/// A POST of JSON to the echo, with its framing and what comes of its body.
fn echo(framing: &str, body: &str) -> String {
    format!(
        r"POST /api/test/echo HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n{framing}\r\n\r\n{body}"
    )
}

fn keeps_alive(ctx: &Ctx) -> Done {
    let mut connection = ctx.connect()?;
    for path in ["/api/test/params/a", "/api/test/whoami", "/api/tools", "/api/health", "/api/test/query?a=1"] {
        ctx.send(&mut connection, &get(path));
        answer(ctx, &mut connection, "GET", &[200])?;
        ctx.send(&mut connection, &echo("Content-Length: 7", r#"{"a":1}"#));
        answer(ctx, &mut connection, "POST", &[200])?;
        ctx.send(&mut connection, &agent("execute", "offline/chunks-50", "hello"));
        answer(ctx, &mut connection, "POST", &[200])?;
    }
    Ok(())
}

fn pipelines(ctx: &Ctx) -> Done {
    let mut connection = ctx.connect()?;
    let one = get("/api/test/params/a");
    ctx.send(&mut connection, &[&*one, &echo("Transfer-Encoding: chunked", r"2\r\n{}\r\n0\r\n\r\n"), &*one].concat());
    for method in ["GET", "POST", "GET"] {
        answer(ctx, &mut connection, method, &[200])?;
    }
    Ok(())
}

fn reads_a_stream(ctx: &Ctx) -> Done {
    let mut connection = ctx.connect()?;
    ctx.send(&mut connection, &agent("stream", "offline/chunks-50", "hello"));
    let stream = answer(ctx, &mut connection, "POST", &[200])?.text();
    match stream.ends_with("data: [DONE]\n\n") {
        true => Ok(()),
        false => Err(Trouble::Wrong(format!("a stream ends so: {}", &stream[stream.len().saturating_sub(200)..]))),
    }
}

fn leaves_before(ctx: &Ctx, leave: fn(Connection)) -> Done {
    for route in ["execute", "stream"] {
        let mut connection = ctx.connect()?;
        ctx.send(&mut connection, &agent(route, "test/silent", "x"));
        sleep(Duration::from_millis(10));
        leave(connection);
    }
    Ok(())
}

/// Reads a stream until this text, or an answer that is none.
fn begins(ctx: &Ctx, connection: &mut Connection, text: &str) -> Done {
    if !connection.answer_begins_with("HTTP/1.1 200") {
        answer(ctx, connection, "GET", &[200])?;
    }
    connection.read_until(text).map_err(Trouble::Wrong)
}

/// A stream without an end that has begun.
fn endless(ctx: &Ctx, options: ConnectionOptions) -> Result<Connection, Trouble> {
    let mut connection = ctx.connect_with(options)?;
    ctx.send(&mut connection, &agent("stream", "test/endless", "x"));
    begins(ctx, &mut connection, "data: {")?;
    Ok(connection)
}

fn leaves_during(ctx: &Ctx, leave: fn(Connection)) -> Done {
    leave(endless(ctx, ConnectionOptions::default())?);
    Ok(())
}

fn leaves_a_handler(ctx: &Ctx) -> Done {
    let mut connection = ctx.connect()?;
    ctx.send(&mut connection, &get("/api/test/slow"));
    sleep(Duration::from_millis(50));
    Ok(())
}

fn reads_slowly(ctx: &Ctx) -> Done {
    let mut connection =
        endless(ctx, ConnectionOptions { receive_buffer: Some(4096), ..ConnectionOptions::default() })?;
    for _ in 0..20 {
        connection.sip(100);
        sleep(Duration::from_millis(25));
    }
    Ok(())
}

fn sends_slowly(ctx: &Ctx) -> Done {
    let mut connection = ctx.connect()?;
    ctx.send(&mut connection, &echo("Content-Length: 7", r#"{"a""#));
    for piece in [":", "1", "}"] {
        sleep(Duration::from_millis(20));
        ctx.send(&mut connection, piece);
    }
    answer(ctx, &mut connection, "POST", &[200]).map(|_| ())
}

fn leaves_inside_a_body(ctx: &Ctx) -> Done {
    for (framing, body) in [("Content-Length: 900", r#"{"a":"#), ("Transfer-Encoding: chunked", r#"ff\r\n{"a":"#)] {
        for leave in [drop, Connection::reset] {
            let mut connection = ctx.connect()?;
            ctx.send(&mut connection, &echo(framing, body));
            sleep(Duration::from_millis(5));
            leave(connection);
        }
    }
    Ok(())
}

fn says_nothing(ctx: &Ctx) -> Done {
    let silent = ctx.connect()?;
    let mut begun = ctx.connect()?;
    ctx.send(&mut begun, "GET /api/hea");
    sleep(Duration::from_millis(50));
    drop(silent);
    Ok(())
}

/// Whatever is malformed is a 4xx or a close in time, and no other request is answered.
pub(super) fn sends_nonsense(ctx: &Ctx) -> Done {
    const NONSENSE: [&str; 8] = [
        r"GET /api/health/live HTTP/9.9\r\nHost: localhost\r\n\r\n",
        r"GET\r\n\r\n",
        r"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n",
        r"GET /api/test/params/a HTTP/1.1\r\nHost: localhost\r\nno header\r\n\r\n",
        r"POST /api/test/echo HTTP/1.1\r\nHost: localhost\r\nContent-Length: two\r\n\r\n{}",
        r"POST /api/test/echo HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
        r"GET /api/test/params/%zz HTTP/1.1\r\nHost: localhost\r\n\r\n",
        r"GET /api/test/params/a HTTP/1.1\r\nHost: evil.example\r\n\r\n",
    ];
    for text in NONSENSE {
        let mut connection = ctx.connect()?;
        let bytes = ctx.bytes(text);
        connection.send(&bytes);
        let read = connection.exchange(bytes, &[Asked::method("GET")], Until::Answers(1));
        if read.end == End::TimedOut {
            return Err(Trouble::Wrong(format!("{text} is neither answered nor closed")));
        }
        if let Some(answer) = read.answers.iter().find(|answer| !(400..500).contains(&answer.status)) {
            if answer.status == 503 {
                return Err(Trouble::Shed);
            }
            return Err(Trouble::Wrong(format!("{text} has the answer {}", answer.status)));
        }
    }
    Ok(())
}

fn exceeds_limits(ctx: &Ctx) -> Done {
    asks(ctx, "POST", &echo("Content-Length: 300000000", "{repeat:2000: }"), &[413])?;
    asks(ctx, "GET", &get("/api/test/query?a={repeat:9000:a}"), &[414])?;
    asks(ctx, "GET", r"GET /api/health/live HTTP/1.1\r\nHost: localhost\r\n{repeat:70:X-Many: a\r\n}\r\n", &[431])?;
    let mut connection = ctx.connect()?;
    for _ in 0..8 {
        ctx.send(&mut connection, &get("/api/health/startup"));
        answer(ctx, &mut connection, "GET", &[200, 429])?;
    }
    Ok(())
}

fn has_no_right(ctx: &Ctx) -> Done {
    asks(ctx, "GET", r"GET /api/test/admin HTTP/1.1\r\nHost: localhost\r\n\r\n", &[401])?;
    let wrong = r"GET /api/test/admin HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer wrong\r\n\r\n";
    asks(ctx, "GET", wrong, &[401])?;
    asks(ctx, "GET", &get("/api/test/admin"), &[403])?;
    asks(ctx, "POST", &agent("execute", "offline/chunks-50", "x").replace("{user-token}", "wrong"), &[401])
}

fn fails(ctx: &Ctx) -> Done {
    asks(ctx, "GET", &get("/api/test/error"), &[500])?;
    asks(ctx, "GET", &get("/api/test/panic"), &[500])?;
    asks(ctx, "GET", &get("/api/nope"), &[404])?;
    asks(ctx, "GET", &get("/api/test/stream-error"), &[200])?;
    // Its end is told by a cut, if the framework has no better way.
    let mut connection = ctx.connect()?;
    ctx.send(&mut connection, &get("/api/test/panic-stream"));
    begins(ctx, &mut connection, "event 1")
}

fn speaks_http2(ctx: &Ctx) -> Done {
    // What is said over HTTP/1 as lines is said here as well.
    let said = |text: &str| String::from_utf8_lossy(&ctx.bytes(text)).into_owned();
    let client = Client::open(ctx)?.named(said("Host: localhost").trim_start_matches("Host: "));
    let token = said("Bearer {user-token}");
    let answer = client.ask(&Ask::get("/api/test/params/a"))?;
    let body = r#"{"input":"x","model":"test/endless"}"#;
    let headers = [("authorization", &*token), ("content-type", "application/json")];
    let ask = Ask { method: "POST", path: "/api/agent/stream", headers: &headers, body: &[body] };
    let mut stream = client.send(&ask)?.answer()?;
    match [answer.status, stream.status] {
        [200, 200] => stream.piece().map(|_| ()).map_err(Trouble::from),
        [200 | 503, 503] | [503, 200] => Err(Trouble::Shed),
        both if both.iter().all(|status| [200, 408, 429, 503, 504].contains(status)) => Err(Trouble::Busy),
        [first, second] => Err(Trouble::Wrong(format!("HTTP/2: {first} and {second}"))),
    }
}
