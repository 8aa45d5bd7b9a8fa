//! The onion around a host's own routes, without a framework.

use std::sync::Arc;

use http::{HeaderValue, StatusCode, header};
use neurolink_core::app::{ConnInfo, Facts};
use neurolink_core::stack::IntoRegistration as _;
use neurolink_core::{Body, Code, Context, Error, Next, Request, Response, Settings, Stack, from_fn, from_fn_with};

use crate::support::{Auth, Mark, mistakes};

/// What the host answers: the user that the onion found, and the body untouched.
async fn native(request: Request) -> Response {
    let facts = request.extensions().get::<Arc<Facts>>().cloned();
    let user = facts.and_then(|facts| facts.user.as_ref().map(|user| user.id.clone())).unwrap_or_default();
    let mut response = Response::new(Body::unavailable());
    response.headers_mut().insert("x-user", HeaderValue::from_str(&user).expect("a header value"));
    response
}

async fn send(stack: Stack, path: &str, user: Option<&str>) -> Response {
    let protected = stack.protect(Settings::default()).expect("valid");
    let mut request = http::Request::builder().uri(path).header(header::HOST, "localhost");
    if let Some(user) = user {
        request = request.header(header::AUTHORIZATION, user);
    }
    let request = request.body(Body::unavailable()).expect("a request");
    protected.wrap(request, ConnInfo::default(), native).await
}

fn stack() -> Stack {
    Stack::builder().with(Auth).with(Mark.only(["/admin"])).public(["/login"]).build().expect("valid")
}

#[tokio::test]
async fn every_path_needs_a_user_except_the_public_ones() {
    for (path, user, status) in [
        ("/any", None, 401),
        ("/any", Some("u1"), 200),
        ("/login", None, 200),
        ("/login/", None, 401),
        ("/loginx", None, 401),
    ] {
        assert_eq!(send(stack(), path, user).await.status().as_u16(), status, "{path} {user:?}");
    }
    assert_eq!(send(stack(), "/any", Some("u1")).await.headers()["x-user"], "u1");
}

#[tokio::test]
async fn spellings_that_a_router_may_read_otherwise_do_not_pass() {
    for path in ["/%6cogin", "/%61dmin", "//admin", "/login/%2e%2e/admin", "/caf%c3%a9"] {
        let response = send(stack(), path, Some("u1")).await;
        assert_eq!(response.status().as_u16(), 400, "{path}");
    }
}

#[tokio::test]
async fn a_scope_covers_a_native_path_with_and_without_its_last_slash() {
    for (path, marked) in [("/admin", true), ("/admin/", true), ("/admins", false), ("/admin/x", false)] {
        let response = send(stack(), path, Some("u1")).await;
        assert_eq!(response.headers().contains_key("x-mark"), marked, "{path}");
    }
}

#[tokio::test]
async fn a_middleware_that_reads_a_body_without_having_asked_fails_and_sees_no_empty_body() {
    async fn greedy(ctx: &mut Context, next: Next<'_>) -> Result<Response, Error> {
        ctx.read_body().await?;
        Ok(next.run(ctx).await)
    }
    let stack = Stack::builder().with(from_fn("greedy", greedy).head_only()).build().expect("valid");
    let response = send(stack, "/x", None).await;
    assert_eq!(response.status(), Code::InternalError.status());
}

#[tokio::test]
async fn a_function_must_say_which_bodies_it_reads() {
    async fn passes(ctx: &mut Context, next: Next<'_>) -> Result<Response, Error> {
        Ok(next.run(ctx).await)
    }
    async fn knows(_: Arc<u8>, ctx: &mut Context, next: Next<'_>) -> Result<Response, Error> {
        Ok(next.run(ctx).await)
    }
    let stack = || Stack::builder().with(Mark).with(from_fn("said", passes).head_only());
    let silent = stack().with(from_fn("silent", passes)).with(from_fn_with("knowing", 1, knows).only(["/x"]));
    let found = mistakes(silent.build().expect("valid without a host").protect(Settings::default()));
    let fix = "add `.head_only()` or `.with_body()` to its `from_fn(..)`";
    let named =
        |name: &str| found.iter().any(|text| text.contains(&format!("middleware.{name}")) && text.contains(fix));
    assert!(found.len() == 2 && named("silent") && named("knowing"), "{found:?}");

    let said = stack().with(from_fn("silent", passes).with_body()).with(from_fn_with("knowing", 1, knows).head_only());
    let protected = said.build().expect("valid").protect(Settings::default()).expect("all is said");
    assert!(protected.reads_request() && protected.reads_response());
}

#[tokio::test]
async fn forwarding_headers_that_are_not_believed_are_hidden_from_the_host() {
    let mut settings = Settings::default();
    settings.trusted_proxies = vec!["10.0.0.0/8".into()];
    let protected = Stack::builder().build().expect("valid").protect(settings).expect("valid");
    for (peer, left, address) in [([10, 0, 0, 1], 1, [192, 0, 2, 1]), ([192, 0, 2, 9], 0, [192, 0, 2, 9])] {
        let request = http::Request::get("/x")
            .header("host", "api.example.com")
            .header("x-forwarded-for", "192.0.2.1")
            .header("x-real-ip", "192.0.2.2")
            .header("x-forwarded-port", "1");
        let request = request.body(Body::unavailable()).expect("a request");
        let answer = protected.wrap(request, ConnInfo::new(Some((peer, 1).into())), |request| async move {
            let facts = request.extensions().get::<Arc<Facts>>().expect("facts");
            assert!(facts.headers_changed, "a host with headers of its own has to take them over");
            assert_eq!(facts.client_address, Some(address.into()));
            assert_eq!(request.headers().len(), 1 + left, "{:?}", request.headers());
            Response::new(Body::empty())
        });
        assert_eq!(answer.await.status(), StatusCode::OK);
    }
}
