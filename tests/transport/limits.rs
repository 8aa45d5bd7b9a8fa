//! Bounds that need a clock or HTTP/2, on every framework.

use std::sync::Arc;
use std::time::{Duration, Instant};

use neurolink::routes::OfflineEngine;
use neurolink::serve::ServeConfig;
use neurolink::{App, Framework, Route};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::sync::Semaphore;
use tokio::time::timeout;

use crate::kit::{Files, app, ask, connect, rest, start, tls};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_body_that_drips_is_408_and_the_connection_is_closed() {
    for framework in Framework::ALL {
        let settings = |settings: &mut neurolink::Settings| {
            settings.body_timeout = Duration::from_millis(400);
            settings.body_rate = 1000;
        };
        let address = start(framework, app(settings), ServeConfig::default()).await;
        let begun = Instant::now();
        let (answer, mut body) = tokio::io::split(connect(address).await);
        let dripping = tokio::spawn(async move {
            let head = "POST /api/upload HTTP/1.1\r\nHost: localhost\r\nContent-Type: text/plain\r\nContent-Length: 1000\r\n\r\n";
            let _ = body.write_all(head.as_bytes()).await;
            // Each piece comes in time, all of them would take 20 s.
            while body.write_all(b"x").await.is_ok() {
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
        });
        let answer = rest(answer).await;
        dripping.abort();
        assert!(answer.starts_with("HTTP/1.1 408"), "{framework}: {answer}");
        assert!(begun.elapsed() < Duration::from_secs(8), "{framework}: {:?}", begun.elapsed());
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_head_that_does_not_come_in_time_is_408_in_the_same_words_and_silence_is_closed_without_any() {
    const ASKED: &str = "GET /api/conn HTTP/1.1\r\nHost: localhost\r\n\r\n";
    for framework in Framework::ALL {
        let times = Duration::from_millis(300);
        let config = ServeConfig::default().header_read_timeout(times).keep_alive_idle(times);
        let address = start(framework, app(|_| {}), config).await;
        for (asked, bytes, is_late) in [
            (false, "", false),
            (false, "\r\n", false),
            (false, "PRI * HT", false),
            (false, "G", true),
            (true, "", false),
            (true, "\r\n", false),
            (true, "GET /api/conn HT", true),
        ] {
            let mut stream = connect(address).await;
            let mut answer = Vec::new();
            if asked {
                stream.write_all(ASKED.as_bytes()).await.expect("sends");
                while !answer.ends_with(b"}}") {
                    let read = timeout(Duration::from_secs(5), stream.read_buf(&mut answer)).await.expect("in time");
                    assert_ne!(read.expect("reads"), 0, "{framework}");
                }
            }
            let begun = Instant::now();
            let answer = ask(stream, bytes).await;
            assert!(begun.elapsed() < Duration::from_secs(3), "{framework}, {bytes:?}: {:?}", begun.elapsed());
            let words = answer.split_once("\r\ndate: ").map_or(answer.as_str(), |(words, _)| words);
            let late = "HTTP/1.1 408 Request Timeout\r\ncontent-length: 0\r\nconnection: close";
            assert_eq!(words, if is_late { late } else { "" }, "{framework}, {bytes:?}");
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_connection_may_be_silent_between_requests_for_longer_than_a_head_may_take_and_not_for_ever() {
    let asked = b"GET /api/conn HTTP/1.1\r\nHost: localhost\r\n\r\n";
    for framework in Framework::ALL {
        let (head, idle) = (Duration::from_millis(150), Duration::from_millis(500));
        let config = ServeConfig::default().header_read_timeout(head).keep_alive_idle(idle);
        let address = start(framework, app(|_| {}), config).await;
        let mut stream = connect(address).await;
        for pause in [Duration::ZERO, head * 2] {
            tokio::time::sleep(pause).await;
            stream.write_all(asked).await.expect("sends");
            let mut answer = Vec::new();
            while !answer.ends_with(b"}}") {
                let read = timeout(Duration::from_secs(5), stream.read_buf(&mut answer)).await.expect("in time");
                assert_ne!(read.expect("reads"), 0, "{framework}: closed after {pause:?}");
            }
        }
        let begun = Instant::now();
        assert_eq!(ask(stream, "").await, "", "{framework}");
        // With some time for a busy machine.
        assert!((idle / 2..idle * 6).contains(&begun.elapsed()), "{framework}: {:?}", begun.elapsed());
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_http_2_connection_has_a_bound_of_requests_and_tells_it() {
    const MOST: u32 = 3;
    let files = Files::new("streams");
    let trusted = files.write();
    for framework in Framework::ALL {
        let gate = Arc::new(Semaphore::new(0));
        let waits = Arc::clone(&gate);
        let wait = move || {
            let waits = Arc::clone(&waits);
            async move {
                waits.acquire().await.expect("it is open").forget();
                "done"
            }
        };
        let app = App::builder(OfflineEngine::new()).route(Route::get("/api/wait", wait)).build().expect("valid");
        let config = ServeConfig::default().tls(files.load()).max_concurrent_streams(MOST);
        let address = start(framework, app, config).await;
        let stream = tls(address, &trusted, &["h2"]).await.expect("shakes hands");
        let (mut send, connection) = h2::client::handshake(stream).await.expect("shakes hands");
        let driving = tokio::spawn(connection);
        let request = || http::Request::get("https://localhost/api/wait").body(()).expect("a request");
        let mut waiting = Vec::new();
        for _ in 0..MOST {
            send = timeout(Duration::from_secs(5), send.ready()).await.expect("in time").expect("ready");
            waiting.push(send.send_request(request(), true).expect("sends").0);
        }
        let told = async {
            while send.current_max_send_streams() != MOST as usize {
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
        };
        timeout(Duration::from_secs(5), told).await.expect("the client is told");
        let freed = async {
            gate.add_permits(waiting.len() + 1);
            for waiting in waiting {
                assert_eq!(waiting.await.expect("answers").status().as_u16(), 200, "{framework}");
            }
            let mut send = send.ready().await.expect("ready");
            let again = send.send_request(request(), true).expect("sends").0;
            assert_eq!(again.await.expect("answers").status().as_u16(), 200, "{framework}: there is room again");
        };
        timeout(Duration::from_secs(10), freed).await.expect("in time");
        driving.abort();
    }
}
