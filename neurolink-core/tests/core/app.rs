//! The app as a whole, without a socket.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use http::{HeaderValue, Method, StatusCode, header};
use http_body_util::BodyExt as _;
use neurolink_core::app::ConnInfo;
use neurolink_core::engine::{Call, EventStream, StreamEvent};
use neurolink_core::server::{Phase, Shutdown};
use neurolink_core::stack::{IntoRegistration as _, order};
use neurolink_core::{
    App, AppBuilder, AuthenticatedUser, Body, Code, Context, Error, Hook, Json, Middleware, Next, Path, Query, Reply,
    Request, Response, Route, RouteGroup, State, from_fn,
};
use serde_json::{Value, json};

use crate::support::{Auth, Mark, Quiet};

fn app() -> AppBuilder {
    App::builder(Quiet)
}

struct Answer {
    status: StatusCode,
    headers: http::HeaderMap,
    body: String,
}

impl Answer {
    fn json(&self) -> Value {
        serde_json::from_str(&self.body).expect("JSON")
    }

    fn code(&self) -> String {
        self.json()["error"]["code"].as_str().unwrap_or_default().to_owned()
    }
}

async fn send(app: &App, request: http::request::Builder, body: impl Into<Body>) -> Answer {
    let mut request: Request = request.body(body.into()).expect("a request");
    request.headers_mut().entry(header::HOST).or_insert(HeaderValue::from_static("localhost"));
    let response = app.handle(request, ConnInfo::new(Some(([127, 0, 0, 1], 9).into()))).await;
    let (parts, body) = response.into_parts();
    let body = body.collect().await.expect("a body").to_bytes();
    Answer { status: parts.status, headers: parts.headers, body: String::from_utf8(body.to_vec()).expect("UTF-8") }
}

async fn get(app: &App, path: &str) -> Answer {
    send(app, Request::builder(path), Body::empty()).await
}

/// `http::Request::builder` with a path.
trait At {
    fn builder(path: &str) -> http::request::Builder;
}

impl At for Request {
    fn builder(path: &str) -> http::request::Builder {
        http::Request::builder().uri(path)
    }
}

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
    let request = Request::builder("/api/x/a%2Fb%20c?limit=3&limit=7")
        .method(Method::POST)
        .header(header::CONTENT_TYPE, "application/json");
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
    let answer = send(&app, Request::builder("/api/x/1").method("PUT"), "abc").await;
    assert_eq!(answer.json()["data"], "/api/x/1 /api/x/{id} 3");
}

#[tokio::test]
async fn methods_follow_the_route_table() {
    let app = app()
        .route(Route::get("/api/x", async || "get"))
        .route(Route::delete("/api/x", async || "delete"))
        .build()
        .expect("valid");
    let of = async |method: &str| send(&app, Request::builder("/api/x").method(method), Body::empty()).await;
    let full = of("GET").await;
    let head = of("HEAD").await;
    assert_eq!((head.status.as_u16(), head.body.as_str()), (200, ""));
    assert_eq!(head.headers["content-length"], full.body.len().to_string().as_str());
    for method in ["POST", "PATCH", "FOO"] {
        let answer = of(method).await;
        assert_eq!((answer.status.as_u16(), answer.code().as_str()), (405, "METHOD_NOT_ALLOWED"), "{method}");
        assert_eq!(answer.headers["allow"], "GET, HEAD, DELETE, OPTIONS");
    }
    let options = of("OPTIONS").await;
    assert_eq!((options.status.as_u16(), options.body.as_str()), (204, ""));
    assert_eq!(options.headers["allow"], "GET, HEAD, DELETE, OPTIONS");
    assert_eq!(get(&app, "/api/nope").await.code(), "NOT_FOUND");
}

#[tokio::test]
async fn only_the_canonical_path_counts() {
    let app = app()
        .route(Route::get("/api/admin", async || "admin"))
        .route(Route::get("/api/f/{*rest}", async |Path(rest): Path<String>| rest))
        .build()
        .expect("valid");
    assert_eq!(get(&app, "/api/%61dmin").await.status, 200);
    for other in ["/api/admin/", "//api/admin", "/API/admin", "/api//admin"] {
        assert_eq!(get(&app, other).await.status, 404, "{other}");
    }
    for bad in ["/api/%2e%2e/admin", "/api/admin%00", "/api/%zz", "/api/..%2fadmin", "/api/a%5cb"] {
        assert_eq!(get(&app, bad).await.code(), "BAD_REQUEST", "{bad}");
    }
    assert_eq!(get(&app, "/api/f/a/b%2Fc").await.json()["data"], "a/b/c");
}

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
    assert_eq!((answer.status.as_u16(), answer.code().as_str()), (500, "INTERNAL_ERROR"));
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

#[tokio::test]
async fn middleware_runs_by_order_as_an_onion_and_an_error_becomes_a_response_inside() {
    fn step(name: &'static str) -> impl Middleware {
        struct Step(&'static str);
        #[async_trait::async_trait]
        impl Middleware for Step {
            fn name(&self) -> &str {
                self.0
            }
            async fn handle(&self, ctx: &mut Context, next: Next<'_>) -> Result<Response, Error> {
                let mut response = next.run(ctx).await;
                response.headers_mut().append("x-out", HeaderValue::from_static(self.0));
                Ok(response)
            }
        }
        Step(name)
    }
    async fn refuse(_: &mut Context, _: Next<'_>) -> Result<Response, Error> {
        Err(Error::new(Code::Forbidden))
    }
    let app = app()
        .middleware(step("late").at(90))
        .middleware(step("early").at(1))
        .middleware(from_fn("refuse", refuse).only(["/api/no"]))
        .route(Route::get("/api/x", async || "x").middleware(step("own").at(200)))
        .route(Route::get("/api/no", async || "no"))
        .build()
        .expect("valid");
    let out = |answer: &Answer| {
        answer.headers.get_all("x-out").iter().map(|v| v.to_str().expect("text").to_owned()).collect::<Vec<_>>()
    };
    assert_eq!(out(&get(&app, "/api/x").await), ["own", "late", "early"]);
    let refused = get(&app, "/api/no").await;
    assert_eq!(refused.status, 403);
    assert_eq!(out(&refused), ["late", "early"]);
}

#[tokio::test]
async fn a_scope_covers_parameters_group_routes_and_unmatched_paths() {
    let app = app()
        .middleware(Mark.only(["/api/a/*"]))
        .route(Route::get("/api/{x}/one", async || "x"))
        .group(RouteGroup::new("/api/a").route(Route::get("/two", async || "x")).route(Route::get("/", async || "a")))
        .build()
        .expect("valid");
    for (path, expected) in [
        ("/api/a/one", true),
        ("/api/%61/one", true),
        ("/api/b/one", false),
        ("/api/ab/one", false),
        ("/api/a/two", true),
        ("/api/a", true),
        ("/api/a/nope", true),
        ("/api/b/nope", false),
    ] {
        assert_eq!(get(&app, path).await.headers.contains_key("x-mark"), expected, "{path}");
    }
}

#[tokio::test]
async fn once_an_authenticator_exists_a_route_needs_a_user_unless_it_says_otherwise() {
    let app = app()
        .middleware(Auth)
        .route(Route::get("/api/default", async |user: AuthenticatedUser| user.id))
        .route(
            Route::get("/api/public", async |user: Option<AuthenticatedUser>| {
                user.map_or("nobody".to_owned(), |u| u.id)
            })
            .public(),
        )
        .route(
            Route::get("/api/optional", async |user: Option<AuthenticatedUser>| {
                user.map_or("nobody".to_owned(), |u| u.id)
            })
            .optional_auth(),
        )
        .route(Route::get("/api/admin", async || "admin").roles(["admin"]))
        .build()
        .expect("valid");
    let of = async |path: &str, user: Option<&str>| {
        let mut request = Request::builder(path);
        if let Some(user) = user {
            request = request.header(header::AUTHORIZATION, user);
        }
        send(&app, request, Body::empty()).await
    };
    for (path, user, status) in [
        ("/api/default", None, 401),
        ("/api/default", Some("bad"), 401),
        ("/api/default", Some("u1"), 200),
        ("/api/public", None, 200),
        ("/api/public", Some("bad"), 200),
        ("/api/optional", None, 200),
        ("/api/optional", Some("bad"), 401),
        ("/api/optional", Some("u1"), 200),
        ("/api/admin", None, 401),
        ("/api/admin", Some("u1"), 403),
        ("/api/admin", Some("admin"), 200),
        ("/api/%61dmin", None, 401),
        ("/api/nope", None, 401),
        ("/api/nope", Some("u1"), 404),
    ] {
        assert_eq!(of(path, user).await.status.as_u16(), status, "{path} {user:?}");
    }
    let missing = of("/api/default", None).await;
    assert_eq!(
        (missing.code().as_str(), &missing.headers["www-authenticate"]),
        ("AUTH_REQUIRED", &HeaderValue::from_static("Test"))
    );
    let options = send(&app, Request::builder("/api/default").method("OPTIONS"), Body::empty()).await;
    assert_eq!(options.status, 401);
}

#[tokio::test]
async fn a_private_route_is_not_there_without_an_authenticator() {
    let route = || Route::get("/api/private", async || "x").private();
    assert_eq!(get(&app().route(route()).build().expect("valid"), "/api/private").await.status, 404);
    let app = app().middleware(Auth).route(route()).build().expect("valid");
    assert_eq!(get(&app, "/api/private").await.status, 401);
}

#[tokio::test]
async fn bodies_are_checked_in_order_and_for_every_method() {
    let app = app()
        .middleware(Auth)
        .route(Route::post("/api/json", async |Json(body): Json<Value>| Json(body)).body_limit(10))
        .route(Route::delete("/api/none", async || "x").body_limit(10))
        .build()
        .expect("valid");
    let of = async |method: &str, path: &str, user: bool, kind: Option<&str>, body: Body| {
        let mut request = Request::builder(path).method(method);
        if user {
            request = request.header(header::AUTHORIZATION, "u1");
        }
        if let Some(kind) = kind {
            request = request.header(header::CONTENT_TYPE, kind);
        }
        let answer = send(&app, request, body).await;
        (answer.status.as_u16(), answer.code())
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

#[tokio::test]
async fn heads_that_mean_two_things_are_refused() {
    let app = app().route(Route::get("/api/x", async || "x")).build().expect("valid");
    for name in ["authorization", "host", "origin", "content-type", "content-length", "x-api-key"] {
        let request = Request::builder("/api/x").header(name, "1").header(name, "1");
        assert_eq!(send(&app, request, Body::empty()).await.status, 400, "{name}");
    }
    for encodings in [&["gzip, chunked"][..], &["chunked, chunked"], &["chunked", "chunked"], &["identity", "chunked"]]
    {
        let mut request = Request::builder("/api/x");
        for encoding in encodings {
            request = request.header("transfer-encoding", *encoding);
        }
        let answer = send(&app, request, Body::empty()).await;
        assert_eq!(answer.status, 400, "{encodings:?}");
        assert_eq!(answer.headers["connection"], "close", "{encodings:?}");
    }
    let long = format!("/api/x?{}", "a".repeat(9000));
    assert_eq!(get(&app, &long).await.code(), "URI_TOO_LONG");
    let request = Request::builder("/api/x").header("x-big", "a".repeat(40_000));
    assert_eq!(send(&app, request, Body::empty()).await.code(), "HEADERS_TOO_LARGE");
}

#[tokio::test]
async fn unsafe_requests_from_other_sites_are_refused() {
    let app = app()
        .configure(|settings| settings.trusted_origins = vec!["https://friend.example".into()])
        .route(Route::post("/api/x", async || "x"))
        .build()
        .expect("valid");
    for (headers, status) in [
        (&[][..], 200),
        (&[("sec-fetch-site", "same-origin")], 200),
        (&[("sec-fetch-site", "none")], 200),
        (&[("sec-fetch-site", "cross-site")], 403),
        (&[("sec-fetch-site", "same-site")], 403),
        (&[("origin", "http://localhost")], 200),
        (&[("origin", "https://evil.example")], 403),
        (&[("origin", "null")], 403),
        (&[("origin", "https://friend.example"), ("sec-fetch-site", "cross-site")], 200),
    ] {
        let mut request = Request::builder("/api/x").method("POST");
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        assert_eq!(send(&app, request, Body::empty()).await.status.as_u16(), status, "{headers:?}");
    }
}

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
    assert_eq!((answer.status.as_u16(), answer.code().as_str()), (504, "TIMEOUT"));
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

#[tokio::test]
async fn a_stream_is_server_sent_events_with_the_response_headers() {
    let handler = async || {
        let events: EventStream = Box::pin(futures_util::stream::iter([Ok(StreamEvent::text("a"))]));
        Reply::events(events)
    };
    let app = app().route(Route::post("/api/s", handler)).build().expect("valid");
    let answer = send(&app, Request::builder("/api/s").method("POST"), Body::empty()).await;
    assert_eq!(answer.headers["content-type"], "text/event-stream");
    assert!(answer.headers.contains_key("x-request-id"));
    assert!(answer.body.starts_with("data: {\"type\":\"text\"") && answer.body.ends_with("data: [DONE]\n\n"));
}

#[tokio::test]
async fn problem_json_is_sent_when_accept_names_it() {
    let app = app().route(Route::get("/api/x", async || "x")).build().expect("valid");
    let request =
        Request::builder("/api/nope").header(header::ACCEPT, "application/json, application/problem+json;q=0.5");
    let answer = send(&app, request, Body::empty()).await;
    assert_eq!(answer.headers["content-type"], "application/problem+json");
    assert_eq!(answer.json()["status"], 404);
}

#[tokio::test]
async fn data_that_looks_like_an_error_stays_data() {
    let handler = async || Json(json!({"error": {"code": "X", "message": "y"}}));
    let app = app().route(Route::get("/api/x", handler)).build().expect("valid");
    let answer = get(&app, "/api/x").await;
    assert_eq!((answer.status.as_u16(), &answer.json()["data"]["error"]["code"]), (200, &json!("X")));
}

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
    assert_eq!((answer.status.as_u16(), &answer.headers["connection"]), (200, &HeaderValue::from_static("close")));
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
