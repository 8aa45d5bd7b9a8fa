//! The stack around native routes of poem.

#[path = "../../conformance-tests/kit/native.rs"]
mod native;

use bytes::Bytes;
use http::{HeaderMap, Request, Response};
use neurolink_core::{AuthenticatedUser, RequestId, Stack};
use neurolink_poem::{Fact, middleware};
use poem::{Body, Endpoint, EndpointExt as _, Route, get, handler, post};

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
fn seen(headers: &HeaderMap) -> Vec<u8> {
    headers["x-seen"].as_bytes().to_vec()
}

#[handler]
fn echo(body: String) -> String {
    body
}

#[handler]
fn panic() -> &'static str {
    panic!("secret")
}

fn routes() -> Route {
    Route::new()
        .at("/me", get(me))
        .at("/public", get(public))
        .at("/id", get(id))
        .at("/seen", get(seen))
        .at("/echo", post(echo))
        .at("/panic", get(panic))
}

struct Poem;

impl native::Native for Poem {
    async fn ask(&self, stack: Option<Stack>, request: Request<&'static str>) -> Response<Bytes> {
        let (parts, body) = request.into_parts();
        let mut request = poem::Request::builder().method(parts.method).uri(parts.uri).body(Body::from(body));
        *request.headers_mut() = parts.headers;
        let answer = match stack {
            Some(stack) => routes().with(middleware(stack).expect("valid")).get_response(request).await,
            None => routes().get_response(request).await,
        };
        let (parts, body) = http::Response::from(answer).into_parts();
        let body = Body::from(body).into_bytes().await.expect("a body");
        Response::from_parts(parts, body)
    }
}

native::native_tests!(Poem);
