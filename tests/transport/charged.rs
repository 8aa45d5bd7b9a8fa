//! What a stream costs is charged when its connection has taken it, or is gone; on every framework.

use std::time::Duration;

use futures_util::stream::{self, StreamExt as _};
use neurolink::config::Loader;
use neurolink::engine::{Call, EventStream, Generate, Generation, StreamEvent};
use neurolink::routes::OfflineEngine;
use neurolink::{Engine, Error, Framework, create_server};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::time::timeout;

use crate::kit::{ask, connect};

const TOKENS: &str = "[server]\nport = 0\n[rate_limit]\nlimit = \"1000/1h\"\ntokens = true";
const LEFT: &str = "GET /api/version HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n";

/// The built-in engine, whose streams for `endless` give two pieces and then nothing more.
pub(crate) struct Stalling(OfflineEngine);

impl Stalling {
    pub(crate) fn new() -> Self {
        Self(OfflineEngine::new())
    }
}

#[async_trait::async_trait]
impl Engine for Stalling {
    fn name(&self) -> &str {
        "stalling"
    }

    async fn generate(&self, request: Generate, call: &Call) -> Result<Generation, Error> {
        self.0.generate(request, call).await
    }

    async fn stream(&self, request: Generate, call: &Call) -> Result<EventStream, Error> {
        if request.input.text != "endless" {
            return self.0.stream(request, call).await;
        }
        let pieces = ["one", "two"].map(|piece| Ok(StreamEvent::text(piece)));
        Ok(Box::pin(stream::iter(pieces).chain(stream::pending())))
    }
}

pub(crate) fn post(path: &str, body: &str) -> String {
    let length = body.len();
    format!(
        "POST {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nContent-Type: application/json\r\nContent-Length: {length}\r\n\r\n{body}"
    )
}

/// What is left after the request has taken one.
fn left(answer: &str) -> u32 {
    let line = answer.lines().find_map(|line| line.strip_prefix("x-ratelimit-remaining: "));
    line.unwrap_or_else(|| panic!("{answer}")).parse().expect("a number")
}

/// What the usage in an answer says.
fn total(answer: &str) -> u32 {
    let (_, after) = answer.split_once("\"total\":").unwrap_or_else(|| panic!("no usage: {answer}"));
    after.split(|letter: char| !letter.is_ascii_digit()).next().expect("text").parse().expect("a number")
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn answers_and_streams_cost_their_tokens_and_what_is_left_early_its_pieces() {
    for framework in Framework::ALL {
        let config = Loader::new().text("tokens.toml", TOKENS).load().expect("valid").config;
        let server = create_server(Stalling::new()).framework(framework).config(config).build().expect("valid");
        server.initialize().expect("initializes");
        let address = server.start().await.expect("starts");
        let send = async |bytes: String| ask(connect(address).await, bytes).await;
        let whole = send(post("/api/agent/execute", r#"{"input":"one two three"}"#)).await;
        assert_eq!(left(&whole), 999, "{framework}");
        let used = total(&whole);
        let stream = send(post("/api/agent/stream", r#"{"input":"one two three"}"#)).await;
        assert_eq!(left(&stream), 999 - used, "{framework}");
        let mut due = used + total(&stream);
        let charged = async |due: u32| {
            let told = async { while left(&send(LEFT.into()).await) != 999 - due {} };
            timeout(Duration::from_secs(10), told).await.unwrap_or_else(|_| panic!("{framework}: {due} are charged"));
        };
        charged(due).await;
        // Its second piece comes, and its reader goes.
        let mut leaves = connect(address).await;
        let endless = post("/api/agent/stream", r#"{"input":"endless"}"#);
        leaves.write_all(endless.as_bytes()).await.expect("sends");
        let mut answer = Vec::new();
        let second = async {
            while String::from_utf8_lossy(&answer).matches("\"type\":\"text\"").count() < 2 {
                assert_ne!(leaves.read_buf(&mut answer).await.expect("reads"), 0, "{framework}");
            }
        };
        timeout(Duration::from_secs(10), second).await.expect("two pieces");
        drop(leaves);
        due += 2;
        charged(due).await;
        server.stop().await.expect("stops");
    }
}
