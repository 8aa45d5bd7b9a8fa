//! Credentials on the wire: repeated, of nobody's scheme, in conflict, guessed in parallel.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use neurolink_core::middleware::{ApiKey, ApiKeyAuth, BearerAuth, StaticToken, TokenValidator};
use neurolink_core::{App, AppBuilder, AuthenticatedUser, Error, Route};

use crate::support::{Answer, Quiet, ask};

const TOKEN: &str = "Bearer token-of-u1-0123456789";
const KEY: &str = "key-of-k1-0123456789";

fn bearer() -> BearerAuth {
    BearerAuth::tokens([StaticToken::new("token-of-u1-0123456789", AuthenticatedUser::new("u1"))])
}

fn keys() -> ApiKeyAuth {
    ApiKeyAuth::keys([ApiKey::new(KEY, AuthenticatedUser::new("k1"))])
}

fn app() -> AppBuilder {
    App::builder(Quiet)
        .route(Route::get("/api/x", async || "x"))
        .route(Route::get("/api/optional", async || "o").optional_auth())
        .route(Route::get("/api/public", async || "p").public())
}

async fn get(app: &App, path: &str, headers: &[(&str, &str)]) -> Answer {
    ask(app, "GET", path, "192.0.2.1:5", headers).await
}

#[tokio::test]
async fn a_key_header_of_any_name_may_be_there_once() {
    let app = app().middleware(keys().header("x-secret")).build().expect("valid");
    for name in ["x-secret", "x-api-key", "authorization"] {
        assert_eq!(get(&app, "/api/public", &[(name, KEY), (name, KEY)]).await.status, 400, "{name}");
    }
    assert_eq!(get(&app, "/api/public", &[("x-other", "1"), ("x-other", "2")]).await.status, 200);
    let own = Route::get("/api/own", async || "x").middleware(keys().header("x-own"));
    let app = App::builder(Quiet).route(own).build().expect("valid");
    assert_eq!(get(&app, "/api/own", &[("x-own", KEY), ("x-own", KEY)]).await.status, 400);
}

#[tokio::test]
async fn every_401_carries_the_challenges_of_all_authenticators() {
    const INVALID: &str =
        "Bearer realm=\"neurolink\", error=\"invalid_token\", error_description=\"The token is not valid\"";
    const BEARER: &str = "Bearer realm=\"neurolink\"";
    const KEY_CHALLENGE: &str = "ApiKey realm=\"neurolink\", header=\"x-api-key\"";
    let app = app().middleware(bearer()).middleware(keys()).build().expect("valid");
    for (headers, code, challenges) in [
        (&[][..], "AUTH_REQUIRED", [BEARER, KEY_CHALLENGE]),
        (&[("authorization", "Bearer wrong")], "AUTH_INVALID", [INVALID, KEY_CHALLENGE]),
        (&[("x-api-key", "wrong")], "AUTH_INVALID", [KEY_CHALLENGE, BEARER]),
        (&[("authorization", TOKEN), ("x-api-key", KEY)], "AUTH_INVALID", [BEARER, KEY_CHALLENGE]),
    ] {
        let answer = get(&app, "/api/x", headers).await;
        assert_eq!((answer.status, answer.code().as_str()), (401, code), "{headers:?}");
        assert_eq!(answer.challenges(), challenges, "{headers:?}");
    }
}

#[tokio::test]
async fn credentials_of_a_scheme_that_is_nobodys_are_401_and_not_anonymous() {
    let built = app().middleware(bearer()).middleware(keys()).build().expect("valid");
    let basic = ("authorization", "Basic abc");
    for (path, headers, status) in [
        ("/api/optional", &[basic][..], 401),
        ("/api/optional", &[("authorization", "")], 401),
        ("/api/optional", &[], 200),
        ("/api/optional", &[("authorization", TOKEN)], 200),
        ("/api/x", &[basic], 401),
        ("/api/x", &[basic, ("x-api-key", KEY)], 401),
        ("/api/public", &[basic], 200),
    ] {
        let answer = get(&built, path, headers).await;
        assert_eq!(answer.status, status, "{path} {headers:?}");
        if status == 401 {
            assert_eq!((answer.code().as_str(), answer.challenges().len()), ("AUTH_INVALID", 2));
        }
    }
    let only_keys = app().middleware(keys()).build().expect("valid");
    assert_eq!(get(&only_keys, "/api/optional", &[basic]).await.status, 200);
}

/// Knows nobody, and only after all callers have come.
struct Slow {
    asked: Arc<AtomicUsize>,
    open: Arc<tokio::sync::Semaphore>,
}

#[async_trait::async_trait]
impl TokenValidator for Slow {
    async fn validate(&self, token: &str) -> Result<Option<AuthenticatedUser>, Error> {
        self.asked.fetch_add(1, Ordering::SeqCst);
        let _open = self.open.acquire().await.expect("never closed");
        Ok((token == "right").then(|| AuthenticatedUser::new("r")))
    }
}

fn guarded(most: u32) -> (App, Arc<AtomicUsize>, Arc<tokio::sync::Semaphore>) {
    let (asked, open) = (Arc::<AtomicUsize>::default(), Arc::new(tokio::sync::Semaphore::new(0)));
    let validator = Slow { asked: Arc::clone(&asked), open: Arc::clone(&open) };
    let auth = BearerAuth::validator(validator).failure_limit(most, Duration::from_secs(60));
    (app().middleware(auth).build().expect("valid"), asked, open)
}

#[tokio::test]
async fn guesses_at_one_time_are_not_more_than_the_limit() {
    let (app, asked, open) = guarded(5);
    let guess = async || get(&app, "/api/x", &[("authorization", "Bearer guess")]).await.status;
    let guesses = futures_util::future::join_all((0..50).map(|_| guess()));
    // All have come before the first is judged: the futures are polled in turn, and none can go on.
    let judged = async {
        tokio::task::yield_now().await;
        open.add_permits(50);
    };
    let (statuses, ()) = tokio::join!(guesses, judged);
    let count = |status: u16| statuses.iter().filter(|other| **other == status).count();
    assert_eq!((asked.load(Ordering::SeqCst), count(401), count(429)), (5, 5, 45));
}

#[tokio::test]
async fn what_was_no_failure_is_given_back() {
    let (app, asked, open) = guarded(2);
    open.add_permits(100);
    for _ in 0..10 {
        assert_eq!(get(&app, "/api/x", &[("authorization", "Bearer right")]).await.status, 200);
    }
    open.forget_permits(100);
    for _ in 0..10 {
        let request = get(&app, "/api/x", &[("authorization", "Bearer right")]);
        // The client is gone before its token is judged.
        tokio::select! { biased; _ = request => panic!("it waits"), () = std::future::ready(()) => {} }
    }
    assert_eq!(asked.load(Ordering::SeqCst), 20);
    open.add_permits(100);
    for status in [401, 401, 429] {
        assert_eq!(get(&app, "/api/x", &[("authorization", "Bearer wrong")]).await.status, status);
    }
}
