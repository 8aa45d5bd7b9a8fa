//! Limits that handlers ask.

use std::sync::atomic::Ordering;
use std::time::Duration;

use neurolink_core::middleware::limit_store::{MemoryStore, StoreHandle};
use neurolink_core::middleware::{BearerAuth, Key, Limiter, RateLimit, RateLimitHeaders, StaticToken};
use neurolink_core::{App, AppBuilder, AuthenticatedUser, ConfigError, Context, Error, ResultExt as _, Route};

use crate::limit_store::store;
use crate::support::{Answer, Quiet, ask};

const MINUTE: Duration = Duration::from_secs(60);

fn app() -> AppBuilder {
    let token = |name: &str| StaticToken::new(format!("token-of-{name}-0123456789"), AuthenticatedUser::new(name));
    App::builder(Quiet).middleware(BearerAuth::tokens([token("u1"), token("u2")]))
}

/// An app with a route that asks a limit, and any other routes.
fn asking(app: AppBuilder, limiter: Result<Limiter, ConfigError>) -> App {
    let route = Route::get("/api/ask", asked).optional_auth();
    app.state(limiter.expect("valid")).route(route).build().expect("valid")
}

async fn asked(ctx: &mut Context) -> Result<&'static str, Error> {
    let limiter = ctx.state::<Limiter>().cloned().ok_or("no limit").or_internal()?;
    limiter.check(ctx).await?;
    Ok("passed")
}

async fn asked_for_a_team(ctx: &mut Context) -> Result<&'static str, Error> {
    let limiter = ctx.state::<Limiter>().cloned().ok_or("no limit").or_internal()?;
    let team = ctx.param("team").unwrap_or_default().repeat(1000);
    limiter.check_for(ctx, &team).await?;
    Ok("passed")
}

async fn get(app: &App, peer: &str, token: Option<&str>) -> Answer {
    let token = token.map(|name| format!("Bearer token-of-{name}-0123456789"));
    let headers: Vec<_> = token.iter().map(|token| ("authorization", token.as_str())).collect();
    ask(app, "GET", "/api/ask", peer, &headers).await
}

// Shows S2-12.
#[tokio::test]
async fn it_counts_by_its_key_and_tells_where_the_caller_stands() {
    let limit = RateLimit::fixed_window(1, MINUTE).by(Key::User).for_users(2).message("Not so fast");
    let app = asking(app(), limit.limiter("asks"));
    let stranger = get(&app, "192.0.2.1:5", None).await;
    assert_eq!((stranger.status, stranger.header("x-ratelimit-limit")), (200, "1"));
    assert_eq!(get(&app, "192.0.2.1:5", None).await.status, 429);
    assert_eq!(get(&app, "192.0.2.2:5", None).await.status, 200);
    for (status, left) in [(200, "1"), (200, "0"), (429, "0")] {
        let user = get(&app, "192.0.2.1:5", Some("u1")).await;
        assert_eq!((user.status, user.header("x-ratelimit-remaining")), (status, left));
        assert_eq!(user.header("x-ratelimit-limit"), "2");
        if status == 429 {
            assert_eq!(user.json()["error"]["message"], "Not so fast");
            assert!(!user.header("retry-after").is_empty());
        }
    }
    assert_eq!(get(&app, "192.0.2.1:5", Some("u2")).await.status, 200);
}

#[tokio::test]
async fn its_refusal_gives_back_nothing_that_others_took() {
    let outer = RateLimit::fixed_window(3, MINUTE).skip_successful();
    let own = RateLimit::fixed_window(1, MINUTE).headers([RateLimitHeaders::Draft10]).limiter("own");
    let app = asking(app().middleware(outer), own);
    for (status, left) in [(200, "2"), (429, "2"), (429, "1"), (429, "0")] {
        let answer = get(&app, "192.0.2.1:5", None).await;
        assert_eq!((answer.status, answer.header("x-ratelimit-remaining")), (status, left));
        assert!(answer.header("ratelimit-policy").starts_with("\"own\";q=1;w=60"));
    }
    let shut_out = get(&app, "192.0.2.1:5", None).await;
    assert_eq!((shut_out.status, shut_out.header("ratelimit")), (429, ""), "the handler is not asked any more");
}

#[tokio::test]
async fn its_clones_and_its_apps_count_together_in_a_store() {
    let store = StoreHandle::new(MemoryStore::new(100));
    let limit = || RateLimit::fixed_window(2, MINUTE).store(&store).limiter("shared");
    let apps = [app(), app()].map(|app| asking(app, limit()));
    for (app, status) in apps.iter().cycle().zip([200, 200, 429, 429]) {
        assert_eq!(get(app, "192.0.2.1:5", None).await.status, status);
    }
}

#[tokio::test]
async fn a_store_that_fails_is_a_503() {
    let (store, told) = store();
    told.fails.store(true, Ordering::SeqCst);
    let limit = RateLimit::fixed_window(2, MINUTE).store(&store).limiter("shared");
    let answer = get(&asking(app(), limit), "192.0.2.1:5", None).await;
    assert_eq!((answer.status, answer.header("retry-after")), (503, "1"));
}

#[tokio::test]
async fn who_is_counted_may_be_any_text() {
    let limiter = RateLimit::fixed_window(1, MINUTE).limiter("teams").expect("valid");
    let route = Route::get("/api/teams/{team}", asked_for_a_team).public();
    let app = app().state(limiter).route(route).build().expect("valid");
    for (team, status) in [("a", 200), ("b", 200), ("a", 429), ("b", 429)] {
        let answer = ask(&app, "GET", &format!("/api/teams/{team}"), "192.0.2.1:5", &[]).await;
        assert_eq!(answer.status, status, "{team}");
    }
}

#[test]
fn its_mistakes_are_reported_together() {
    let error = RateLimit::fixed_window(0, MINUTE).skip_successful().limiter("").expect_err("three mistakes");
    let text = error.to_string();
    assert_eq!(error.problems().len(), 3, "{text}");
    for part in ["leave the cost away", "it needs a name of its own"] {
        assert!(text.contains(part), "{text}");
    }
}
