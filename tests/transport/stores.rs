//! What streams have used is told to the store of a limit before a server has stopped, on every framework.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use futures_util::future::join_all;
use neurolink::config::Loader;
use neurolink::middleware::RateLimit;
use neurolink::middleware::limit_store::{Change, LimitKey, LimitStore, MemoryStore, Settlement, StoreHandle, Taken};
use neurolink::{BoxError, Framework, create_server};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::time::timeout;

use crate::charged::{Stalling, post};
use crate::kit::connect;

const SHORT: &str = "[server]\nport = 0\ngrace = \"3s\"";

/// A store in memory that takes its time, and counts what it is told to charge.
struct Slow {
    memory: MemoryStore,
    charged: Arc<AtomicU32>,
}

#[async_trait::async_trait]
impl LimitStore for Slow {
    fn name(&self) -> &str {
        "slow"
    }

    async fn take(&self, keys: &[LimitKey], now: Duration) -> Result<Vec<Taken>, BoxError> {
        self.memory.take(keys, now).await
    }

    async fn look(&self, keys: &[LimitKey], now: Duration) -> Result<Vec<Taken>, BoxError> {
        self.memory.look(keys, now).await
    }

    async fn settle(&self, settlements: &[Settlement], _: Duration) -> Result<(), BoxError> {
        tokio::time::sleep(Duration::from_millis(30)).await;
        for settlement in settlements {
            if let Change::ChargeMore(more) = settlement.change() {
                self.charged.fetch_add(more, Ordering::SeqCst);
            }
        }
        Ok(())
    }

    async fn probe(&self) -> Result<(), BoxError> {
        Ok(())
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_open_streams_have_used_is_told_before_a_stop_ends() {
    join_all(Framework::ALL.map(stops_with_open_streams)).await;
}

async fn stops_with_open_streams(framework: Framework) {
    const STREAMS: u32 = 6;
    let charged = Arc::<AtomicU32>::default();
    let store = Slow { memory: MemoryStore::new(100), charged: Arc::clone(&charged) };
    let store = StoreHandle::with_budget(store, Duration::from_secs(5));
    let limit = RateLimit::fixed_window(1000, Duration::from_secs(3600)).tokens().store(&store);
    let config = Loader::new().text("short.toml", SHORT).load().expect("valid").config;
    let server = create_server(Stalling::new()).framework(framework).config(config).middleware(limit);
    let server = server.build().expect("valid");
    server.initialize().expect("initializes");
    let address = server.start().await.expect("starts");
    let mut open = Vec::new();
    for _ in 0..STREAMS {
        let mut stream = connect(address).await;
        let endless = post("/api/agent/stream", r#"{"input":"endless"}"#);
        stream.write_all(endless.as_bytes()).await.expect("sends");
        let mut answer = Vec::new();
        while String::from_utf8_lossy(&answer).matches("\"type\":\"text\"").count() < 2 {
            let read = timeout(Duration::from_secs(10), stream.read_buf(&mut answer)).await.expect("in time");
            assert_ne!(read.expect("reads"), 0, "{framework}");
        }
        open.push(stream);
    }
    server.stop().await.expect("streams end when told");
    // Two pieces each, of which one was taken at the beginning.
    assert_eq!(charged.load(Ordering::SeqCst), STREAMS, "{framework}");
}
