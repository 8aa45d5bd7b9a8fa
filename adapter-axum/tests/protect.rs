//! The stack around native routes of axum.

use axum::Router;
use axum::body::Body;
use axum::extract::Request;
use axum::routing::{get, post};
use http_body_util::BodyExt as _;
use neurolink_axum::{Fact, layer};
use neurolink_core::stack::{Kind, order};
use neurolink_core::{AuthenticatedUser, Context, Error, Middleware, Next, RequestId, Response, Stack};
use tower::ServiceExt as _;
use tower_layer::Layer as _;

/// Accepts `Authorization: <user>`.
struct Auth;

#[async_trait::async_trait]
impl Middleware for Auth {
    fn name(&self) -> &str {
        "auth"
    }

    fn order(&self) -> i16 {
        order::AUTH
    }

    fn kind(&self) -> Kind {
        Kind::Authenticator
    }

    async fn handle(&self, ctx: &mut Context, next: Next<'_>) -> Result<Response, Error> {
        if let Some(user) = ctx.headers().get("authorization").and_then(|user| user.to_str().ok()) {
            let user = AuthenticatedUser::new(user);
            ctx.authenticate(user)?;
        }
        Ok(next.run(ctx).await)
    }
}

async fn send(method: &str, path: &str, user: Option<&str>, body: &'static str) -> (u16, String, bool) {
    let router: Router = Router::new()
        .route("/me", get(|Fact(user): Fact<AuthenticatedUser>| async move { user.id }))
        .route("/id", get(|Fact(id): Fact<RequestId>| async move { id.to_string() }))
        .route(
            "/public",
            get(|Fact(user): Fact<Option<AuthenticatedUser>>| async move { format!("{}", user.is_some()) }),
        )
        .route("/echo", post(|body: String| async move { body }));
    let stack = Stack::builder().with(Auth).public(["/public"]).build().expect("valid");
    let service = layer(stack).expect("valid").layer(router.into_service::<Body>());
    let mut request = Request::builder().method(method).uri(path).header("host", "localhost");
    if let Some(user) = user {
        request = request.header("authorization", user);
    }
    let response = service.oneshot(request.body(Body::from(body)).expect("a request")).await.expect("an answer");
    let (parts, body) = response.into_parts();
    let body = body.collect().await.expect("a body").to_bytes();
    let id = parts.headers.contains_key("x-request-id");
    (parts.status.as_u16(), String::from_utf8_lossy(&body).into_owned(), id)
}

#[tokio::test]
async fn native_routes_are_protected_and_know_the_user() {
    assert_eq!(send("GET", "/me", None, "").await.0, 401);
    assert_eq!(send("GET", "/me", Some("u1"), "").await, (200, "u1".into(), true));
    assert_eq!(send("GET", "/public", None, "").await, (200, "false".into(), true));
    assert_eq!(send("GET", "/nope", None, "").await.0, 401);
    assert_eq!(send("GET", "/nope", Some("u1"), "").await, (404, String::new(), true));
}

#[tokio::test]
async fn other_spellings_do_not_reach_a_native_handler() {
    for path in ["/%6de", "//me", "/me/../me", "/me%00"] {
        assert_eq!(send("GET", path, Some("u1"), "").await.0, 400, "{path}");
    }
}

#[tokio::test]
async fn native_bodies_pass_untouched() {
    assert_eq!(send("POST", "/echo", Some("u1"), "hello").await.1, "hello");
}

#[tokio::test]
async fn a_fact_without_the_stack_is_a_500() {
    let router: Router = Router::new().route("/id", get(|Fact(id): Fact<RequestId>| async move { id.to_string() }));
    let response =
        router.oneshot(Request::get("/id").body(Body::empty()).expect("a request")).await.expect("an answer");
    assert_eq!(response.status(), 500);
}
