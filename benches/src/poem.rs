//! poem: bare, with its usual middleware, and with our stack around native routes.

use std::net::{IpAddr, Ipv4Addr, TcpListener};
use std::pin::Pin;
use std::sync::Arc;

use bytes::Bytes;
use futures_util::{Stream, StreamExt as _};
use neurolink::poem::{Poem, middleware};
use poem::http::StatusCode;
use poem::http::header::AUTHORIZATION;
use poem::listener::TcpAcceptor;
use poem::middleware::{Cors, RequestId, SetHeader};
use poem::web::{Json, RemoteAddr};
use poem::{
    Body, Endpoint, EndpointExt as _, Error, FromRequest, IntoEndpoint, Request, RequestBody, Response, Result, Route,
    Server, get, handler, post,
};
use serde_json::Value;

use crate::jobs::{Claims, HEADERS, Limit, ORIGIN, limit, verify};
use crate::work::{answer, events, health, item};
use crate::{Failure, ours, runtime};

#[handler]
async fn get_health() -> Json<Value> {
    Json(health())
}

#[handler]
async fn get_item() -> Json<Value> {
    Json(item())
}

#[handler]
async fn execute(Json(request): Json<Value>) -> Json<Value> {
    Json(answer(&request))
}

#[handler]
async fn stream(Json(_): Json<Value>) -> Response {
    streamed()
}

fn streamed() -> Response {
    let bytes = events().map(|event| event.map_err(|never| match never {}));
    let bytes: Pin<Box<dyn Stream<Item = Result<Bytes, std::io::Error>> + Send>> = Box::pin(bytes);
    Response::builder().content_type("text/event-stream").body(Body::from_bytes_stream(bytes))
}

fn routes() -> Route {
    Route::new()
        .at("/api/health", get(get_health))
        .at("/api/item", get(get_item))
        .at("/api/agent/execute", post(execute))
        .at("/api/agent/stream", post(stream))
}

fn serve<E>(listener: TcpListener, routes: E) -> Result<(), Failure>
where
    E: IntoEndpoint,
    E::Endpoint: 'static,
{
    runtime()?.block_on(async move {
        Server::new_with_acceptor(TcpAcceptor::from_std(listener)?).run(routes).await?;
        Ok(())
    })
}

pub(crate) fn bare(listener: TcpListener) -> Result<(), Failure> {
    serve(listener, routes())
}

pub(crate) fn looped(listener: TcpListener) -> Result<(), Failure> {
    ours::looped(&Poem::new().host(|_| routes()), listener)
}

pub(crate) fn native(listener: TcpListener) -> Result<(), Failure> {
    let around = middleware(ours::stack()?)?;
    ours::looped(&Poem::new().host(move |_| routes().with(around.clone())), listener)
}

/// The caller of a handler with the usual extractor.
struct Caller(#[expect(dead_code, reason = "the handlers have no use for it")] Claims);

impl<'a> FromRequest<'a> for Caller {
    async fn from_request(request: &'a Request, _body: &mut RequestBody) -> Result<Self> {
        let value = request.headers().get(AUTHORIZATION).and_then(|value| value.to_str().ok());
        verify(value).map(Self).ok_or_else(|| Error::from_status(StatusCode::UNAUTHORIZED))
    }
}

#[handler]
async fn get_item_as(_: Caller) -> Json<Value> {
    Json(item())
}

#[handler]
async fn execute_as(_: Caller, Json(request): Json<Value>) -> Json<Value> {
    Json(answer(&request))
}

#[handler]
async fn stream_as(_: Caller, Json(_): Json<Value>) -> Response {
    streamed()
}

async fn limited(limit: Arc<Limit>, next: Arc<impl Endpoint>, request: Request) -> Result<Response> {
    let RemoteAddr(peer) = request.remote_addr();
    let peer = peer.as_socket_addr().map_or(IpAddr::V4(Ipv4Addr::UNSPECIFIED), std::net::SocketAddr::ip);
    if limit.check_key(&peer).is_err() {
        return Err(Error::from_status(StatusCode::TOO_MANY_REQUESTS));
    }
    Ok(next.get_response(request).await)
}

pub(crate) fn usual(listener: TcpListener) -> Result<(), Failure> {
    let limit = Arc::new(limit());
    let headers = HEADERS.into_iter().fold(SetHeader::new(), |all, (name, value)| all.overriding(name, value));
    let cors = Cors::new()
        .allow_origin(ORIGIN)
        .allow_methods(["GET", "POST"])
        .allow_headers(["authorization", "content-type"]);
    let routes = Route::new()
        .at("/api/health", get(get_health))
        .at("/api/item", get(get_item_as))
        .at("/api/agent/execute", post(execute_as))
        .at("/api/agent/stream", post(stream_as))
        .around(move |next, request| limited(Arc::clone(&limit), next, request))
        .with(cors)
        .with(headers)
        .with(RequestId::default());
    serve(listener, routes)
}
