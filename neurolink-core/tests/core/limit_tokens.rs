//! Limits of the tokens that an engine uses.

use std::sync::Arc;
use std::time::Duration;

use futures_util::stream;
use http::Uri;
use http_body_util::BodyExt as _;
use neurolink_core::engine::{Call, EventStream, FinishReason, Generate, Generation, StreamEvent, Usage};
use neurolink_core::middleware::RateLimit;
use neurolink_core::middleware::limit_store::{MemoryStore, StoreHandle};
use neurolink_core::{App, Body, ConnInfo, Context, Engine, Error, Request, Response, Route};

use crate::support::mistakes;

const MINUTE: Duration = Duration::from_secs(60);
const USAGE: Usage = Usage { input: 3, output: 4 };

/// Uses seven tokens for each answer; a stream of it has four pieces.
struct Seven;

#[async_trait::async_trait]
impl Engine for Seven {
    fn name(&self) -> &str {
        "seven"
    }

    async fn generate(&self, _: Generate, _: &Call) -> Result<Generation, Error> {
        let mut generation = Generation::new("a b c d", "seven", "seven-1");
        generation.usage = Some(USAGE);
        Ok(generation)
    }

    async fn stream(&self, _: Generate, _: &Call) -> Result<EventStream, Error> {
        let pieces = ["a", "b", "c", "d"].map(StreamEvent::text).into_iter();
        let finish = StreamEvent::finish(USAGE, FinishReason::Stop);
        Ok(Box::pin(stream::iter(pieces.chain([finish]).map(Ok))))
    }
}

async fn execute(engine: Arc<dyn Engine>) -> Result<String, Error> {
    Ok(engine.generate(Generate::text("x"), &Call::default()).await?.content)
}

async fn by_context(ctx: &mut Context) -> Result<String, Error> {
    Ok(ctx.engine().generate(Generate::text("x"), &Call::default()).await?.content)
}

async fn streams(engine: Arc<dyn Engine>) -> Result<EventStream, Error> {
    engine.stream(Generate::text("x"), &Call::default()).await
}

fn app(limit: RateLimit) -> App {
    App::builder(Seven)
        .middleware(limit.tokens())
        .route(Route::get("/api/execute", execute))
        .route(Route::get("/api/context", by_context))
        .route(Route::get("/api/stream", streams))
        .route(Route::get("/api/nothing", async || "x"))
        .build()
        .expect("valid")
}

async fn begin(app: &App, path: &str) -> Response {
    let mut request = Request::new(Body::empty());
    *request.uri_mut() = path.parse::<Uri>().expect("a path");
    request.headers_mut().insert("host", "localhost".parse().expect("a value"));
    app.handle(request, ConnInfo::new(Some(([192, 0, 2, 1], 5).into()))).await
}

/// The status, and what was left when the request came.
async fn get(app: &App, path: &str) -> (u16, String) {
    let response = begin(app, path).await;
    let left = response.headers()["x-ratelimit-remaining"].to_str().expect("text").to_owned();
    let status = response.status().as_u16();
    response.into_body().collect().await.expect("a body");
    (status, left)
}

/// What is left for the next request, which uses none.
async fn left(app: &App) -> String {
    get(app, "/api/nothing").await.1
}

#[tokio::test]
async fn an_answer_is_charged_with_what_it_used_and_one_that_uses_nothing_with_nothing() {
    for path in ["/api/execute", "/api/context"] {
        let app = app(RateLimit::fixed_window(16, MINUTE));
        for (status, remaining) in [(200, "15"), (200, "8"), (200, "1"), (429, "0")] {
            assert_eq!(get(&app, path).await, (status, remaining.to_owned()), "{path}");
        }
    }
    let app = app(RateLimit::fixed_window(2, MINUTE));
    for _ in 0..5 {
        assert_eq!(left(&app).await, "1");
    }
}

#[tokio::test]
async fn a_stream_is_charged_at_its_end() {
    let app = app(RateLimit::sliding_counter(100, MINUTE));
    let running = begin(&app, "/api/stream").await;
    assert_eq!(left(&app).await, "98", "it has taken one so far");
    running.into_body().collect().await.expect("a body");
    assert_eq!(left(&app).await, "92");
}

#[tokio::test]
async fn a_stream_that_is_left_is_charged_with_its_pieces() {
    let app = app(RateLimit::fixed_window(100, MINUTE));
    drop(begin(&app, "/api/stream").await);
    assert_eq!(left(&app).await, "99", "nobody has asked for a piece");
    let mut running = begin(&app, "/api/stream").await.into_body();
    // Pieces that are there at once come together.
    running.frame().await.expect("a piece").expect("no error");
    drop(running);
    let left: u32 = left(&app).await.parse().expect("a number");
    assert!((92..=95).contains(&left), "{left}");
}

#[tokio::test]
async fn a_stream_is_charged_in_a_store_too() {
    let store = StoreHandle::new(MemoryStore::default());
    let app = app(RateLimit::fixed_window(100, MINUTE).store(store));
    assert_eq!(get(&app, "/api/execute").await.1, "99");
    assert_eq!(get(&app, "/api/stream").await.1, "92");
    let told = async {
        while left(&app).await != "85" {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(Duration::from_secs(10), told).await.expect("the store is told");
}

#[test]
fn a_sliding_log_of_tokens_is_a_mistake() {
    let limit = RateLimit::sliding_log(1000, MINUTE).tokens();
    let found = mistakes(App::builder(Seven).middleware(limit).route(Route::get("/api/x", async || "x")).build());
    assert!(found.join("\n").contains("count them by a sliding counter"), "{found:?}");
}
