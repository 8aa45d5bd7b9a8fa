use std::time::Duration;

use http_body_util::BodyExt as _;
use neurolink_serve::ServeConfig;
use tokio::io::AsyncReadExt as _;
use tokio::time::{Instant, sleep, timeout};

use crate::kit::{GET, GET_CLOSE, NEVER, UPGRADE, get, quick, quick_head, rest, start, until, waits};

// Shows S1-62, O-D22.
#[tokio::test]
async fn a_silent_a_half_prefaced_and_a_slow_connection_are_closed() {
    let server = start(quick_head());
    for bytes in ["", "PRI * HT", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", "GET / HT", "GET / HTTP/1.1\r\nhost: x\r\n"] {
        let started = Instant::now();
        let answer = rest(&mut server.connect(bytes).await).await;
        assert!(!answer.contains(" 200 "), "{bytes:?}: {answer}");
        assert!(started.elapsed() < Duration::from_secs(1), "{bytes:?}: {:?}", started.elapsed());
    }
}

#[tokio::test]
async fn an_idle_connection_is_closed_after_a_while() {
    let server = start(quick());
    let started = Instant::now();
    assert!(rest(&mut server.connect(GET).await).await.ends_with("hello"));
    assert!(started.elapsed() < Duration::from_secs(1), "{:?}", started.elapsed());
}

#[tokio::test]
async fn an_idle_http_2_connection_is_closed_and_a_busy_one_is_not() {
    let server = start(quick());
    let (mut busy, _driving) = server.http2().await;
    let stream = busy.send_request(get("/stream")).await.expect("answers");
    let (mut chatty, _driving) = server.http2().await;
    let (mut idle, driving) = server.http2().await;
    assert_eq!(idle.send_request(get("/")).await.expect("answers").status(), 200);
    // Between two looks of the timer the chatty one has asked and been answered.
    let asking = async {
        while !driving.is_finished() {
            assert_eq!(chatty.send_request(get("/")).await.expect("answers").status(), 200);
            sleep(Duration::from_millis(10)).await;
        }
    };
    // The client answers every ping.
    timeout(Duration::from_secs(2), asking).await.expect("closed");
    timeout(Duration::from_secs(1), driving).await.expect("closed").expect("ends").expect("closed well");
    for open in [&mut busy, &mut chatty] {
        assert_eq!(open.send_request(get("/")).await.expect("answers").status(), 200);
    }
    drop(stream);
}

// Shows S1-62, O-D23.
#[tokio::test]
async fn a_peer_that_takes_nothing_is_cut_and_a_slow_one_is_not() {
    let server = start(quick().max_connections(1));
    const BIG: &str = "GET /big HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n";
    let mut slow = server.connect(BIG).await;
    let mut buffer = vec![0; 1 << 20];
    let mut taken = 0;
    // 64 times 8 ms at least.
    while let read @ 1.. = slow.read(&mut buffer).await.expect("reads") {
        taken += read;
        sleep(Duration::from_millis(8)).await;
    }
    assert!(taken > 64 << 20, "{taken}");
    let stalled = server.connect(BIG).await;
    until(&mut server.connect(GET_CLOSE).await, "hello").await;
    drop(stalled);
}

/// The kernel's timer, which only these have.
#[cfg(any(target_os = "linux", target_os = "android"))]
#[tokio::test]
async fn a_peer_that_takes_nothing_of_an_endless_answer_is_cut_and_a_slow_one_is_not() {
    let server = start(ServeConfig::default().write_stall(Duration::from_millis(300)));
    const FLOOD: &str = "GET /flood HTTP/1.1\r\nhost: x\r\n\r\n";
    let mut slow = server.connect(FLOOD).await;
    let stalled = server.connect(FLOOD).await;
    server.alive.becomes(2).await;
    let mut buffer = vec![0; 64 * 1024];
    let reading = async {
        loop {
            assert!(slow.read(&mut buffer).await.expect("reads") > 0);
            sleep(Duration::from_millis(20)).await;
        }
    };
    let cut = server.alive.becomes_within(1, Duration::from_secs(5));
    tokio::select! {
        () = reading => {}
        () = cut => {}
    }
    drop((slow, stalled));
    server.alive.becomes(0).await;
}

#[tokio::test]
async fn an_http_2_answer_that_is_not_taken_is_cut_and_one_that_waits_for_its_handler_is_not() {
    let server = start(quick());
    let (mut patient, _driving) = server.http2().await;
    let silent = patient.send_request(get("/stream")).await.expect("answers");
    let (mut stalled, driving) = server.http2().await;
    // The client reads the socket and answers pings, and gives this stream no window.
    let untaken = stalled.send_request(get("/flood")).await.expect("answers");
    let other = stalled.send_request(get("/stream")).await.expect("answers");
    server.alive.becomes(3).await;
    server.alive.becomes(1).await;
    let _ = timeout(Duration::from_secs(1), driving).await.expect("closed");
    assert_eq!(patient.send_request(get("/")).await.expect("answers").status(), 200);
    drop((silent, untaken, other));
}

#[tokio::test]
async fn one_large_piece_that_an_http_2_client_takes_slowly_is_not_stalled() {
    // Looked at after half a second, and then each 100 ms; pings get time to pass what is on its way.
    let server = start(quick().header_read_timeout(Duration::from_millis(500)));
    let (mut send, _driving) = server.http2().await;
    let mut answer = send.send_request(get("/big")).await.expect("answers").into_body();
    let mut taken = 0;
    while let Some(frame) = answer.frame().await {
        let bytes = frame.expect("a frame").into_data().map_or(0, |data| data.len());
        // The whole takes several idle times, and a window far less than one.
        if (taken >> 16) != ((taken + bytes) >> 16) {
            sleep(Duration::from_millis(1)).await;
        }
        taken += bytes;
    }
    assert_eq!(taken, 64 << 20);
}

#[tokio::test]
async fn connections_above_the_cap_wait_and_upgraded_ones_count() {
    let server = start(ServeConfig::default().max_connections(1));
    for (request, upgraded) in [(NEVER, false), (UPGRADE, true)] {
        let mut first = server.connect(request).await;
        server.alive.becomes(1).await;
        if upgraded {
            until(&mut first, "101").await;
        }
        let mut second = server.connect(GET_CLOSE).await;
        waits(&mut second).await;
        drop(first);
        assert!(rest(&mut second).await.ends_with("hello"));
    }
}

#[tokio::test]
async fn too_many_and_too_long_header_lines_are_refused() {
    let server = start(ServeConfig::default().max_headers(10).header_bytes(8192));
    let head = |lines: String| format!("GET / HTTP/1.1\r\nhost: x\r\nconnection: close\r\n{lines}\r\n");
    for (lines, status) in [(8, "200"), (9, "431")] {
        let answer = rest(&mut server.connect(&head("a: b\r\n".repeat(lines))).await).await;
        assert!(answer.starts_with(&format!("HTTP/1.1 {status}")), "{lines}: {answer}");
    }
    let answer = rest(&mut server.connect(&head(format!("a: {}\r\n", "b".repeat(9000)))).await).await;
    assert!(!answer.contains(" 200 "), "{answer}");
}
