//! Tower layers as middleware, and the onion as a tower layer.

use std::convert::Infallible;
use std::future::ready;
use std::time::Duration;

use http::{HeaderName, HeaderValue, StatusCode};
use http_body_util::BodyExt as _;
use neurolink_core::app::ConnInfo;
use neurolink_core::middleware::{Inside, Tower};
use neurolink_core::stack::{IntoRegistration as _, order};
use neurolink_core::{App, Body, Context, Error, Middleware, Registration, Request, Response, Route, Settings, Stack};
use tower::util::{MapRequestLayer, MapResponseLayer};
use tower::{Layer as _, Service as _, ServiceExt as _, service_fn};
use tower_http::catch_panic::CatchPanicLayer;
use tower_http::compression::CompressionLayer;
use tower_http::request_id::{MakeRequestUuid, PropagateRequestIdLayer, SetRequestIdLayer};
use tower_http::set_header::SetResponseHeaderLayer;
use tower_http::timeout::TimeoutLayer;

use crate::support::{Auth, Quiet};

const SET: HeaderName = HeaderName::from_static("x-set");

fn set_header() -> SetResponseHeaderLayer<HeaderValue> {
    SetResponseHeaderLayer::if_not_present(SET, HeaderValue::from_static("by tower"))
}

fn app(middleware: impl Into<Registration>) -> App {
    App::builder(Quiet)
        .middleware(middleware)
        .route(Route::get("/api/hello", async || "hello"))
        .route(Route::post("/api/echo", async |body: bytes::Bytes| body))
        .route(Route::get("/api/seen", async |ctx: &mut Context| {
            let seen = ctx.headers().get("x-trace").map_or(&b""[..], HeaderValue::as_bytes);
            String::from_utf8_lossy(seen).into_owned()
        }))
        .route(Route::get("/api/fails", async || Err::<(), _>(Error::not_found("No such thing"))))
        .route(Route::get("/api/panics", async |_: &mut Context| -> &'static str { panic!("secret") }))
        .route(Route::get("/api/hangs", async || {
            std::future::pending::<()>().await;
            "never"
        }))
        .build()
        .expect("valid")
}

async fn ask(app: &App, request: http::request::Builder, body: &'static str) -> (StatusCode, http::HeaderMap, String) {
    let request = request.header("host", "localhost").body(Body::from(body)).expect("a request");
    let (parts, body) = app.handle(request, ConnInfo::default()).await.into_parts();
    let body = body.collect().await.expect("a body").to_bytes();
    (parts.status, parts.headers, String::from_utf8_lossy(&body).into_owned())
}

async fn get(app: &App, path: &str) -> (StatusCode, http::HeaderMap, String) {
    ask(app, http::Request::get(path), "").await
}

#[tokio::test]
async fn an_app_is_a_tower_service_that_takes_the_connection_from_the_extensions() {
    let app = App::builder(Quiet).route(Route::get("/api/peer", async |ctx: &mut Context| {
        ctx.peer().map(|peer| peer.to_string()).unwrap_or_default()
    }));
    let body = http_body_util::Full::new(bytes::Bytes::new());
    let mut request = http::Request::get("/api/peer").header("host", "localhost").body(body).expect("a request");
    request.extensions_mut().insert(ConnInfo::new(Some(([192, 0, 2, 1], 7).into())));
    let Ok(answer) = app.build().expect("valid").oneshot(request).await;
    let body = answer.into_body().collect().await.expect("a body").to_bytes();
    assert!(body.starts_with(br#"{"data":"192.0.2.1:7""#), "{body:?}");
}

#[tokio::test]
async fn a_layer_decorates_answers_and_errors_and_leaves_their_bodies() {
    let app = app(Tower::new("set-header", set_header()));
    let (status, headers, body) = get(&app, "/api/hello").await;
    assert_eq!((status, &headers[SET]), (StatusCode::OK, &HeaderValue::from_static("by tower")));
    assert!(body.starts_with(r#"{"data":"hello""#), "{body}");
    let (status, headers, body) = get(&app, "/api/fails").await;
    assert_eq!(status, StatusCode::NOT_FOUND);
    assert!(headers.contains_key(SET) && body.contains("No such thing"), "{body}");
}

#[tokio::test]
async fn a_layer_stands_at_its_order() {
    let answer = async |order| {
        let stack = Stack::builder().with(Auth).with(Tower::new("set-header", set_header()).at(order)).build();
        let protected = stack.expect("valid").protect(Settings::default()).expect("valid");
        let request = http::Request::get("/x").header("host", "localhost").body(Body::empty()).expect("a request");
        protected.wrap(request, ConnInfo::default(), |_| ready(Response::default())).await
    };
    let (outside, inside) = (answer(order::HEADERS).await, answer(order::APP).await);
    assert_eq!((outside.status().as_u16(), inside.status().as_u16()), (401, 401));
    assert!(outside.headers().contains_key(SET) && !inside.headers().contains_key(SET));
}

#[tokio::test]
async fn a_layer_changes_the_requests_headers_for_what_is_further_inside() {
    let name = HeaderName::from_static("x-trace");
    let layers = tower::ServiceBuilder::new()
        .layer(SetRequestIdLayer::new(name.clone(), MakeRequestUuid))
        .layer(PropagateRequestIdLayer::new(name.clone()));
    let (_, headers, body) = get(&app(Tower::new("trace-id", layers)), "/api/seen").await;
    let id = headers[name].to_str().expect("text");
    assert!(id.len() == 36 && body.contains(id), "{id} {body}");
}

#[tokio::test]
async fn a_panic_further_inside_is_the_cores_500_behind_catch_panic_too() {
    let app = app(Tower::new("catch-panic", CatchPanicLayer::new()));
    let (status, headers, body) = get(&app, "/api/panics").await;
    assert_eq!(status, StatusCode::INTERNAL_SERVER_ERROR);
    assert!(headers.contains_key("x-request-id") && body.contains("INTERNAL_ERROR") && !body.contains("secret"));
    assert_eq!(get(&app, "/api/hello").await.0, StatusCode::OK);
}

#[tokio::test(start_paused = true)]
async fn a_layer_that_does_not_wait_answers_by_itself() {
    let layer = TimeoutLayer::with_status_code(StatusCode::REQUEST_TIMEOUT, Duration::from_millis(10));
    let app = app(Tower::new("timeout", layer));
    assert_eq!(get(&app, "/api/hangs").await.0, StatusCode::REQUEST_TIMEOUT);
    assert_eq!(get(&app, "/api/hello").await.0, StatusCode::OK);
}

#[tokio::test]
async fn a_layer_that_answers_by_itself_lets_nothing_in() {
    let layer = tower::layer::layer_fn(|_: Inside| {
        service_fn(|_: Request| ready(Ok::<_, Infallible>(Response::new(Body::from("by the layer")))))
    });
    let (status, _, body) = get(&app(Tower::new("answers", layer)), "/api/panics").await;
    assert_eq!((status, body.as_str()), (StatusCode::OK, "by the layer"));
}

#[tokio::test]
async fn bodies_cross_if_the_layer_says_so() {
    let app = app(Tower::new("bodies", shouting()).with_body());
    let (status, _, body) = ask(&app, http::Request::post("/api/echo"), "abc").await;
    assert_eq!((status, body.as_str()), (StatusCode::OK, "ABC"));
    let (status, _, body) = get(&app, "/api/fails").await;
    assert!(status == StatusCode::NOT_FOUND && body.contains("No such thing"), "{body}");
}

#[tokio::test]
async fn a_compressing_layer_codes_answers_and_leaves_errors_readable() {
    let coded = async |app: &App, path: &str| {
        let request = http::Request::get(path).header("accept-encoding", "gzip");
        let (status, headers, body) = ask(app, request, "").await;
        (status.as_u16(), headers.get("content-encoding").cloned(), body)
    };
    let gzip = || Tower::new("gzip", CompressionLayer::new().compress_when(|_, _, _: &_, _: &_| true));
    let app_of = |gzip: Registration| app(gzip);
    let crossing = app_of(gzip().with_body().into());
    let (status, coding, body) = coded(&crossing, "/api/hello").await;
    assert!(status == 200 && coding.is_some_and(|coding| coding == "gzip") && !body.contains("hello"));
    for app in [crossing, app_of(gzip().into())] {
        let (status, coding, body) = coded(&app, "/api/fails").await;
        assert!(status == 404 && coding.is_none() && body.contains("No such thing"), "{status} {coding:?} {body}");
    }
    let (status, coding, body) = coded(&app_of(gzip().into()), "/api/hello").await;
    assert!(status == 500 && coding.is_none() && body.contains("INTERNAL_ERROR"), "{status} {coding:?} {body}");
}

#[tokio::test]
async fn a_body_that_did_not_cross_is_an_error_and_not_empty() {
    let reads = tower::layer::layer_fn(|inner: Inside| {
        service_fn(move |request: Request| {
            let mut inner = inner.clone();
            async move {
                let whole = request.into_body().collect().await?.to_bytes();
                let answer = inner.call(Request::new(Body::from(whole))).await;
                Ok::<_, neurolink_core::BoxError>(answer.unwrap_or_else(|never| match never {}))
            }
        })
    });
    let (status, ..) = ask(&app(Tower::new("reads", reads)), http::Request::post("/api/echo"), "abc").await;
    assert_eq!(status, StatusCode::INTERNAL_SERVER_ERROR);
}

/// Turns the letters of answers into capitals.
fn shouting() -> MapResponseLayer<impl Fn(Response) -> Response + Clone> {
    MapResponseLayer::new(|response: Response| {
        response.map(|body| Body::new(body.map_frame(|frame| frame.map_data(|data| data.to_ascii_uppercase().into()))))
    })
}

#[tokio::test]
async fn what_is_further_inside_runs_once() {
    let twice = tower::layer::layer_fn(|inner: Inside| {
        service_fn(move |request: Request| {
            let mut inner = inner.clone();
            async move {
                let again = Request::new(Body::empty());
                inner.call(request).await.expect("never fails");
                inner.call(again).await
            }
        })
    });
    let (status, _, body) = get(&app(Tower::new("twice", twice)), "/api/hello").await;
    assert!(status == StatusCode::INTERNAL_SERVER_ERROR && body.contains("INTERNAL_ERROR"), "{body}");
}

#[test]
fn a_layer_that_reads_bodies_asks_for_them() {
    let layer = || MapRequestLayer::new(|request: Request| request);
    assert_eq!(Tower::new("head", layer()).body(), neurolink_core::stack::BodyAccess::None);
    assert_eq!(Tower::new("body", layer()).with_body().body(), neurolink_core::stack::BodyAccess::Both);
}

#[tokio::test]
async fn a_compiled_stack_is_a_tower_layer() {
    let stack = Stack::builder().with(Auth).build().expect("valid");
    let protected = stack.protect(Settings::default()).expect("valid");
    let host = service_fn(async |request: Request| match request.uri().path() {
        "/fails" => Err(std::io::Error::other("secret")),
        _ => Ok(http::Response::new(http_body_util::Full::new(bytes::Bytes::from("mine")))),
    });
    let answer = async |path: &str, user: Option<&str>| {
        let mut request = http::Request::get(path).header("host", "localhost");
        if let Some(user) = user {
            request = request.header("authorization", user);
        }
        let request = request.body(http_body_util::Empty::<bytes::Bytes>::new()).expect("a request");
        let answer = protected.layer(host).oneshot(request).await.expect("an answer");
        let status = answer.status().as_u16();
        let body = answer.into_body().collect().await.expect("a body").to_bytes();
        (status, String::from_utf8_lossy(&body).into_owned())
    };
    assert_eq!(answer("/x", None).await.0, 401);
    assert_eq!(answer("/x", Some("u1")).await, (200, "mine".to_owned()));
    let (status, body) = answer("/fails", Some("u1")).await;
    assert!(status == 500 && body.contains("INTERNAL_ERROR") && !body.contains("secret"), "{body}");
}
