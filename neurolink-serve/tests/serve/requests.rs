use std::time::Duration;

use http_body_util::BodyExt as _;
use tokio::net::TcpStream;
use tokio::time::{Instant, timeout};

use crate::kit::{GET, GET_CLOSE, NEVER, SOON, STREAM, get, http2_over, quick, rest, start, until};
use neurolink_serve::ServeConfig;

#[tokio::test]
async fn http_1_and_http_2_by_prior_knowledge_are_served() {
    let server = start(ServeConfig::default());
    assert!(rest(&mut server.connect(GET_CLOSE).await).await.ends_with("hello"));
    let (mut send, _driving) = server.http2().await;
    let response = send.send_request(get("/")).await.expect("answers");
    assert_eq!(response.version(), http::Version::HTTP_2);
    assert_eq!(response.collect().await.expect("a body").to_bytes(), "hello");
}

#[tokio::test]
async fn http_2_can_be_off() {
    let server = start(ServeConfig::default().http2(false));
    assert!(rest(&mut server.connect(GET_CLOSE).await).await.ends_with("hello"));
    let (mut send, _driving) = server.http2().await;
    let answer = timeout(Duration::from_secs(2), send.send_request(get("/"))).await.expect("ends");
    assert!(answer.is_err(), "{answer:?}");
}

#[tokio::test]
async fn a_request_that_takes_longer_than_any_limit_is_answered() {
    let server = start(quick());
    assert!(rest(&mut server.connect("GET /slow HTTP/1.0\r\n\r\n").await).await.ends_with("slow"));
    let (mut send, _driving) = server.http2().await;
    assert_eq!(send.send_request(get("/slow")).await.expect("answers").status(), 200);
}

#[tokio::test]
async fn chunks_leave_one_by_one_and_at_once() {
    let server = start(ServeConfig::default());
    let mut stream = server.connect("GET /events HTTP/1.1\r\nhost: x\r\n\r\n").await;
    let started = Instant::now();
    let mut seen = String::new();
    let mut reads = 0;
    while !seen.ends_with("\r\n0\r\n\r\n") {
        seen.push_str(&until(&mut stream, "\r\n").await);
        reads += 1;
    }
    // 20 times 5 ms; held back by the kernel, each would take 40.
    assert!(reads >= 15 && started.elapsed() < Duration::from_millis(500), "{reads} in {:?}", started.elapsed());
}

// Shows O-D23.
#[tokio::test]
async fn a_client_that_leaves_drops_the_handler_and_the_stream() {
    let server = start(ServeConfig::default());
    for (request, answered) in [(NEVER, false), (STREAM, true)] {
        let mut stream = server.connect(request).await;
        server.alive.becomes(1).await;
        if answered {
            until(&mut stream, "first").await;
        }
        drop(stream);
        server.alive.becomes_within(0, SOON).await;
    }
}

#[tokio::test]
async fn an_http_2_client_that_leaves_or_resets_drops_its_handlers() {
    let server = start(ServeConfig::default());
    let stream = server.connect("").await.into_std().expect("a socket");
    let socket = stream.try_clone().expect("a second handle");
    let (mut send, _driving) = http2_over(TcpStream::from_std(stream).expect("a stream")).await;
    let reset = tokio::spawn(send.send_request(get("/never")));
    server.alive.becomes(1).await;
    reset.abort();
    server.alive.becomes_within(0, SOON).await;
    let _never = tokio::spawn(send.send_request(get("/never")));
    let _stream = send.send_request(get("/stream")).await.expect("answers");
    server.alive.becomes(2).await;
    socket.shutdown(std::net::Shutdown::Both).expect("leaves");
    server.alive.becomes_within(0, SOON).await;
}

#[tokio::test]
async fn a_panic_ends_its_connection_only_and_frees_its_place() {
    let server = start(ServeConfig::default().max_connections(1));
    assert_eq!(rest(&mut server.connect("GET /panic HTTP/1.1\r\nhost: x\r\n\r\n").await).await, "");
    until(&mut server.connect(GET).await, "hello").await;
}
