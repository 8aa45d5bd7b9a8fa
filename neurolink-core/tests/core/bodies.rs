//! Who may read a request's body, and how much of it.

use std::task::Poll;
use std::time::Duration;

use bytes::Bytes;
use futures_util::FutureExt as _;
use http::header;
use http_body_util::BodyExt as _;
use neurolink_core::app::ConnInfo;
use neurolink_core::middleware::Tower;
use neurolink_core::stack::{IntoRegistration as _, order};
use neurolink_core::{
    App, Body, BoxError, Context, Error, Hook, Json, Next, Registration, Reply, Response, ResultExt as _, Route,
    from_fn,
};
use serde_json::Value;

use crate::support::{Auth, Quiet, app, send, to};

/// A body that does not say how long it is, in pieces of 1000 bytes.
fn pieces(count: usize) -> Body {
    Body::from_stream(futures_util::stream::iter(
        (0..count).map(|_| Ok::<_, BoxError>(Bytes::from_static(&[b'x'; 1000]))),
    ))
}

async fn post(app: &App, path: &str, user: Option<&str>, body: Body) -> (u16, String) {
    let mut request = http::Request::post(path).header("host", "localhost");
    if let Some(user) = user {
        request = request.header("authorization", user);
    }
    let response = app.handle(request.body(body).expect("a request"), ConnInfo::default()).await;
    let status = response.status().as_u16();
    let body = response.into_body().collect().await.expect("a body").to_bytes();
    (status, String::from_utf8_lossy(&body).into_owned())
}

async fn length(body: Bytes) -> String {
    body.len().to_string()
}

/// A middleware that reads the body and says how long it was.
async fn reads(ctx: &mut Context, next: Next<'_>) -> Result<Response, Error> {
    let length = ctx.read_body().await?.len();
    let mut response = next.run(ctx).await;
    response.headers_mut().insert("x-length", length.into());
    Ok(response)
}

/// A body of 60 bytes that never ends.
fn endless() -> Body {
    let first = futures_util::stream::iter([Ok::<_, BoxError>(Bytes::from_static(&[b'x'; 60]))]);
    Body::from_stream(futures_util::StreamExt::chain(first, futures_util::stream::pending()))
}

#[tokio::test]
async fn apps_of_a_process_share_a_budget_for_bodies_if_they_are_told() {
    let builder = || app().route(Route::post("/api/x", length));
    let limited = |settings: &mut neurolink_core::Settings| {
        (settings.limits.body, settings.limits.body_budget) = (100, 100);
    };
    let one = builder().configure(limited).build().expect("valid");
    let two =
        builder().configure(|settings| settings.limits.body = 100).share_body_budget(&one).build().expect("valid");
    let alone = builder().configure(limited).build().expect("valid");
    let mut held = std::pin::pin!(post(&one, "/api/x", None, endless()));
    assert!(futures_util::poll!(held.as_mut()).is_pending());
    assert_eq!((one.body_memory(), two.body_memory(), alone.body_memory()), (60, 60, 0));
    let fifty = || Body::from("x".repeat(50));
    assert_eq!(post(&two, "/api/x", None, fifty()).await.0, 503);
    assert_eq!(post(&alone, "/api/x", None, fifty()).await.0, 200);
}

#[tokio::test]
async fn before_authorisation_a_middleware_that_did_not_ask_reads_nothing() {
    let app = app().middleware(Auth).middleware(from_fn("greedy", reads).at(6));
    let app = app.route(Route::post("/api/x", length).body_limit(1 << 20)).build().expect("valid");
    assert_eq!(post(&app, "/api/x", None, pieces(1000)).await.0, 500);
    assert_eq!(post(&app, "/api/x", Some("u1"), pieces(1)).await.0, 500);
}

#[tokio::test]
async fn before_authorisation_a_middleware_that_asked_gets_64_kib() {
    let app = app().middleware(Auth).middleware(from_fn("signed", reads).with_body().at(6));
    let app = app.route(Route::post("/api/x", length).body_limit(1 << 20)).build().expect("valid");
    assert_eq!(post(&app, "/api/x", None, pieces(1000)).await.0, 413);
    assert_eq!(post(&app, "/api/x", None, pieces(65)).await.0, 401);
    let (status, text) = post(&app, "/api/x", Some("u1"), pieces(65)).await;
    assert!(status == 200 && text.contains("{\"data\":\"65000\""), "the handler reads it again: {text}");
    let (status, _) = post(&app, "/api/x", Some("u1"), Body::from(vec![b'x'; 64 * 1024 + 1])).await;
    assert_eq!(status, 413);
}

#[tokio::test]
async fn a_smaller_limit_of_the_route_holds_before_authorisation_too() {
    let app = app().middleware(from_fn("signed", reads).with_body().at(6));
    let app = app.route(Route::post("/api/x", length).body_limit(2000)).build().expect("valid");
    assert_eq!(post(&app, "/api/x", None, pieces(3)).await.0, 413);
}

#[tokio::test]
async fn a_hook_before_authorisation_cannot_take_the_body_and_one_behind_it_can() {
    struct Takes(i16);
    impl Hook for Takes {
        fn name(&self) -> &str {
            "takes"
        }
        fn order(&self) -> i16 {
            self.0
        }
        fn before(&self, ctx: &mut Context) -> Option<Response> {
            ctx.take_body().err().map(|error| ctx.fail(error))
        }
    }
    for (order, status) in [(order::LIMITS, 500), (order::ROLES, 200)] {
        let app = app().middleware(Takes(order)).route(Route::post("/api/x", async || "x")).build().expect("valid");
        assert_eq!(post(&app, "/api/x", None, pieces(1)).await.0, status, "{order}");
    }
}

#[tokio::test]
async fn the_rights_of_a_middleware_come_back_after_what_is_inside() {
    async fn late(ctx: &mut Context, next: Next<'_>) -> Result<Response, Error> {
        drop(next.run(ctx).await);
        ctx.read_body().await.map(|_| Response::default())
    }
    async fn refuses(_: &mut Context, _: Next<'_>) -> Result<Response, Error> {
        Err(Error::not_found("no"))
    }
    let app = app().middleware(from_fn("late", late).at(6)).middleware(from_fn("refuses", refuses));
    let app = app.route(Route::post("/api/x", length)).build().expect("valid");
    assert_eq!(post(&app, "/api/x", None, pieces(1)).await.0, 500);
}

#[tokio::test]
async fn the_rights_of_a_middleware_come_back_when_it_drops_what_is_inside() {
    async fn hurried(ctx: &mut Context, next: Next<'_>) -> Result<Response, Error> {
        assert!(next.run(ctx).now_or_never().is_none(), "what is inside waits");
        ctx.read_body().await.map(|_| Response::default())
    }
    async fn waits(ctx: &mut Context, next: Next<'_>) -> Result<Response, Error> {
        std::future::pending::<()>().await;
        Ok(next.run(ctx).await)
    }
    for inside in [Registration::new(from_fn("waits", waits)), from_fn("waits", waits).except(["/api/x"])] {
        for order in [order::TRACE, order::LIMITS] {
            let app = app().middleware(from_fn("hurried", hurried).at(order)).middleware(inside.clone());
            let route = Route::post("/api/x", async || std::future::pending::<&'static str>().await);
            let other = Route::post("/api/y", async || "y");
            let app = app.route(route).route(other).build().expect("valid");
            assert_eq!(post(&app, "/api/x", None, Body::empty()).await.0, 500);
        }
    }
}

#[tokio::test]
async fn the_rights_of_a_middleware_come_back_behind_the_handler() {
    async fn early(ctx: &mut Context, next: Next<'_>) -> Result<Response, Error> {
        drop(next.run(ctx).await);
        ctx.read_body().await.map(|_| Response::default())
    }
    for order in [order::TRACE, order::LIMITS] {
        let app = App::builder(Quiet).middleware(from_fn("early", early).at(order));
        let app = app.route(Route::post("/api/x", async || "x")).build().expect("valid");
        assert_eq!(post(&app, "/api/x", None, Body::empty()).await.0, 500, "{order}");
    }
}

#[tokio::test]
async fn a_body_that_was_taken_twice_keeps_both_limits() {
    let hands_on = Tower::new("hands-on", tower::layer::util::Identity::new()).with_body();
    let app = app().configure(|settings| settings.limits.body = 100_000).middleware(hands_on.at(6));
    let app = app.route(Route::post("/api/x", careless)).build().expect("valid");
    let (status, text) = post(&app, "/api/x", Some("u1"), pieces(70)).await;
    assert!(status == 413, "{status} {text}");
}

/// Reads a taken body to its end, and does not care how it ends.
async fn careless(mut body: Body) -> String {
    let mut length = 0;
    while let Some(Ok(frame)) = body.frame().await {
        length += frame.data_ref().map_or(0, Bytes::len);
    }
    length.to_string()
}

async fn careful(body: Body) -> Result<Reply, Error> {
    let whole = body.collect().await.or_internal()?;
    Reply::data(&whole.to_bytes().len())
}

#[tokio::test]
async fn a_taken_body_keeps_the_limit_whatever_the_handler_makes_of_it() {
    let app = app()
        .configure(|settings| settings.limits.body = 2000)
        .route(Route::post("/api/careless", careless))
        .route(Route::post("/api/careful", careful))
        .build()
        .expect("valid");
    for path in ["/api/careless", "/api/careful"] {
        assert_eq!(post(&app, path, None, pieces(2)).await.0, 200, "{path}");
        let (status, text) = post(&app, path, None, pieces(3)).await;
        assert!(status == 413 && text.contains("PAYLOAD_TOO_LARGE"), "{path}: {status} {text}");
        assert_eq!(post(&app, path, None, Body::from(vec![b'x'; 2001])).await.0, 413, "{path}");
    }
}

#[tokio::test]
async fn a_middleware_that_takes_the_body_keeps_the_limit_too() {
    async fn takes(ctx: &mut Context, next: Next<'_>) -> Result<Response, Error> {
        ctx.take_body()?.collect().await.or_internal()?;
        Ok(next.run(ctx).await)
    }
    let app = app().middleware(from_fn("takes", takes)).configure(|settings| settings.limits.body = 2000);
    let app = app.route(Route::post("/api/x", async || "x")).build().expect("valid");
    assert_eq!(post(&app, "/api/x", None, pieces(2)).await.0, 200);
    assert_eq!(post(&app, "/api/x", None, pieces(3)).await.0, 413);
}

#[tokio::test]
async fn an_answer_that_streams_a_body_above_the_limit_is_cut() {
    let echo = async |body: Body| Reply::raw(Response::new(body));
    let app = app().configure(|settings| settings.limits.body = 2000);
    let app = app.route(Route::post("/api/x", echo)).build().expect("valid");
    let request = http::Request::post("/api/x").header("host", "localhost").body(pieces(3)).expect("a request");
    let response = app.handle(request, ConnInfo::default()).await;
    assert_eq!(response.status(), 200);
    assert!(response.into_body().collect().await.is_err());
}

#[tokio::test]
async fn a_route_may_take_bodies_of_any_size() {
    let route = Route::post("/api/x", careless).unlimited_body();
    let app = app().configure(|settings| settings.limits.body = 2000).route(route).build().expect("valid");
    assert!(post(&app, "/api/x", None, pieces(5000)).await.1.contains("5000000"));
}

// Shows S3-34, O-D10.
#[tokio::test]
async fn bodies_are_checked_in_order_and_for_every_method() {
    let app = app()
        .middleware(Auth)
        .route(Route::post("/api/json", async |Json(body): Json<Value>| Json(body)).body_limit(10))
        .route(Route::delete("/api/none", async || "x").body_limit(10))
        .build()
        .expect("valid");
    let of = async |method: &str, path: &str, user: bool, kind: Option<&str>, body: Body| {
        let mut request = to(path).method(method);
        if user {
            request = request.header(header::AUTHORIZATION, "u1");
        }
        if let Some(kind) = kind {
            request = request.header(header::CONTENT_TYPE, kind);
        }
        let answer = send(&app, request, body).await;
        (answer.status, answer.code())
    };
    let chunked = || {
        Body::from_stream(futures_util::stream::iter([Ok::<_, std::io::Error>("123456".into()), Ok("789012".into())]))
    };
    const JSON: Option<&str> = Some("application/json; charset=utf-8");
    for (method, path, user, kind, body, status, code) in [
        ("POST", "/api/json", false, JSON, Body::from("x".repeat(99)), 401, "AUTH_REQUIRED"),
        ("POST", "/api/json", true, Some("text/plain"), Body::from("x".repeat(99)), 415, "UNSUPPORTED_MEDIA_TYPE"),
        ("POST", "/api/json", true, None, Body::from("{}"), 415, "UNSUPPORTED_MEDIA_TYPE"),
        ("POST", "/api/json", true, JSON, Body::from("x".repeat(11)), 413, "PAYLOAD_TOO_LARGE"),
        ("POST", "/api/json", true, JSON, chunked(), 413, "PAYLOAD_TOO_LARGE"),
        ("POST", "/api/json", true, JSON, Body::from("{"), 400, "INVALID_JSON"),
        ("POST", "/api/json", true, JSON, Body::empty(), 400, "VALIDATION_ERROR"),
        ("POST", "/api/json", true, Some("application/x+json"), Body::from("[1]"), 200, ""),
        ("DELETE", "/api/none", true, None, Body::from("x".repeat(11)), 413, "PAYLOAD_TOO_LARGE"),
        ("DELETE", "/api/none", true, None, chunked(), 413, "PAYLOAD_TOO_LARGE"),
        ("DELETE", "/api/none", true, None, Body::from("x"), 200, ""),
    ] {
        assert_eq!(of(method, path, user, kind, body).await, (status, code.to_owned()), "{method} {path} {code}");
    }
}

/// A body of which nothing comes, on a machine that is so busy that each look at it takes longer than the request may.
#[tokio::test]
async fn a_body_that_is_late_is_told_as_such_however_busy_the_machine_is() {
    let app = app().route(Route::post("/api/x", length).timeout(Duration::from_millis(20))).build().expect("valid");
    let body = Body::from_stream(futures_util::stream::poll_fn(|_| {
        std::thread::sleep(Duration::from_millis(40));
        Poll::<Option<Result<Bytes, BoxError>>>::Pending
    }));
    let (status, text) = post(&app, "/api/x", None, body).await;
    assert!(status == 408 && text.contains("REQUEST_TIMEOUT"), "{status}: {text}");
}
