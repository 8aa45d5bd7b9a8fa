use std::io::Write as _;
use std::time::Duration;

use http_body_util::BodyExt as _;
use neurolink_core::server::Phase;
use neurolink_serve::ServeConfig;
use tokio::io::AsyncWriteExt as _;
use tokio::net::TcpStream;
use tokio::time::timeout;

use crate::kit::{GET, GET_CLOSE, NEVER, STREAM, UPGRADE, get, rest, start, until, waits};

#[tokio::test]
async fn what_is_in_flight_is_answered_idle_ones_are_closed_and_new_ones_refused() {
    let server = start(ServeConfig::default());
    let mut slow = server.connect("GET /slow HTTP/1.1\r\nhost: x\r\n\r\n").await;
    let mut silent = server.connect("").await;
    let mut idle = server.connect(GET).await;
    until(&mut idle, "hello").await;
    server.alive.becomes(1).await;
    server.handle.advance(Phase::Draining);
    server.handle.advance(Phase::Refusing);
    assert_eq!(rest(&mut silent).await, "");
    assert_eq!(rest(&mut idle).await, "");
    assert!(TcpStream::connect(server.address).await.is_err());
    assert!(rest(&mut slow).await.ends_with("slow"));
    server.ends().await;
}

#[tokio::test]
async fn between_draining_and_refusing_an_open_connection_is_still_served() {
    let server = start(ServeConfig::default());
    let mut open = server.connect(GET).await;
    until(&mut open, "hello").await;
    server.handle.advance(Phase::Draining);
    waits(&mut open).await;
    open.write_all(GET_CLOSE.as_bytes()).await.expect("sends");
    assert!(rest(&mut open).await.ends_with("hello"));
    server.ends().await;
}

/// One thread and no await: the server sees all of them and the phase at the same moment.
#[tokio::test(flavor = "current_thread")]
async fn requests_in_the_accept_queue_are_served_above_the_cap_too() {
    let server = start(ServeConfig::default().max_connections(1));
    let _first = server.connect(NEVER).await;
    server.alive.becomes(1).await;
    let mut queued = Vec::new();
    for _ in 0..50 {
        let mut stream = std::net::TcpStream::connect(server.address).expect("connects");
        stream.write_all(GET_CLOSE.as_bytes()).expect("sends");
        stream.set_nonblocking(true).expect("a socket");
        queued.push(stream);
    }
    server.handle.advance(Phase::Draining);
    for stream in queued {
        assert!(rest(&mut TcpStream::from_std(stream).expect("a stream")).await.ends_with("hello"));
    }
    assert!(TcpStream::connect(server.address).await.is_err());
}

#[tokio::test]
async fn http_2_is_told_to_go_at_draining_and_finishes() {
    let server = start(ServeConfig::default());
    let (mut send, driving) = server.http2().await;
    let slow = tokio::spawn(send.send_request(get("/slow")));
    server.alive.becomes(1).await;
    server.handle.advance(Phase::Draining);
    let response = slow.await.expect("runs").expect("answers");
    assert_eq!(response.collect().await.expect("a body").to_bytes(), "slow");
    timeout(Duration::from_secs(1), driving).await.expect("closed").expect("ends").expect("closed well");
    server.ends().await;
}

#[tokio::test]
async fn an_upgraded_socket_holds_the_end_up_until_forced() {
    let server = start(ServeConfig::default());
    let mut socket = server.connect(UPGRADE).await;
    until(&mut socket, "\r\n\r\n").await;
    server.handle.advance(Phase::Ending);
    waits(&mut socket).await;
    socket.write_all(b"x").await.expect("sends");
    until(&mut socket, "x").await;
    assert!(!server.task.is_finished());
    server.handle.advance(Phase::Forced);
    assert_eq!(rest(&mut socket).await, "");
    server.alive.becomes(0).await;
    server.ends().await;
}

#[tokio::test]
async fn forced_cuts_everything_and_dropping_the_server_too() {
    for force in [true, false] {
        let server = start(ServeConfig::default());
        let mut sockets = Vec::new();
        for request in [STREAM, NEVER, UPGRADE] {
            sockets.push(server.connect(request).await);
        }
        let (mut send, driving) = server.http2().await;
        let _never = tokio::spawn(send.send_request(get("/never")));
        let _stream = send.send_request(get("/stream")).await.expect("answers");
        server.alive.becomes(5).await;
        let alive = server.alive.clone();
        if force {
            server.handle.advance(Phase::Forced);
            server.ends().await;
        } else {
            server.task.abort();
        }
        alive.becomes(0).await;
        for socket in &mut sockets {
            rest(socket).await;
        }
        let _ = timeout(Duration::from_secs(1), driving).await.expect("the connection ends");
    }
}
