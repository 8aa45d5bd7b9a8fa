//! What native handlers learn of the stack.

use std::cell::RefCell;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use http::StatusCode;
use neurolink_core::middleware::{Key, RateLimit};
use neurolink_core::{Context, Error, Middleware, Next, Stack};
use tokio_util::sync::CancellationToken;

use super::log::Log;
use super::{Native, request, text};

/// A fact of the application.
#[derive(Clone)]
pub(crate) struct Tenant(pub(crate) &'static str);

/// Adds it.
struct Tenants;

#[async_trait]
impl Middleware for Tenants {
    fn name(&self) -> &str {
        "tenants"
    }

    async fn handle(&self, ctx: &mut Context, next: Next<'_>) -> Result<neurolink_core::Response, Error> {
        ctx.insert(Tenant("t1"));
        Ok(next.run(ctx).await)
    }
}

fn limit() -> RateLimit {
    RateLimit::fixed_window(5, Duration::from_secs(60)).by(Key::Custom(Arc::new(|_| Some("all".into()))))
}

pub(crate) async fn the_limit_and_facts_of_ones_own_reach_native_handlers(native: &impl Native) {
    let stack = Stack::builder().with(limit()).with(Tenants).build().expect("valid");
    for left in ["4", "3"] {
        let answer = native.ask(Some(stack.clone()), request("GET", "/limit", false, "")).await;
        assert_eq!((answer.status(), text(&answer)), (StatusCode::OK, left));
        assert_eq!(answer.headers()["x-ratelimit-remaining"], left);
    }
    assert_eq!(text(&native.ask(Some(stack), request("GET", "/tenant", false, "")).await), "t1");
}

pub(crate) async fn the_log_names_the_middleware_that_a_fact_needs(native: &impl Native) {
    let ask = async |stack: Option<Stack>, path: &str| {
        let (log, _listening) = Log::listen();
        let answer = native.ask(stack, request("GET", path, false, "")).await;
        assert_eq!(answer.status(), StatusCode::INTERNAL_SERVER_ERROR, "{path}");
        log.text()
    };
    for (stack, path, needs) in [
        (None, "/id", "it needs the stack, around this route"),
        (Some(Stack::default()), "/me", "it needs an authenticator, and a path that is not public"),
        (Some(Stack::default()), "/limit", "it needs a `RateLimit` whose scope covers the path"),
        (Some(Stack::default()), "/client", "it needs a server that knows the peer's address"),
        (Some(Stack::default()), "/tenant", "it needs a middleware that adds it by `Context::insert`"),
    ] {
        let text = ask(stack, path).await;
        assert!(text.contains(needs), "{path}: {text}");
    }
}

thread_local! {
    static HANGING: RefCell<Option<CancellationToken>> = const { RefCell::new(None) };
}

/// Keeps the token and never answers.
pub(crate) async fn hang(token: CancellationToken) -> String {
    HANGING.set(Some(token));
    std::future::pending().await
}

/// Waits until a handler hangs.
pub(crate) async fn hangs() -> CancellationToken {
    loop {
        if let Some(token) = HANGING.take() {
            return token;
        }
        tokio::task::yield_now().await;
    }
}

pub(crate) async fn a_client_that_leaves_cancels_the_native_handler(native: &impl Native) {
    let token = tokio::select! {
        answer = native.ask(Some(Stack::default()), request("GET", "/hang", false, "")) => panic!("{answer:?}"),
        token = hangs() => token,
    };
    assert!(token.is_cancelled());
}
