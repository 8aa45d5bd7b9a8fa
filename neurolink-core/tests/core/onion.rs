//! What a middleware sees and may do, and that nothing of a request stays.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use http::{HeaderValue, Method};
use http_body_util::BodyExt as _;
use neurolink_core::app::ConnInfo;
use neurolink_core::stack::IntoRegistration as _;
use neurolink_core::{App, Body, Context, Error, Hook, Next, Request, Response, Route, RouteGroup, from_fn};

use crate::support::{Mark, Quiet};

async fn get(app: &App, path: &str, header: Option<(&str, &str)>) -> (u16, http::HeaderMap, String) {
    let mut request = http::Request::builder().method(Method::GET).uri(path).header("host", "localhost");
    if let Some((name, value)) = header {
        request = request.header(name, value);
    }
    let request: Request = request.body(Body::empty()).expect("a request");
    let peer = Some(([10, 0, 0, 1], 9).into());
    let (parts, body) = app.handle(request, ConnInfo::new(peer)).await.into_parts();
    let body = body.collect().await.expect("a body").to_bytes();
    (parts.status.as_u16(), parts.headers, String::from_utf8_lossy(&body).into_owned())
}

// Shows V33, O-D15.
#[tokio::test]
async fn a_middleware_that_does_not_call_next_answers_and_nothing_behind_it_runs() {
    async fn answer(_: &mut Context, _: Next<'_>) -> Result<Response, Error> {
        let mut response = Response::new(Body::from("mine"));
        *response.status_mut() = http::StatusCode::IM_A_TEAPOT;
        Ok(response)
    }
    let ran = Arc::new(AtomicUsize::new(0));
    let counted = Arc::clone(&ran);
    let app = App::builder(Quiet)
        .middleware(from_fn("answer", answer))
        .route(Route::get("/api/x", move || {
            counted.fetch_add(1, Ordering::SeqCst);
            async { "handler" }
        }))
        .build()
        .expect("valid");
    let (status, _, body) = get(&app, "/api/x", None).await;
    assert_eq!((status, body.as_str()), (418, "mine"));
    assert_eq!(ran.load(Ordering::SeqCst), 0);
}

// Shows V38.
#[tokio::test]
async fn a_scoped_middleware_sees_the_whole_canonical_path() {
    async fn note(ctx: &mut Context, next: Next<'_>) -> Result<Response, Error> {
        let seen = HeaderValue::from_str(ctx.path()).expect("a plain path");
        let mut response = next.run(ctx).await;
        response.headers_mut().insert("x-seen", seen);
        Ok(response)
    }
    let app = App::builder(Quiet)
        .middleware(from_fn("note", note).only(["/api/admin/*"]).except(["/api/admin/login"]))
        .route(Route::get("/api/admin/users", async || "u"))
        .route(Route::get("/api/admin/login", async || "l"))
        .build()
        .expect("valid");
    let (_, headers, _) = get(&app, "/api/%61dmin/users", None).await;
    assert_eq!(headers["x-seen"], "/api/admin/users");
    assert!(!get(&app, "/api/admin/login", None).await.1.contains_key("x-seen"));
}

// Shows V40, O-D11.
#[tokio::test]
async fn the_middleware_of_a_group_covers_its_routes_and_no_others() {
    let app = App::builder(Quiet)
        .group(RouteGroup::new("/api/grp").route(Route::get("/one", async || "1")).middleware(Mark))
        .route(Route::get("/api/grpx", async || "x"))
        .build()
        .expect("valid");
    for (path, marked) in [("/api/grp/one", true), ("/api/g%72p/one", true), ("/api/grpx", false)] {
        let (status, headers, _) = get(&app, path, None).await;
        assert_eq!((status, headers.contains_key("x-mark")), (200, marked), "{path}");
    }
}

// Shows O-D3.
#[tokio::test]
async fn what_a_request_holds_is_dropped_with_it() {
    #[derive(Clone)]
    struct Held(#[expect(dead_code, reason = "counted, never read")] Arc<()>);
    struct Hold(Arc<()>);
    impl Hook for Hold {
        fn name(&self) -> &str {
            "hold"
        }
        fn before(&self, ctx: &mut Context) -> Option<Response> {
            ctx.insert(Held(Arc::clone(&self.0)));
            None
        }
    }
    let held = Arc::new(());
    let app = App::builder(Quiet)
        .middleware(Hold(Arc::clone(&held)))
        .route(Route::get("/api/x", async || "x"))
        .build()
        .expect("valid");
    let before = Arc::strong_count(&held);
    for n in 0..50 {
        let id = format!("id-{}", n % 2);
        get(&app, if n % 3 == 0 { "/api/nope" } else { "/api/x" }, Some(("x-request-id", &id))).await;
    }
    assert_eq!(Arc::strong_count(&held), before);
}

// Shows S2-43.
#[tokio::test]
async fn only_a_trusted_proxy_names_the_request_and_only_well() {
    let app = |trusted: &[&str]| {
        let trusted: Vec<_> = trusted.iter().map(ToString::to_string).collect();
        let builder = App::builder(Quiet).configure(|settings| settings.trusted_proxies = trusted);
        builder.route(Route::get("/api/x", async || "x")).build().expect("valid")
    };
    let id = async |app: &App, sent: &str| {
        let (_, headers, _) = get(app, "/api/x", Some(("x-request-id", sent))).await;
        headers["x-request-id"].to_str().expect("text").to_owned()
    };
    assert_eq!(id(&app(&["10.0.0.0/8"]), "proxy-1").await, "proxy-1");
    let long = "x".repeat(129);
    for bad in ["a b", "a\"b", long.as_str()] {
        assert_ne!(id(&app(&["10.0.0.0/8"]), bad).await, bad);
    }
    assert_ne!(id(&app(&[]), "client-1").await, "client-1");
}
