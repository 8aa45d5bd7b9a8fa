//! What native handlers learn of the onion.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use neurolink_core::app::{ConnInfo, Facts};
use neurolink_core::middleware::{RateLimit, RateLimitState};
use neurolink_core::{
    AuthenticatedUser, Body, ClientAddress, Context, Error, FromFacts, Inserted, Next, Request, RequestId, Response,
    Settings, Stack, fact, from_fn,
};
use tokio_util::sync::CancellationToken;

use crate::log::Log;

#[derive(Clone, Debug, PartialEq)]
struct Tenant(&'static str);

impl FromFacts for Tenant {
    const NEEDS: &'static str = "the middleware `tenant`";

    fn from_facts(facts: &Facts) -> Option<Self> {
        facts.get().cloned()
    }
}

async fn tenant(ctx: &mut Context, next: Next<'_>) -> Result<Response, Error> {
    ctx.insert(Tenant("t1"));
    Ok(next.run(ctx).await)
}

/// Runs the stack around a service that hands out its facts and then does not answer, or answers at once.
async fn facts(stack: Stack, answers: bool) -> Arc<Facts> {
    let mut settings = Settings::default();
    settings.timeout = Duration::from_millis(50);
    let protected = stack.protect(settings).expect("valid");
    let request = http::Request::get("/x").header("host", "localhost").body(Body::empty()).expect("a request");
    let found = Mutex::new(None);
    let peer = Some(([10, 0, 0, 1], 9).into());
    let answer = protected.wrap(request, ConnInfo::new(peer), |request: Request| {
        *found.lock().expect("a lock") = request.extensions().get::<Arc<Facts>>().cloned();
        async move {
            if !answers {
                std::future::pending::<()>().await;
            }
            Response::default()
        }
    });
    assert_eq!(answer.await.status().is_success(), answers);
    found.into_inner().expect("a lock").expect("facts")
}

#[tokio::test]
async fn the_limit_that_decides_and_facts_of_ones_own_are_there() {
    let limit = RateLimit::fixed_window(5, Duration::from_secs(60));
    let facts =
        facts(Stack::builder().with(from_fn("tenant", tenant).head_only()).with(limit).build().expect("valid"), true)
            .await;
    let state: RateLimitState = fact(Some(&facts)).expect("a limit");
    assert_eq!((state.limit, state.remaining), (5, 4));
    assert_eq!(fact::<Inserted<Tenant>>(Some(&facts)).expect("a tenant").0, Tenant("t1"));
    assert_eq!(fact::<Tenant>(Some(&facts)).expect("a tenant"), Tenant("t1"));
    assert_eq!(fact::<Option<Inserted<u8>>>(Some(&facts)).expect("perhaps"), None);
}

#[tokio::test(start_paused = true)]
async fn the_token_fires_when_the_deadline_passes() {
    let facts = facts(Stack::default(), false).await;
    assert!(fact::<CancellationToken>(Some(&facts)).expect("a token").is_cancelled());
}

#[tokio::test]
async fn the_token_does_not_fire_once_the_handler_has_answered() {
    let facts = facts(Stack::default(), true).await;
    assert!(!fact::<CancellationToken>(Some(&facts)).expect("a token").is_cancelled());
}

#[tokio::test(start_paused = true)]
async fn a_middleware_and_the_handler_have_one_token() {
    async fn asks(ctx: &mut Context, next: Next<'_>) -> Result<Response, Error> {
        let token = ctx.cancellation();
        ctx.insert(token);
        Ok(next.run(ctx).await)
    }
    let facts = facts(Stack::builder().with(from_fn("asks", asks).head_only()).build().expect("valid"), false).await;
    let of_middleware = fact::<Inserted<CancellationToken>>(Some(&facts)).expect("a token").0;
    assert!(of_middleware.is_cancelled() && facts.cancellation().is_cancelled());
}

fn missing<T: FromFacts>(facts: Option<&Arc<Facts>>) -> String {
    let (log, _listening) = Log::listen();
    let response = fact::<T>(facts).err().expect("it is missing");
    assert_eq!(response.status().as_u16(), 500);
    log.text()
}

#[tokio::test]
async fn the_log_names_the_middleware_that_is_missing() {
    let facts = facts(Stack::default(), true).await;
    for (text, needs) in [
        (missing::<AuthenticatedUser>(Some(&facts)), "it needs an authenticator"),
        (missing::<RateLimitState>(Some(&facts)), "it needs a `RateLimit`"),
        (missing::<Tenant>(Some(&facts)), "it needs the middleware `tenant`"),
        (missing::<Inserted<Tenant>>(Some(&facts)), "it needs a middleware that adds it"),
        (missing::<RequestId>(None), "it needs the stack, around this route"),
        (missing::<ClientAddress>(None), "it needs the stack, around this route"),
    ] {
        assert!(text.contains("ERROR neurolink::native") && text.contains(needs), "{text}");
    }
}
