//! Proof that the generator finds differences: the reference app beside itself with one thing wrong.

#![allow(clippy::unwrap_used)] // helpers of tests

use std::net::{SocketAddr, TcpListener};
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU32, Ordering};

use bytes::Bytes;
use futures_util::StreamExt as _;
use http::request::Parts;
use http::{HeaderValue, Method, StatusCode, Uri, header};
use neurolink_conformance::generate::{Framing, GenerateOptions, Report, compare, generate, smaller};
use neurolink_conformance::{Column, reference};
use neurolink_core::server::Shutdown;
use neurolink_core::{App, Body, ConnInfo, Request, Response};
use neurolink_serve::{ServeConfig, serve};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _, copy_bidirectional};
use tokio::net::{TcpSocket, TcpStream};
use tokio::runtime::Runtime;

/// What is wrong: something before the app, or after it.
#[derive(Clone, Copy)]
struct Plant {
    before: fn(&mut Parts),
    /// How many chunks of a body come through; all unless told.
    chunks: usize,
    after: fn(&Parts, &mut Response),
}

const NOTHING: Plant = Plant { before: |_| (), chunks: usize::MAX, after: |_, _| () };

fn runtime() -> &'static Runtime {
    static RUNTIME: OnceLock<Runtime> = OnceLock::new();
    RUNTIME.get_or_init(|| tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap())
}

/// Serves the reference app with something planted, on hyper.
fn start(plant: Plant) -> SocketAddr {
    let app = reference::app("reference").unwrap();
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    listener.set_nonblocking(true).unwrap();
    let addr = listener.local_addr().unwrap();
    let (handle, shutdown) = Shutdown::new();
    runtime().spawn(async move {
        let make = move |info: ConnInfo| {
            let app = app.clone();
            tower::service_fn(move |request: http::Request<hyper::body::Incoming>| {
                let app = app.clone();
                async move { Ok::<_, std::convert::Infallible>(answer(&app, plant, request.map(Body::new), info).await) }
            })
        };
        let _handle = handle;
        serve(listener, ServeConfig::default().http2(false), shutdown, make).await.unwrap();
    });
    addr
}

async fn answer(app: &App, plant: Plant, request: Request, info: ConnInfo) -> Response {
    let (mut parts, mut body) = request.into_parts();
    (plant.before)(&mut parts);
    if plant.chunks != usize::MAX && parts.headers.contains_key(header::TRANSFER_ENCODING) {
        body = Body::from_stream(body.take(plant.chunks));
    }
    let seen = parts.clone();
    let mut response = app.handle(Request::from_parts(parts, body), info).await;
    (plant.after)(&seen, &mut response);
    response
}

/// Sends the exchanges of one seed until the first difference, of which nothing can be taken away.
fn is_found(planted: SocketAddr) -> Report {
    let columns = [Column::new("right", start(NOTHING)), Column::new("planted", planted)];
    let report = generate(&columns, GenerateOptions { seed: 1, most_findings: 1, ..GenerateOptions::default() });
    assert!(!report.findings.is_empty(), "{report}");
    println!("{report}");
    for finding in &report.findings {
        for smaller in smaller(&finding.exchange) {
            let groups = compare(&columns, &smaller);
            assert_eq!(groups.len(), 1, "{finding}\ndiffers when it is smaller, too: {smaller:?}");
        }
    }
    report
}

/// Every exchange that shows the difference has shrunk to one request, with headers of these names and nothing else.
fn is_shrunk_to(report: &Report, method: &str, headers: &[&str]) {
    for finding in &report.findings {
        let exchange = &finding.exchange;
        let [request] = &exchange.requests[..] else { panic!("more than one request: {finding}") };
        assert_eq!((&*request.method, request.version), (method, "HTTP/1.1"), "{finding}");
        assert!(!request.target.contains('?'), "{finding}");
        let names: Vec<_> = request.headers.iter().map(|(name, _)| name.to_ascii_lowercase()).collect();
        assert_eq!(names, headers, "{finding}");
        assert!(request.body.is_empty() && request.framing == Framing::Length, "{finding}");
        assert!(!exchange.pipelined && exchange.splits.is_empty(), "{finding}");
    }
}

fn set_target(parts: &mut Parts, change: impl Fn(&str, Option<&str>) -> String) {
    let target = change(parts.uri.path(), parts.uri.query());
    if let Ok(uri) = target.parse::<Uri>() {
        parts.uri = uri;
    }
}

fn with_query(path: &str, query: Option<&str>) -> String {
    query.map_or_else(|| path.to_owned(), |query| format!("{path}?{query}"))
}

#[test]
fn nothing_planted_is_no_difference() {
    let columns = [Column::new("one", start(NOTHING)), Column::new("other", start(NOTHING))];
    let report = generate(&columns, GenerateOptions { requests: 1000, ..GenerateOptions::default() });
    assert!(report.is_clean(), "{report}");
    assert_eq!(report.asked, 1000);
}

/// How many answers there were.
static ONCE: AtomicU32 = AtomicU32::new(0);

#[test]
fn a_difference_that_does_not_come_back_is_counted_and_no_clean_run() {
    let after = |asked: &Parts, response: &mut Response| {
        // Whether a host stands around the app is asked first.
        if asked.uri.path() != "/native/hello" && ONCE.fetch_add(1, Ordering::Relaxed) == 0 {
            *response.status_mut() = StatusCode::IM_A_TEAPOT;
        }
    };
    let columns = [Column::new("right", start(NOTHING)), Column::new("planted", start(Plant { after, ..NOTHING }))];
    let report = generate(&columns, GenerateOptions { requests: 20, ..GenerateOptions::default() });
    assert_eq!((report.findings.len(), report.unrepeated.len()), (0, 1), "{report}");
    assert!(!report.is_clean());
    let number = report.unrepeated[0].number;
    let row = report.row("today");
    assert!(row.ends_with(&format!("| none; not repeatable 1: exchanges {number} |")), "{row}");
    assert!(report.to_string().contains(" 0 findings, 1 not repeatable, "), "{report}");
}

#[test]
fn a_lost_header_is_found_and_shrinks_to_one_header_line() {
    let after = |_: &Parts, response: &mut Response| {
        response.headers_mut().remove("x-custom");
    };
    let report = is_found(start(Plant { after, ..NOTHING }));
    is_shrunk_to(&report, "GET", &["host"]);
}

#[test]
fn a_decoded_slash_is_found() {
    let before = |parts: &mut Parts| set_target(parts, |path, query| with_query(&path.replace("%2F", "/"), query));
    is_found(start(Plant { before, ..NOTHING }));
}

#[test]
fn a_trailing_slash_that_is_accepted_is_found() {
    let before = |parts: &mut Parts| {
        set_target(parts, |path, query| with_query(path.strip_suffix('/').unwrap_or(path), query));
    };
    is_found(start(Plant { before, ..NOTHING }));
}

#[test]
fn a_query_in_lower_case_is_found() {
    let before = |parts: &mut Parts| {
        set_target(parts, |path, query| with_query(path, query.map(str::to_ascii_lowercase).as_deref()));
    };
    is_found(start(Plant { before, ..NOTHING }));
}

#[test]
fn joined_header_values_are_found() {
    let before = |parts: &mut Parts| {
        let lines: Vec<_> = parts.headers.get_all("x-test").iter().map(HeaderValue::as_bytes).collect();
        if lines.len() > 1 {
            let joined = HeaderValue::from_bytes(&lines.join(&b", "[..])).unwrap();
            parts.headers.insert("x-test", joined);
        }
    };
    is_found(start(Plant { before, ..NOTHING }));
}

#[test]
fn a_body_cut_at_a_chunk_is_found() {
    is_found(start(Plant { chunks: 1, ..NOTHING }));
}

#[test]
fn a_limit_that_counts_only_declared_lengths_is_found() {
    let after = |parts: &Parts, response: &mut Response| {
        let declared = parts.headers.contains_key(header::CONTENT_LENGTH);
        if response.status() == StatusCode::PAYLOAD_TOO_LARGE && !declared {
            *response.status_mut() = StatusCode::OK;
        }
    };
    is_found(start(Plant { after, ..NOTHING }));
}

#[test]
fn a_content_type_that_is_not_looked_at_is_found() {
    let before = |parts: &mut Parts| {
        if parts.headers.contains_key(header::CONTENT_TYPE) {
            parts.headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
        }
    };
    is_found(start(Plant { before, ..NOTHING }));
}

#[test]
fn a_second_cookie_that_is_dropped_is_found_and_shrinks_to_one_header_line() {
    let after = |_: &Parts, response: &mut Response| {
        if let Some(first) = response.headers().get(header::SET_COOKIE).cloned() {
            response.headers_mut().insert(header::SET_COOKIE, first);
        }
    };
    let report = is_found(start(Plant { after, ..NOTHING }));
    is_shrunk_to(&report, "GET", &["host"]);
}

#[test]
fn options_without_allow_is_found_and_shrinks_to_one_header_line() {
    let after = |parts: &Parts, response: &mut Response| {
        if parts.method == Method::OPTIONS {
            response.headers_mut().remove(header::ALLOW);
        }
    };
    let report = is_found(start(Plant { after, ..NOTHING }));
    is_shrunk_to(&report, "OPTIONS", &["host"]);
}

#[test]
fn a_missing_challenge_is_found() {
    let after = |_: &Parts, response: &mut Response| {
        response.headers_mut().remove(header::WWW_AUTHENTICATE);
    };
    is_found(start(Plant { after, ..NOTHING }));
}

#[test]
fn errors_without_cors_headers_are_found() {
    let after = |_: &Parts, response: &mut Response| {
        if response.status().is_client_error() {
            response.headers_mut().remove(header::ACCESS_CONTROL_ALLOW_ORIGIN);
        }
    };
    is_found(start(Plant { after, ..NOTHING }));
}

#[test]
fn errors_without_metadata_are_found() {
    let after = |_: &Parts, response: &mut Response| {
        let Ok(bytes) = std::mem::take(response.body_mut()).into_full() else { return };
        let without = match serde_json::from_slice::<serde_json::Value>(&bytes) {
            Ok(mut value) if value.get("error").is_some() => {
                value.as_object_mut().unwrap().remove("metadata");
                Bytes::from(value.to_string())
            }
            _ => bytes,
        };
        *response.body_mut() = without.into();
    };
    is_found(start(Plant { after, ..NOTHING }));
}

/// hyper sends no body to HEAD, so a relay asks for GET instead.
#[test]
fn a_body_on_head_is_found_and_shrinks_to_no_header_line() {
    let to = start(NOTHING);
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    listener.set_nonblocking(true).unwrap();
    let addr = listener.local_addr().unwrap();
    runtime().spawn(async move {
        let listener = tokio::net::TcpListener::from_std(listener).unwrap();
        while let Ok((client, peer)) = listener.accept().await {
            tokio::spawn(relay(client, peer, to));
        }
    });
    let report = is_found(addr);
    is_shrunk_to(&report, "HEAD", &[]);
}

/// Relays a connection from the same address, and turns a HEAD at its beginning into GET.
async fn relay(mut client: TcpStream, peer: SocketAddr, to: SocketAddr) -> std::io::Result<()> {
    let socket = TcpSocket::new_v4()?;
    socket.bind(SocketAddr::new(peer.ip(), 0))?;
    let mut server = socket.connect(to).await?;
    let mut first = [0; 5];
    let mut count = 0;
    while count < first.len() {
        match client.read(&mut first[count..]).await? {
            0 => break,
            more => count += more,
        }
    }
    server.write_all(if first == *b"HEAD " { b"GET " } else { &first[..count] }).await?;
    copy_bidirectional(&mut client, &mut server).await?;
    Ok(())
}
