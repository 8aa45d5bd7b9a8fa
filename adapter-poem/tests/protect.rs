//! The stack around native routes of poem.

#[path = "../../conformance-tests/kit/native.rs"]
mod native;

use bytes::Bytes;
use http::{HeaderMap, Request, Response};
use native::{facts, paths};
use neurolink_core::middleware::RateLimitState;
use neurolink_core::{AuthenticatedUser, ClientAddress, Inserted, RequestId, Settings, Stack};
use neurolink_poem::{Fact, middleware, middleware_with};
use poem::{Body, Endpoint, EndpointExt as _, Route, get, handler, post};
use tokio_util::sync::CancellationToken;

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

#[handler]
fn limit(Fact(state): Fact<RateLimitState>) -> String {
    state.remaining.to_string()
}

#[handler]
fn tenant(Fact(Inserted(tenant)): Fact<Inserted<facts::Tenant>>) -> &'static str {
    tenant.0
}

#[handler]
async fn hang(Fact(token): Fact<CancellationToken>) -> String {
    facts::hang(token).await
}

#[handler]
fn client(Fact(ClientAddress(address)): Fact<ClientAddress>) -> String {
    address.to_string()
}

#[handler]
fn open() -> &'static str {
    "open"
}

#[handler]
fn reach() -> &'static str {
    paths::reach()
}

fn team() -> Route {
    Route::new().at("/secret", get(reach)).at("/by/:id", get(reach)).at("/all/*rest", get(reach)).at("/open", get(open))
}

fn routes() -> Route {
    alone().nest("/team", team())
}

fn alone() -> Route {
    Route::new()
        .at("/limit", get(limit))
        .at("/tenant", get(tenant))
        .at("/hang", get(hang))
        .at("/open", get(open))
        .at("/open/*rest", get(open))
        .at("/admin/panel", get(reach))
        .at("/users/:id", get(reach))
        .at("/files/*rest", get(reach))
        .at("/me", get(me))
        .at("/public", get(public))
        .at("/id", get(id))
        .at("/maybe", get(public))
        .at("/client", get(client))
        .at("/seen", get(seen))
        .at("/echo", post(echo))
        .at("/panic", get(panic))
}

struct Poem;

impl native::Native for Poem {
    async fn ask_with(
        &self,
        stack: Option<Stack>,
        settings: Settings,
        request: Request<&'static str>,
    ) -> Response<Bytes> {
        match stack {
            Some(stack) => answer(routes().with(middleware_with(stack, settings).expect("valid")), request).await,
            None => answer(routes(), request).await,
        }
    }

    async fn ask_team(&self, stack: Stack, request: Request<&'static str>) -> Response<Bytes> {
        answer(alone().nest("/team", team().with(middleware(stack).expect("valid"))), request).await
    }
}

async fn answer(routes: impl Endpoint, request: Request<&'static str>) -> Response<Bytes> {
    let (parts, body) = request.into_parts();
    let mut request = poem::Request::builder().method(parts.method).uri(parts.uri).body(Body::from(body));
    *request.headers_mut() = parts.headers;
    let (parts, body) = http::Response::from(routes.get_response(request).await).into_parts();
    let body = Body::from(body).into_bytes().await.expect("a body");
    Response::from_parts(parts, body)
}

native::native_tests!(Poem);
