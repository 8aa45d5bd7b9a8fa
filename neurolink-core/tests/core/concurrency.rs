//! How many requests are at work at one time.

use std::time::Duration;

use futures_util::FutureExt as _;
use http_body_util::BodyExt as _;
use neurolink_core::engine::{EventStream, StreamEvent};
use neurolink_core::middleware::{ConcurrencyLimit, Key, RateLimit};
use neurolink_core::stack::IntoRegistration as _;
use neurolink_core::{App, Body, ConnInfo, Registration, Request, Response, Route};

use crate::support::{Answer, Auth, app, ask, mistakes};

const SECOND: Duration = Duration::from_secs(1);
const ONE: &str = "192.0.2.1:5";
const OTHER: &str = "192.0.2.2:5";

async fn stream() -> EventStream {
    Box::pin(futures_util::stream::iter([Ok(StreamEvent::text("a")), Ok(StreamEvent::text("b"))]))
}

fn limited(limit: impl Into<Registration>) -> App {
    app()
        .middleware(limit)
        .route(Route::get("/api/x", async || "x"))
        .route(Route::get("/api/slow", async || {
            tokio::time::sleep(5 * SECOND).await;
            "slow"
        }))
        .route(Route::get("/api/panics", async || -> &'static str { panic!("secret") }))
        .route(Route::get("/api/stream", stream))
        .route(Route::get("/api/health/live", async || "alive").public().probe())
        .build()
        .expect("valid")
}

async fn get(app: &App, path: &str, peer: &str) -> Answer {
    ask(app, "GET", path, peer, &[]).await
}

async fn head(app: &App, path: &str, peer: &str) -> Response {
    let request: Request = http::Request::get(path).header("host", "localhost").body(Body::empty()).expect("a request");
    app.handle(request, ConnInfo::new(Some(peer.parse().expect("an address")))).await
}

#[tokio::test(start_paused = true)]
async fn one_more_of_an_address_is_refused_and_others_are_not() {
    let app = limited(ConcurrencyLimit::by(Key::Address, 2));
    let (mut first, mut second) = (Box::pin(get(&app, "/api/slow", ONE)), Box::pin(get(&app, "/api/slow", ONE)));
    assert!(first.as_mut().now_or_never().is_none() && second.as_mut().now_or_never().is_none());
    let refused = get(&app, "/api/x", ONE).await;
    assert_eq!((refused.status, refused.header("retry-after")), (429, "1"));
    assert_eq!(refused.code(), "RATE_LIMIT_EXCEEDED");
    assert_eq!(get(&app, "/api/x", OTHER).await.status, 200);
    assert_eq!(first.await.status, 200);
    assert_eq!(get(&app, "/api/x", ONE).await.status, 200);
}

#[tokio::test(start_paused = true)]
async fn a_place_comes_back_when_the_client_leaves_and_when_the_handler_panics() {
    let app = limited(ConcurrencyLimit::by(Key::Address, 1));
    assert!(get(&app, "/api/slow", ONE).now_or_never().is_none(), "the client leaves");
    assert_eq!(get(&app, "/api/panics", ONE).await.status, 500);
    assert_eq!(get(&app, "/api/x", ONE).await.status, 200);
}

#[tokio::test(start_paused = true)]
async fn a_place_comes_back_when_the_deadline_passes() {
    let slow = Route::get("/api/slow", async || std::future::pending::<&'static str>().await).timeout(SECOND);
    let limit = ConcurrencyLimit::by(Key::Address, 1);
    let app = app().middleware(limit).route(slow).build().expect("valid");
    assert_eq!((get(&app, "/api/slow", ONE).await.status, get(&app, "/api/slow", ONE).await.status), (504, 504));
}

#[tokio::test(start_paused = true)]
async fn a_stream_holds_its_place_to_its_end() {
    let app = limited(ConcurrencyLimit::by(Key::Address, 1));
    let mut stream = head(&app, "/api/stream", ONE).await.into_body();
    assert!(stream.frame().await.is_some());
    assert_eq!(get(&app, "/api/x", ONE).await.status, 429);
    while stream.frame().await.is_some() {}
    assert_eq!(get(&app, "/api/x", ONE).await.status, 200);
    let left = head(&app, "/api/stream", ONE).await;
    assert_eq!(get(&app, "/api/x", ONE).await.status, 429);
    drop(left);
    assert_eq!(get(&app, "/api/x", ONE).await.status, 200);
}

#[tokio::test(start_paused = true)]
async fn the_server_sheds_load_and_still_says_that_it_lives() {
    let app = limited(ConcurrencyLimit::all(1));
    let mut slow = Box::pin(get(&app, "/api/slow", ONE));
    assert!(slow.as_mut().now_or_never().is_none());
    for path in ["/api/x", "/api/nope", "/api/stream"] {
        let shed = get(&app, path, OTHER).await;
        assert_eq!(
            (shed.status, shed.header("retry-after"), shed.code().as_str()),
            (503, "1", "UNAVAILABLE"),
            "{path}"
        );
    }
    assert_eq!(get(&app, "/api/health/live", OTHER).await.status, 200);
    assert_eq!(slow.await.status, 200);
    assert_eq!(get(&app, "/api/x", OTHER).await.status, 200);
}

#[tokio::test(start_paused = true)]
async fn who_waits_is_answered_in_time_or_refused() {
    let app = limited(ConcurrencyLimit::all(1).queue(1, 6 * SECOND));
    let mut slow = Box::pin(get(&app, "/api/slow", ONE));
    assert!(slow.as_mut().now_or_never().is_none());
    let mut waits = Box::pin(get(&app, "/api/slow", OTHER));
    assert!(waits.as_mut().now_or_never().is_none());
    assert_eq!(get(&app, "/api/x", OTHER).await.status, 503, "the queue is full");
    let (slow, waits) = tokio::join!(slow, waits);
    assert_eq!((slow.status, waits.status), (200, 200));

    let app = limited(ConcurrencyLimit::all(1).queue(1, SECOND));
    let (slow, waits) = tokio::join!(get(&app, "/api/slow", ONE), get(&app, "/api/x", OTHER));
    assert_eq!((slow.status, waits.status), (200, 503), "it waited for a second");
}

#[tokio::test(start_paused = true)]
async fn a_limit_by_user_stands_behind_authentication() {
    for key in [Key::User, Key::Caller] {
        let app = app()
            .middleware(ConcurrencyLimit::by(key, 1))
            .middleware(Auth)
            .route(Route::get("/api/slow", async || std::future::pending::<&'static str>().await))
            .route(Route::get("/api/x", async || "x"))
            .build()
            .expect("valid");
        let as_user = async |path, user| ask(&app, "GET", path, ONE, &[("authorization", user)]).await.status;
        let mut slow = Box::pin(ask(&app, "GET", "/api/slow", ONE, &[("authorization", "u1")]));
        assert!(slow.as_mut().now_or_never().is_none());
        assert_eq!((as_user("/api/x", "u1").await, as_user("/api/x", "u2").await), (429, 200));
        assert_eq!(ask(&app, "GET", "/api/x", ONE, &[]).await.status, 401);
    }
}

#[tokio::test(start_paused = true)]
async fn a_refused_request_tells_its_rate_limit_too() {
    let limit = RateLimit::fixed_window(5, 60 * SECOND);
    let app = app().middleware(limit).middleware(ConcurrencyLimit::all(1));
    let app = app.route(Route::get("/api/slow", async || std::future::pending::<&'static str>().await));
    let app = app.build().expect("valid");
    let mut slow = Box::pin(get(&app, "/api/slow", ONE));
    assert!(slow.as_mut().now_or_never().is_none());
    let shed = get(&app, "/api/slow", ONE).await;
    assert_eq!((shed.status, shed.header("x-ratelimit-remaining")), (503, "3"));
}

#[test]
fn mistakes_name_their_fix() {
    let built = app()
        .route(Route::get("/api/x", async || "x"))
        .middleware(ConcurrencyLimit::all(0))
        .middleware(ConcurrencyLimit::by(Key::Address, 1).queue(3, Duration::ZERO))
        .middleware(ConcurrencyLimit::by(Key::Address, 1).only(["/api/nope"]).named("idle"))
        .build();
    let found = mistakes(built).join("\n");
    for part in [
        "middleware.load-shedding: 0 at a time refuses everybody; give at least 1",
        "middleware.concurrency: who waits for no time has no use for a queue; give for example 1s",
        "middleware.idle: the scope `/api/nope` touches no route",
    ] {
        assert!(found.contains(part), "{part}: {found}");
    }
}
