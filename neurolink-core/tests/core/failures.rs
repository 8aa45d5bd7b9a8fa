//! What goes wrong inside: panics, deadlines, clients that are gone.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use http::HeaderValue;
use neurolink_core::engine::Call;
use neurolink_core::stack::{IntoRegistration as _, order};
use neurolink_core::{Context, Error, Hook, Next, Query, Response, Route, from_fn};

use crate::support::{app, get};

#[tokio::test]
async fn a_panic_is_a_500_with_its_headers_and_the_next_request_works() {
    struct Tag;
    impl Hook for Tag {
        fn name(&self) -> &str {
            "tag"
        }
        fn order(&self) -> i16 {
            order::HEADERS
        }
        fn after(&self, _: &Context, response: &mut Response) {
            response.headers_mut().insert("x-tag", HeaderValue::from_static("1"));
        }
    }
    async fn boom(ctx: &mut Context) -> String {
        assert!(ctx.query("calm").is_some(), "secret=hunter2");
        "calm".into()
    }
    let app = app().middleware(Tag).route(Route::get("/api/x", boom)).build().expect("valid");
    let answer = get(&app, "/api/x").await;
    assert_eq!((answer.status, answer.code().as_str()), (500, "INTERNAL_ERROR"));
    assert!(answer.headers.contains_key("x-tag") && answer.headers.contains_key("x-request-id"));
    assert!(!answer.body.contains("hunter2"));
    assert_eq!(get(&app, "/api/x?calm").await.status, 200);
}

#[tokio::test]
async fn a_panic_in_a_middleware_is_caught_too() {
    async fn boom(ctx: &mut Context, next: Next<'_>) -> Result<Response, Error> {
        assert!(ctx.query("calm").is_some(), "boom");
        Ok(next.run(ctx).await)
    }
    for at in [order::TRACE, order::APP] {
        let app = app()
            .middleware(from_fn("boom", boom).at(at))
            .route(Route::get("/api/x", async || "x"))
            .build()
            .expect("valid");
        assert_eq!(get(&app, "/api/x").await.code(), "INTERNAL_ERROR", "at {at}");
    }
}

// Shows S0-73, V58, O-D10, O-D22.
#[tokio::test(start_paused = true)]
async fn a_deadline_answers_504_with_headers_and_drops_the_handler() {
    struct Dropped(Arc<AtomicUsize>);
    impl Drop for Dropped {
        fn drop(&mut self) {
            self.0.fetch_add(1, Ordering::SeqCst);
        }
    }
    let dropped = Arc::new(AtomicUsize::new(0));
    let handler = {
        let dropped = Arc::clone(&dropped);
        move || {
            let dropped = Dropped(Arc::clone(&dropped));
            async move {
                tokio::time::sleep(Duration::from_secs(60)).await;
                drop(dropped);
            }
        }
    };
    let app = app().route(Route::get("/api/slow", handler).timeout(Duration::from_secs(2))).build().expect("valid");
    let started = tokio::time::Instant::now();
    let answer = get(&app, "/api/slow").await;
    assert_eq!((answer.status, answer.code().as_str()), (504, "TIMEOUT"));
    assert!(started.elapsed() < Duration::from_millis(2100));
    assert_eq!(dropped.load(Ordering::SeqCst), 1);
}

#[tokio::test(start_paused = true)]
async fn a_middleware_outside_of_the_guard_that_hangs_is_answered_too() {
    async fn hang(_: &mut Context, _: Next<'_>) -> Result<Response, Error> {
        std::future::pending().await
    }
    let app = app()
        .middleware(from_fn("hang", hang).at(order::TRACE))
        .route(Route::get("/api/x", async || "x"))
        .build()
        .expect("valid");
    assert_eq!(get(&app, "/api/x").await.code(), "TIMEOUT");
}

#[tokio::test]
async fn the_token_fires_when_the_request_is_dropped_and_not_when_it_is_answered() {
    let (sender, mut receiver) = tokio::sync::mpsc::unbounded_channel();
    let handler = move |call: Call, Query(wait): Query<std::collections::HashMap<String, String>>| {
        let sender = sender.clone();
        async move {
            sender.send(call.cancellation).expect("a listener");
            if wait.contains_key("wait") {
                std::future::pending::<()>().await;
            }
            "done"
        }
    };
    let app = app().route(Route::get("/api/x", handler)).build().expect("valid");
    get(&app, "/api/x").await;
    assert!(!receiver.recv().await.expect("a token").is_cancelled());
    let waiting = tokio::spawn(async move { get(&app, "/api/x?wait").await });
    let token = receiver.recv().await.expect("a token");
    waiting.abort();
    token.cancelled().await;
}
