//! Clients that read nothing, and clients that are not read to their end, on every framework.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use futures_util::stream;
use neurolink::engine::{EventStream, StreamEvent};
use neurolink::routes::OfflineEngine;
use neurolink::serve::ServeConfig;
use neurolink::server::{Adapter, Server};
use neurolink::{App, Framework, Reply, Route};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::sync::Notify;
use tokio::time::{sleep, timeout};

async fn start(app: App, adapter: Arc<dyn Adapter>) -> (Server, SocketAddr) {
    let server = Server::builder(app).adapter(adapter).bind("127.0.0.1:0").build().expect("valid");
    server.initialize().expect("initializes");
    let address = server.start().await.expect("starts");
    (server, address)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_connection_of_a_client_that_takes_nothing_is_cut() {
    struct TellsItsEnd(Arc<Notify>);
    impl Drop for TellsItsEnd {
        fn drop(&mut self) {
            self.0.notify_one();
        }
    }
    for framework in Framework::ALL {
        let dropped = Arc::new(Notify::new());
        let tell = Arc::clone(&dropped);
        let flood = move || {
            let guard = TellsItsEnd(Arc::clone(&tell));
            let events: EventStream = Box::pin(stream::repeat_with(move || {
                let _held = &guard;
                Ok(StreamEvent::text("x".repeat(16 * 1024)))
            }));
            std::future::ready(Reply::events(events))
        };
        // The core's own clock does not run out here: it is the connection that is cut.
        let app = App::builder(OfflineEngine::new())
            .configure(|settings| settings.stream.write_stall = Duration::from_secs(600))
            .route(Route::get("/api/flood", flood))
            .build()
            .expect("valid");
        let config = ServeConfig::default().write_stall(Duration::from_millis(300));
        let (server, address) = start(app, framework.adapter_with(config).expect("compiled in")).await;
        let mut silent = TcpStream::connect(address).await.expect("connects");
        silent.write_all(b"GET /api/flood HTTP/1.1\r\nHost: localhost\r\n\r\n").await.expect("sends");
        let cut = timeout(Duration::from_secs(20), dropped.notified()).await;
        assert!(cut.is_ok(), "{framework}: the stream goes on");
        drop(silent);
        server.stop().await.expect("stops");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_client_that_is_still_sending_gets_its_answer() {
    for framework in Framework::ALL {
        let app = App::builder(OfflineEngine::new()).build().expect("valid");
        let (server, address) = start(app, framework.adapter().expect("compiled in")).await;
        let mut stream = TcpStream::connect(address).await.expect("connects");
        let head = "POST /api/none HTTP/1.1\r\nHost: localhost\r\nContent-Length: 50000\r\n\r\n";
        stream.write_all(head.as_bytes()).await.expect("sends");
        // The answer is there and its connection closing, but the client does not look and sends on.
        stream.peek(&mut [0; 1]).await.expect("an answer");
        for _ in 0..4 {
            stream.write_all(&[b'x'; 10_000]).await.expect("no reset");
            sleep(Duration::from_millis(20)).await;
        }
        let mut answer = String::new();
        let read = timeout(Duration::from_secs(5), stream.read_to_string(&mut answer)).await;
        read.expect("the connection ends").expect("no reset");
        assert!(answer.starts_with("HTTP/1.1 404") && answer.ends_with("}}"), "{framework}: {answer}");
        assert!(answer.to_ascii_lowercase().contains("connection: close"), "{framework}: {answer}");
        server.stop().await.expect("stops");
    }
}
