//! The stack around native routes of poem.

use neurolink_core::middleware::{BearerAuth, StaticToken};
use neurolink_core::{AuthenticatedUser, RequestId, Stack};
use neurolink_poem::{Fact, middleware};
use poem::{Body, Endpoint, EndpointExt as _, Request, Response, Route, get, handler, post};

const TOKEN: &str = "token-of-u1-0123456789";

#[handler]
fn me(Fact(user): Fact<AuthenticatedUser>) -> String {
    user.id
}

#[handler]
fn public(Fact(user): Fact<Option<AuthenticatedUser>>) -> String {
    user.is_some().to_string()
}

#[handler]
fn id(Fact(id): Fact<RequestId>) -> String {
    id.to_string()
}

#[handler]
fn echo(body: String) -> String {
    body
}

fn routes() -> Route {
    Route::new().at("/me", get(me)).at("/public", get(public)).at("/id", get(id)).at("/echo", post(echo))
}

async fn send(method: &str, path: &str, signed_in: bool, body: &'static str) -> (u16, String, bool) {
    let user = StaticToken::new(TOKEN, AuthenticatedUser::new("u1"));
    let auth = BearerAuth::tokens([user]).no_failure_limit();
    let stack = Stack::builder().with(auth).public(["/public"]).build().expect("valid");
    let protected = routes().with(middleware(stack).expect("valid"));
    let response = ask(&protected, method, path, signed_in, body).await;
    let (parts, body) = response.into_parts();
    let has_id = parts.headers.contains_key("x-request-id");
    (parts.status.as_u16(), body.into_string().await.expect("text"), has_id)
}

async fn ask(route: &impl Endpoint, method: &str, path: &str, signed_in: bool, body: &'static str) -> Response {
    let mut request = Request::builder().method(method.parse().expect("a method")).header("host", "localhost");
    request = request.uri(path.parse().expect("a target"));
    if signed_in {
        request = request.header("authorization", format!("Bearer {TOKEN}"));
    }
    route.get_response(request.body(Body::from(body))).await
}

#[tokio::test]
async fn native_routes_are_protected_and_know_the_user() {
    assert_eq!(send("GET", "/me", false, "").await.0, 401);
    assert_eq!(send("GET", "/me", true, "").await, (200, "u1".into(), true));
    assert_eq!(send("GET", "/public", false, "").await, (200, "false".into(), true));
    assert_eq!(send("GET", "/nope", false, "").await.0, 401);
    let missing = send("GET", "/nope", true, "").await;
    assert_eq!((missing.0, missing.2), (404, true));
}

#[tokio::test]
async fn other_spellings_do_not_reach_a_native_handler() {
    for path in ["/%6de", "//me", "/me/../me", "/me%00"] {
        assert_eq!(send("GET", path, true, "").await.0, 400, "{path}");
    }
}

#[tokio::test]
async fn native_bodies_pass_untouched() {
    assert_eq!(send("POST", "/echo", true, "hello").await.1, "hello");
}

#[tokio::test]
async fn a_fact_without_the_stack_is_a_500() {
    assert_eq!(ask(&routes(), "GET", "/id", false, "").await.status().as_u16(), 500);
}
