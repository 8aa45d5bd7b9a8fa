//! Limits of the tokens that an engine uses.

use std::sync::Arc;
use std::time::Duration;

use futures_util::stream;
use http::Uri;
use http_body_util::BodyExt as _;
use neurolink_core::engine::{Call, EventStream, FinishReason, Generate, Generation, StreamEvent, ToolCall, Usage};
use neurolink_core::middleware::RateLimit;
use neurolink_core::middleware::limit_store::{MemoryStore, StoreHandle};
use neurolink_core::{App, Body, ConnInfo, Context, Engine, Error, Request, Response, Route, Settings, Stack};

use crate::support::mistakes;

const MINUTE: Duration = Duration::from_secs(60);
const SOON: Duration = Duration::from_millis(20);
const USAGE: Usage = Usage { input: 3, output: 4 };

/// Uses seven tokens for each answer; a stream of it has four pieces.
///
/// Asked for `fail` or `hang` it does that; for `calls`, its stream is two tool calls without a usage; for `understate`,
/// it is three pieces and a usage of one.
struct Seven;

#[async_trait::async_trait]
impl Engine for Seven {
    fn name(&self) -> &str {
        "seven"
    }

    async fn generate(&self, request: Generate, _: &Call) -> Result<Generation, Error> {
        match request.input.text.as_str() {
            "fail" => return Err(Error::internal("failed")),
            "hang" => std::future::pending().await,
            _ => {}
        }
        let mut generation = Generation::new("a b c d", "seven", "seven-1");
        generation.usage = Some(USAGE);
        Ok(generation)
    }

    async fn stream(&self, request: Generate, _: &Call) -> Result<EventStream, Error> {
        let finish = |usage| StreamEvent::finish(usage, FinishReason::Stop);
        match request.input.text.as_str() {
            "calls" => return Ok(Box::pin(stream::iter(["1", "2"].map(tool_call).map(Ok)))),
            "understate" => {
                let pieces = ["a", "b", "c"].map(StreamEvent::text).into_iter();
                return Ok(Box::pin(stream::iter(pieces.chain([finish(Usage { input: 0, output: 1 })]).map(Ok))));
            }
            _ => {}
        }
        let pieces = ["a", "b", "c", "d"].map(StreamEvent::text).into_iter();
        Ok(Box::pin(stream::iter(pieces.chain([finish(USAGE)]).map(Ok))))
    }
}

fn tool_call(id: &str) -> StreamEvent {
    StreamEvent::ToolCall { tool_call: ToolCall::new("clock", id, serde_json::Value::Null) }
}

async fn execute(engine: Arc<dyn Engine>) -> Result<String, Error> {
    ask(engine, "x").await
}

async fn by_context(ctx: &mut Context) -> Result<String, Error> {
    Ok(ctx.engine().generate(Generate::text("x"), &Call::default()).await?.content)
}

async fn streams(engine: Arc<dyn Engine>) -> Result<EventStream, Error> {
    streams_of(engine, "x").await
}

async fn streams_of(engine: Arc<dyn Engine>, text: &str) -> Result<EventStream, Error> {
    engine.stream(Generate::text(text), &Call::default()).await
}

async fn ask(engine: Arc<dyn Engine>, text: &str) -> Result<String, Error> {
    Ok(engine.generate(Generate::text(text), &Call::default()).await?.content)
}

async fn execute_and_panic(engine: Arc<dyn Engine>) -> Result<String, Error> {
    execute(engine).await?;
    panic!("a bug")
}

async fn execute_and_hang(engine: Arc<dyn Engine>) -> Result<String, Error> {
    execute(engine).await?;
    std::future::pending().await
}

/// Answers, and asks the engine then.
async fn later(engine: Arc<dyn Engine>) -> &'static str {
    tokio::spawn(async move {
        tokio::task::yield_now().await;
        execute(engine).await
    });
    "later"
}

fn app(limit: RateLimit) -> App {
    App::builder(Seven)
        .middleware(limit.tokens())
        .route(Route::get("/api/execute", execute))
        .route(Route::get("/api/context", by_context))
        .route(Route::get("/api/stream", streams))
        .route(Route::get("/api/calls", async |engine| streams_of(engine, "calls").await))
        .route(Route::get("/api/understated", async |engine| streams_of(engine, "understate").await))
        .route(Route::get("/api/fails", async |engine| ask(engine, "fail").await))
        .route(Route::get("/api/hangs", async |engine| ask(engine, "hang").await).timeout(SOON))
        .route(Route::get("/api/execute-and-panic", execute_and_panic))
        .route(Route::get("/api/execute-and-hang", execute_and_hang).timeout(SOON))
        .route(Route::get("/api/later", later))
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

/// Waits until so much is left: what is charged beside requests is charged soon.
async fn is_left(app: &App, remaining: &str) {
    let charged = async {
        while left(app).await != remaining {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(Duration::from_secs(10), charged).await.unwrap_or_else(|_| panic!("{remaining} are left"));
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
async fn a_stream_that_is_left_is_charged_with_its_pieces_and_one_at_least() {
    let app = app(RateLimit::fixed_window(100, MINUTE));
    drop(begin(&app, "/api/stream").await);
    assert_eq!(left(&app).await, "98", "the engine was asked, and nobody has waited for a piece");
    let mut running = begin(&app, "/api/stream").await.into_body();
    // Pieces that are there at once come together.
    running.frame().await.expect("a piece").expect("no error");
    drop(running);
    let left: u32 = left(&app).await.parse().expect("a number");
    assert!((91..=97).contains(&left), "{left}");
}

#[tokio::test]
async fn a_call_that_fails_or_outlives_the_deadline_costs_one() {
    for path in ["/api/fails", "/api/hangs"] {
        let app = app(RateLimit::fixed_window(100, MINUTE));
        assert!(get(&app, path).await.0 >= 500, "{path}");
        assert_eq!(left(&app).await, "98", "{path}");
    }
}

#[tokio::test]
async fn what_was_used_is_charged_if_there_is_no_answer_of_the_handler() {
    for path in ["/api/execute-and-panic", "/api/execute-and-hang"] {
        let store = StoreHandle::new(MemoryStore::new(10));
        for limit in [RateLimit::fixed_window(100, MINUTE), RateLimit::fixed_window(100, MINUTE).store(store)] {
            let app = app(limit);
            assert!(get(&app, path).await.0 >= 500, "{path}");
            is_left(&app, "92").await;
        }
    }
}

#[tokio::test]
async fn an_engine_that_is_kept_is_charged_for_what_it_does_after_the_answer() {
    let app = app(RateLimit::fixed_window(100, MINUTE));
    assert_eq!(get(&app, "/api/later").await.0, 200);
    is_left(&app, "92").await;
}

#[tokio::test]
async fn a_tool_call_is_a_piece() {
    let app = app(RateLimit::fixed_window(100, MINUTE));
    begin(&app, "/api/calls").await.into_body().collect().await.expect("a body");
    assert_eq!(left(&app).await, "97");
}

#[tokio::test]
async fn the_larger_of_pieces_and_usage_counts() {
    let app = app(RateLimit::fixed_window(100, MINUTE));
    begin(&app, "/api/understated").await.into_body().collect().await.expect("a body");
    assert_eq!(left(&app).await, "96");
}

#[test]
fn a_stack_around_native_routes_has_no_tokens_to_count() {
    let limit = RateLimit::fixed_window(100, MINUTE).tokens();
    let protected = Stack::builder().with(limit).build().expect("valid").protect(Settings::default());
    let found = protected.expect_err("a mistake").to_string();
    assert!(found.contains("leave out `.tokens()`"), "{found}");
}

#[tokio::test]
async fn a_stream_is_charged_in_a_store_too() {
    let store = StoreHandle::new(MemoryStore::default());
    let app = app(RateLimit::fixed_window(100, MINUTE).store(store));
    assert_eq!(get(&app, "/api/execute").await.1, "99");
    assert_eq!(get(&app, "/api/stream").await.1, "92");
    is_left(&app, "85").await;
}

#[test]
fn a_sliding_log_of_tokens_is_a_mistake() {
    let limit = RateLimit::sliding_log(1000, MINUTE).tokens();
    let found = mistakes(App::builder(Seven).middleware(limit).route(Route::get("/api/x", async || "x")).build());
    assert!(found.join("\n").contains("count them by a sliding counter"), "{found:?}");
}
