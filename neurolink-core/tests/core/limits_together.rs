//! Several limits are one decision.

use std::sync::Arc;
use std::time::Duration;

use neurolink_core::middleware::{BearerAuth, Key, RateLimit, StaticToken};
use neurolink_core::stack::IntoRegistration as _;
use neurolink_core::{App, AppBuilder, AuthenticatedUser, ManualClock, Route, RouteGroup};

use crate::support::{Answer, Quiet, ask};

const START: Duration = Duration::from_secs(1_700_000_000);
const ONE: &str = "Bearer token-of-u1-0123456789";
const TWO: &str = "Bearer token-of-u2-0123456789";

fn app() -> (AppBuilder, Arc<ManualClock>) {
    let clock = Arc::new(ManualClock::at(START));
    let builder = App::builder(Quiet)
        .clock(Arc::clone(&clock) as _)
        .route(Route::get("/api/x", async || "x"))
        .route(Route::get("/api/y", async || "y"));
    (builder, clock)
}

fn limit(limit: u32, seconds: u64) -> RateLimit {
    RateLimit::fixed_window(limit, Duration::from_secs(seconds))
}

async fn get(app: &App, path: &str, token: &str) -> Answer {
    ask(app, "GET", path, "192.0.2.1:5", &[("authorization", token)]).await
}

#[tokio::test]
async fn if_one_of_a_place_refuses_none_is_charged() {
    let (builder, clock) = app();
    let outer = limit(4, 100).named("outer");
    let app =
        builder.middleware(outer).middleware(limit(1, 10).only(["/api/x"]).named("inner")).build().expect("valid");
    let x = async || get(&app, "/api/x", ONE).await.status;
    assert_eq!((x().await, x().await, x().await, x().await), (200, 429, 429, 429));
    // The outer one has counted the first only.
    let y = get(&app, "/api/y", ONE).await;
    assert_eq!((y.status, y.header("x-ratelimit-remaining")), (200, "2"));
    clock.advance(Duration::from_secs(10));
    assert_eq!(x().await, 200);
}

#[tokio::test]
async fn the_limit_of_a_group_counts_its_routes_together_and_decides_with_the_others() {
    let (builder, _) = app();
    let group = RouteGroup::new("/api/group")
        .middleware(limit(2, 100).named("group"))
        .route(Route::get("/a", async || "a"))
        .route(Route::get("/b", async || "b").rate_limit(limit(1, 10)));
    let app = builder.middleware(limit(5, 100).named("all")).group(group).build().expect("valid");
    let status = async |path: &str| get(&app, path, ONE).await.status;
    assert_eq!((status("/api/group/b").await, status("/api/group/b").await), (200, 429), "the route's own is used up");
    assert_eq!((status("/api/group/a").await, status("/api/group/a").await), (200, 429), "the group's is used up");
    // What was refused is charged nowhere: two of the five are gone.
    for left in ["2", "1", "0"] {
        let outside = get(&app, "/api/x", ONE).await;
        assert_eq!((outside.status, outside.header("x-ratelimit-remaining")), (200, left));
    }
    assert_eq!(status("/api/x").await, 429);
}

#[tokio::test]
async fn the_wait_is_the_longest_of_those_that_refuse() {
    for turned in [false, true] {
        let (builder, clock) = app();
        let (long, short) = (limit(1, 100).named("long"), limit(1, 10).named("short"));
        let (first, second) = if turned { (short, long) } else { (long, short) };
        let app = builder.middleware(first).middleware(second).build().expect("valid");
        assert_eq!(get(&app, "/api/x", ONE).await.status, 200);
        let refused = get(&app, "/api/x", ONE).await;
        assert_eq!((refused.status, refused.header("retry-after")), (429, "100"), "{turned}");
        assert_eq!(refused.header("x-ratelimit-reset"), (START.as_secs() + 100).to_string());
        clock.advance(Duration::from_secs(100));
        assert_eq!(get(&app, "/api/x", ONE).await.status, 200);
    }
}

#[tokio::test]
async fn a_limit_by_user_gives_back_what_the_limit_by_address_took() {
    let auth = BearerAuth::tokens([
        StaticToken::new("token-of-u1-0123456789", AuthenticatedUser::new("u1")),
        StaticToken::new("token-of-u2-0123456789", AuthenticatedUser::new("u2")),
    ]);
    let app = app()
        .0
        .middleware(limit(3, 60).named("by-address"))
        .middleware(auth)
        .middleware(limit(1, 60).by(Key::User))
        .build()
        .expect("valid");
    assert_eq!(get(&app, "/api/x", ONE).await.status, 200);
    for _ in 0..5 {
        assert_eq!(get(&app, "/api/x", ONE).await.status, 429);
    }
    let other = get(&app, "/api/x", TWO).await;
    assert_eq!(
        (other.status, other.header("x-ratelimit-limit"), other.header("x-ratelimit-remaining")),
        (200, "1", "0")
    );
    // A caller without credentials stays charged: who it is was never known.
    assert_eq!(ask(&app, "GET", "/api/x", "192.0.2.1:5", &[]).await.status, 401);
    assert_eq!(ask(&app, "GET", "/api/x", "192.0.2.1:5", &[]).await.status, 429);
}

#[tokio::test]
async fn a_limit_of_a_route_decides_with_those_of_all_routes() {
    let (builder, _) = app();
    let own = Route::get("/api/own", async || "own").middleware(limit(1, 60).named("own"));
    let app = builder.middleware(limit(3, 60)).route(own).build().expect("valid");
    for status in [200, 429, 429, 429] {
        assert_eq!(get(&app, "/api/own", ONE).await.status, status);
    }
    assert_eq!((get(&app, "/api/x", ONE).await.status, get(&app, "/api/x", ONE).await.status), (200, 200));
    assert_eq!(get(&app, "/api/x", ONE).await.status, 429);
}
