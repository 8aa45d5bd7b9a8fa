//! HTTP/2 as an attacker speaks it: it costs the attacker a connection, and nobody else anything.

use std::time::{Duration, Instant};

use crate::function::{Ctx, Failure, ensure, expect_status};
use crate::h2::{
    ACK, Ask, CONTINUATION, Client, DATA, END_HEADERS, END_STREAM, ENHANCE_YOUR_CALM, Frame, GOAWAY, HEADERS, PING,
    PREFACE, RST_STREAM, Raw, SETTINGS, WINDOW_UPDATE, block, get,
};

use super::requests::{SOON, at_work};

const USER: (&str, &str) = ("authorization", "Bearer reference-user-token-0123456789abcdef");

/// An honest client is served as ever, on both versions.
fn honest(ctx: &Ctx) -> Result<(), Failure> {
    let begun = Instant::now();
    expect_status(&ctx.get("/api/test/params/a", None)?, 200)?;
    let answer = Client::open(ctx)?.ask(&Ask::get("/api/test/params/a"))?;
    ensure(answer.status == 200, || format!("an honest client gets {}", answer.status))?;
    let took = begun.elapsed();
    ensure(took < Duration::from_secs(2), || format!("an honest client waits for {took:?}"))
}

/// An agent request that never ends, and its body, on this stream.
fn silent(stream: u32) -> [Frame; 2] {
    let fields = [
        (":method", "POST"),
        (":scheme", "http"),
        (":path", "/api/agent/execute"),
        (":authority", "localhost"),
        ("content-type", "application/json"),
        USER,
    ];
    [
        Frame::new(HEADERS, END_HEADERS, stream, block(&fields)),
        Frame::new(DATA, END_STREAM, stream, *br#"{"input":"x","model":"test/silent"}"#),
    ]
}

/// Thousands of streams, each opened and reset at once (CVE-2023-44487).
pub(super) fn rapid_reset(ctx: &Ctx) -> Result<(), Failure> {
    let control = ctx.control()?;
    let mut raw = Raw::open(ctx, &[])?;
    let reset = |stream| Frame::new(RST_STREAM, 0, stream, 8_u32.to_be_bytes());
    for round in 0..50 {
        raw.send_all((0..100).flat_map(|n| {
            let stream = (round * 100 + n) * 2 + 1;
            silent(stream).into_iter().chain([reset(stream)])
        }));
    }
    honest(ctx)?;
    let frames = raw.until_closed(SOON)?;
    let calm = frames.iter().any(|frame| frame.kind == GOAWAY && frame.error() == Some(ENHANCE_YOUR_CALM));
    // A reset of the socket may overtake the frame.
    ensure(calm || frames.iter().all(|frame| frame.kind != GOAWAY), || format!("it closes with {frames:?}"))?;
    at_work(control, 0)?;
    let begun = control.engine().begun();
    ensure(begun < 1000, || format!("{begun} of 5000 requests reached the engine"))?;
    honest(ctx)
}

/// A head that goes on in CONTINUATION frames for ever, of large ones and of tiny ones.
pub(super) fn continuation(ctx: &Ctx) -> Result<(), Failure> {
    let junk = block(&[("x-junk", &"j".repeat(16_000))]);
    for piece in [junk, vec![]] {
        let mut raw = Raw::open(ctx, &[])?;
        raw.send(&Frame::new(HEADERS, END_STREAM, 1, block(&get("/api/test/params/a", &[]))));
        for _ in 0..20 {
            raw.send_all(std::iter::repeat_n(Frame::new(CONTINUATION, 0, 1, piece.clone()), 100));
        }
        honest(ctx)?;
        let frames = raw.until_closed(SOON)?;
        ensure(!frames.iter().any(Frame::is_success), || "a head without an end is answered".into())?;
    }
    Ok(())
}

/// More header bytes than the core takes are 431 with its envelope; more than the parser takes, 431 or a reset.
pub(super) fn header_list(ctx: &Ctx) -> Result<(), Failure> {
    let value = "v".repeat(1000);
    let names: Vec<String> = (0..200).map(|n| format!("x-filler-{n}")).collect();
    let fillers = |count: usize| -> Vec<(&str, &str)> {
        names.iter().take(count).map(|name| (name.as_str(), value.as_str())).collect()
    };
    let client = Client::open(ctx)?;
    let answer = client.ask(&Ask { headers: &fillers(40), ..Ask::get("/api/test/params/a") })?;
    ensure(answer.status == 431 && answer.json()["error"]["code"] == "HEADERS_TOO_LARGE", || {
        format!("40 KB of headers give {}: {}", answer.status, answer.body)
    })?;
    let mut raw = Raw::open(ctx, &[])?;
    let whole = block(&get("/api/test/params/a", &fillers(200)));
    let mut pieces = whole.chunks(16_000).peekable();
    let mut kind = HEADERS;
    while let Some(piece) = pieces.next() {
        let last = if pieces.peek().is_none() { END_HEADERS } else { 0 };
        let flags = if kind == HEADERS { END_STREAM | last } else { last };
        raw.send(&Frame::new(kind, flags, 1, piece));
        kind = CONTINUATION;
    }
    let answer = raw.find(SOON, |frame| [HEADERS, RST_STREAM, GOAWAY].contains(&frame.kind));
    let answer = answer.ok_or_else(|| Failure::new("200 KB of headers are not answered"))?;
    ensure(!answer.is_success(), || "200 KB of headers are accepted".into())?;
    honest(ctx)
}

/// Clients that say nothing after the preface are no burden for others.
pub(super) fn silence(ctx: &Ctx) -> Result<(), Failure> {
    let silent: Result<Vec<_>, _> = (0..50).map(|_| Raw::open(ctx, &[])).collect();
    let silent = silent?;
    honest(ctx)?;
    drop(silent);
    Ok(())
}

/// What is not quite the preface is refused, and so is a first frame that is no SETTINGS.
pub(super) fn preface(ctx: &Ctx) -> Result<(), Failure> {
    let mut wrong = PREFACE.to_vec();
    wrong[18..20].copy_from_slice(b"XX");
    for bytes in [&wrong[..], b"PRI * HTTP/2.0\r\n\r\n", b"PRI /api/test/params/a HTTP/2.0\r\nHost: localhost\r\n\r\n"]
    {
        let mut connection = ctx.connect()?;
        connection.send(bytes);
        ctx.talk().sent(connection.number(), bytes);
        connection.finish_sending();
        let came = ctx.take(&mut connection, 64 * 1024, SOON);
        let text = String::from_utf8_lossy(&came).into_owned();
        // An HTTP/2 server may say GOAWAY before it closes.
        let refused =
            came.is_empty() || text.starts_with("HTTP/1.1 4") || came.get(3).is_some_and(|kind| *kind != HEADERS);
        ensure(refused && !text.contains("\"data\""), || format!("{bytes:?} is answered with {text:?}"))?;
        ensure(connection.is_closed_within(SOON), || format!("open after {bytes:?}"))?;
    }
    let mut raw = Raw::open(ctx, &[])?;
    raw.send_bytes(b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n");
    raw.until_closed(SOON).map(|_| ())
}

/// Floods of frames that ask for an answer: the connection goes on or is closed, and others do not notice.
pub(super) fn floods(ctx: &Ctx) -> Result<(), Failure> {
    let window = |stream| Frame::new(WINDOW_UPDATE, 0, stream, 1_u32.to_be_bytes());
    let floods = [Frame::new(SETTINGS, 0, 0, []), Frame::new(PING, 0, 0, [7; 8]), window(0)];
    for frame in floods {
        let mut raw = Raw::open(ctx, &[])?;
        for _ in 0..20 {
            raw.send_all(std::iter::repeat_n(frame.clone(), 500));
            expect_status(&ctx.get("/api/test/params/a", None)?, 200)?;
        }
        raw.send(&Frame::get(1, &get("/api/test/params/a", &[])));
        let mut answered = 0;
        let ended = loop {
            match raw.next(SOON) {
                Some(came) if came.kind == frame.kind && came.flags & ACK != 0 => answered += 1,
                Some(came) if came.is_success() => break true,
                Some(came) if came.kind == GOAWAY => break true,
                Some(_) => {}
                None => break raw.until_closed(Duration::ZERO).is_ok(),
            }
        };
        ensure(ended, || format!("after a flood of kind {} nothing is answered", frame.kind))?;
        // One answer a frame, and the one to our first SETTINGS.
        ensure(answered <= 10_001, || format!("{answered} answers to 10000 frames"))?;
    }
    honest(ctx)
}

/// A client that gives no window gets nothing, and the engine makes nothing for it.
pub(super) fn window_of_zero(ctx: &Ctx) -> Result<(), Failure> {
    let control = ctx.control()?;
    let mut raw = Raw::open(ctx, &[(4, 0)])?;
    let mut frames = silent(1);
    frames[1].payload = br#"{"input":"x","model":"test/endless"}"#.to_vec();
    let fields = [
        (":method", "POST"),
        (":scheme", "http"),
        (":path", "/api/agent/stream"),
        (":authority", "localhost"),
        ("content-type", "application/json"),
        USER,
    ];
    frames[0].payload = block(&fields);
    raw.send_all(frames);
    at_work(control, 1)?;
    ensure(raw.find(SOON, Frame::is_success).is_some(), || "the stream does not begin".into())?;
    // It has had turns for far more.
    for _ in 0..20 {
        honest(ctx)?;
    }
    let produced = control.engine().bytes();
    ensure(produced <= 64 * 1024, || format!("{produced} bytes were produced for a window of nothing"))?;
    honest(ctx)?;
    raw.send(&Frame::new(WINDOW_UPDATE, 0, 1, 10_u32.to_be_bytes()));
    let data = raw.find(SOON, |frame| frame.kind == DATA);
    let bytes = data.map(|frame| frame.payload.len());
    ensure(bytes.is_some_and(|bytes| bytes <= 10), || format!("a window of 10 bytes gets {bytes:?}"))?;
    raw.send(&Frame::new(RST_STREAM, 0, 1, 8_u32.to_be_bytes()));
    at_work(control, 0).map(|_| ())
}

/// Heads that are malformed over HTTP/2 (RFC 9113, section 8.2) are never answered with success.
pub(super) fn malformed_heads(ctx: &Ctx) -> Result<(), Failure> {
    let path = "/api/test/params/a";
    let swapped =
        vec![(":method", "GET"), ("x-a", "b"), (":scheme", "http"), (":path", path), (":authority", "localhost")];
    let twice = [get(path, &[]), vec![(":path", "/api/test/params/b")]].concat();
    let rows: [(&str, Vec<(&str, &str)>); 12] = [
        ("an upper-case name", get(path, &[("X-Upper", "a")])),
        ("a Connection header", get(path, &[("connection", "keep-alive")])),
        ("a Transfer-Encoding header", get(path, &[("transfer-encoding", "chunked")])),
        ("an Upgrade header", get(path, &[("upgrade", "websocket")])),
        ("TE that is not trailers", get(path, &[("te", "gzip")])),
        ("a line break in a value", get(path, &[("x-a", "b\r\nx-injected: c")])),
        ("a NUL in a value", get(path, &[("x-a", "b\0c")])),
        ("a line break in the path", get("/api/test/params/a HTTP/1.1\r\nx: y", &[])),
        ("an unknown pseudo-header", get(path, &[(":admin", "yes")])),
        ("a pseudo-header after others", swapped),
        ("a second path", twice),
        ("a body that is shorter than its length", get(path, &[("content-length", "5")])),
    ];
    for (what, fields) in rows {
        let mut raw = Raw::open(ctx, &[])?;
        raw.send(&Frame::get(1, &fields));
        let answer = raw.find(SOON, |frame| [HEADERS, RST_STREAM, GOAWAY].contains(&frame.kind));
        let closed = answer.is_none() && raw.until_closed(Duration::ZERO).is_ok();
        let refused = closed || answer.as_ref().is_some_and(|frame| !frame.is_success());
        ensure(refused, || format!("{what}: {answer:?}"))?;
    }
    honest(ctx)
}

/// Frames that break the protocol (RFC 9113, section 5) end the connection or their stream.
pub(super) fn malformed_frames(ctx: &Ctx) -> Result<(), Failure> {
    let head = || block(&get("/api/test/params/a", &[]));
    let rows: [(&str, Frame); 9] = [
        ("DATA on stream 0", Frame::new(DATA, 0, 0, *b"x")),
        ("DATA on an idle stream", Frame::new(DATA, END_STREAM, 1, *b"x")),
        ("HEADERS on stream 0", Frame::new(HEADERS, END_HEADERS | END_STREAM, 0, head())),
        ("HEADERS on an even stream", Frame::new(HEADERS, END_HEADERS | END_STREAM, 2, head())),
        ("a frame over the size that was agreed", Frame::new(DATA, 0, 1, vec![0; 17_000])),
        ("SETTINGS of an odd size", Frame::new(SETTINGS, 0, 0, [0; 5])),
        ("a PING of seven bytes", Frame::new(PING, 0, 0, [0; 7])),
        ("a window that grows by nothing", Frame::new(WINDOW_UPDATE, 0, 0, [0; 4])),
        ("CONTINUATION of nothing", Frame::new(CONTINUATION, END_HEADERS, 1, head())),
    ];
    for (what, frame) in rows {
        let mut raw = Raw::open(ctx, &[])?;
        raw.send(&frame);
        let frames = raw.until_closed(SOON).map_err(|_| Failure::new(format!("open after {what}")))?;
        ensure(!frames.iter().any(Frame::is_success), || format!("{what} is answered with success"))?;
    }
    // An undecodable head leaves both ends with different tables: nothing may follow.
    let mut raw = Raw::open(ctx, &[])?;
    raw.send(&Frame::new(HEADERS, END_HEADERS | END_STREAM, 1, [0xff; 20]));
    raw.until_closed(SOON).map_err(|_| Failure::new("open after a head that cannot be decoded"))?;
    honest(ctx)
}
