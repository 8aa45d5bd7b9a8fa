//! The app as a whole, without a socket.

use std::sync::Arc;

use http::{HeaderValue, Method, header};
use neurolink_core::app::ConnInfo;
use neurolink_core::engine::{EventStream, StreamEvent};
use neurolink_core::server::{Phase, Shutdown};
use neurolink_core::{Body, Context, Error, Json, Path, Query, Reply, Route, State};
use serde_json::{Value, json};

use crate::support::{app, get, send, to};

#[tokio::test]
async fn data_has_its_envelope() {
    let app = app().route(Route::get("/api/x", async || Json(json!({"a": 1})))).build().expect("valid");
    let answer = get(&app, "/api/x").await;
    assert_eq!(answer.status, 200);
    assert_eq!(answer.json()["data"], json!({"a": 1}));
    let id = answer.json()["metadata"]["requestId"].as_str().expect("an id").to_owned();
    assert_eq!(answer.headers["x-request-id"], id.as_str());
}

#[tokio::test]
async fn arguments_are_taken_from_the_request() {
    #[derive(serde::Deserialize)]
    struct Page {
        limit: u8,
    }
    async fn handler(
        Path(name): Path<String>,
        Query(page): Query<Page>,
        State(greeting): State<Arc<str>>,
        Json(body): Json<Value>,
    ) -> Json<Value> {
        Json(json!([name, page.limit, &*greeting, body]))
    }
    let app =
        app().state::<Arc<str>>("hello".into()).route(Route::post("/api/x/{name}", handler)).build().expect("valid");
    let request =
        to("/api/x/a%2Fb%20c?limit=3&limit=7").method(Method::POST).header(header::CONTENT_TYPE, "application/json");
    let answer = send(&app, request, r#"{"k":"v"}"#).await;
    assert_eq!(answer.json()["data"], json!(["a/b c", 7, "hello", {"k": "v"}]));
}

#[tokio::test]
async fn a_handler_may_take_the_context_itself() {
    async fn handler(ctx: &mut Context) -> Result<String, Error> {
        let body = ctx.read_body().await?;
        Ok(format!("{} {} {}", ctx.path(), ctx.matched().unwrap_or_default(), body.len()))
    }
    let app = app().route(Route::put("/api/x/{id}", handler)).build().expect("valid");
    let answer = send(&app, to("/api/x/1").method("PUT"), "abc").await;
    assert_eq!(answer.json()["data"], "/api/x/1 /api/x/{id} 3");
}

#[tokio::test]
async fn methods_follow_the_route_table() {
    let app = app()
        .route(Route::get("/api/x", async || "get"))
        .route(Route::delete("/api/x", async || "delete"))
        .build()
        .expect("valid");
    let of = async |method: &str| send(&app, to("/api/x").method(method), Body::empty()).await;
    let full = of("GET").await;
    let head = of("HEAD").await;
    assert_eq!((head.status, head.body.as_str()), (200, ""));
    assert_eq!(head.headers["content-length"], full.body.len().to_string().as_str());
    for method in ["POST", "PATCH", "FOO"] {
        let answer = of(method).await;
        assert_eq!((answer.status, answer.code().as_str()), (405, "METHOD_NOT_ALLOWED"), "{method}");
        assert_eq!(answer.headers["allow"], "GET, HEAD, DELETE, OPTIONS");
    }
    let options = of("OPTIONS").await;
    assert_eq!((options.status, options.body.as_str()), (204, ""));
    assert_eq!(options.headers["allow"], "GET, HEAD, DELETE, OPTIONS");
    assert_eq!(get(&app, "/api/nope").await.code(), "NOT_FOUND");
}

#[tokio::test]
async fn a_stream_is_server_sent_events_with_the_response_headers() {
    let handler = async || {
        let events: EventStream = Box::pin(futures_util::stream::iter([Ok(StreamEvent::text("a"))]));
        Reply::events(events)
    };
    let app = app().route(Route::post("/api/s", handler)).build().expect("valid");
    let answer = send(&app, to("/api/s").method("POST"), Body::empty()).await;
    assert_eq!(answer.headers["content-type"], "text/event-stream");
    assert!(answer.headers.contains_key("x-request-id"));
    assert!(answer.body.starts_with("data: {\"type\":\"text\"") && answer.body.ends_with("data: [DONE]\n\n"));
}

#[tokio::test]
async fn problem_json_is_sent_when_accept_names_it() {
    let app = app().route(Route::get("/api/x", async || "x")).build().expect("valid");
    let request = to("/api/nope").header(header::ACCEPT, "application/json, application/problem+json;q=0.5");
    let answer = send(&app, request, Body::empty()).await;
    assert_eq!(answer.headers["content-type"], "application/problem+json");
    assert_eq!(answer.json()["status"], 404);
}

#[tokio::test]
async fn data_that_looks_like_an_error_stays_data() {
    let handler = async || Json(json!({"error": {"code": "X", "message": "y"}}));
    let app = app().route(Route::get("/api/x", handler)).build().expect("valid");
    let answer = get(&app, "/api/x").await;
    assert_eq!((answer.status, &answer.json()["data"]["error"]["code"]), (200, &json!("X")));
}

// Shows V63, O-D24.
#[tokio::test]
async fn a_draining_app_closes_connections_and_then_refuses_all_but_probes() {
    let (handle, shutdown) = Shutdown::new();
    let app = app()
        .route(Route::get("/api/x", async || "x"))
        .route(Route::get("/api/live", async || "x").probe())
        .build()
        .expect("valid")
        .with_shutdown(shutdown);
    assert!(!get(&app, "/api/x").await.headers.contains_key("connection"));
    handle.advance(Phase::Draining);
    let answer = get(&app, "/api/x").await;
    assert_eq!((answer.status, &answer.headers["connection"]), (200, &HeaderValue::from_static("close")));
    handle.advance(Phase::Refusing);
    assert_eq!(get(&app, "/api/x").await.code(), "DRAINING");
    assert_eq!(get(&app, "/api/live").await.status, 200);
}

#[tokio::test]
async fn a_request_that_is_not_ours_comes_back_untouched() {
    let app = app().route(Route::get("/api/x", async || "x")).build().expect("valid");
    let request = |path: &str| {
        http::Request::builder().uri(path).header("host", "localhost").body(Body::from("body")).expect("a request")
    };
    let back = app.try_handle(request("/other"), ConnInfo::default()).await.expect_err("not ours");
    assert_eq!(back.uri().path(), "/other");
    assert_eq!(back.into_body().into_full().expect("whole"), "body");
    assert!(app.try_handle(request("/apix"), ConnInfo::default()).await.is_err());
    for ours in ["/api", "/api/x", "/api/nope", "/%61pi/x", "/api/%zz"] {
        assert!(app.try_handle(request(ours), ConnInfo::default()).await.is_ok(), "{ours}");
    }
}
