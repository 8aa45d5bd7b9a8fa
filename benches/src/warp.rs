//! warp: bare, with its usual filters, and with our stack around native routes.

use std::net::{IpAddr, Ipv4Addr, SocketAddr, TcpListener};
use std::sync::Arc;

use neurolink::ConnInfo;
use neurolink::server::Shutdown;
use neurolink::warp::{Warp, protect};
use neurolink_serve::ServeConfig;
use serde_json::Value;
use tower::ServiceExt as _;
use warp::http::{HeaderMap, HeaderName, HeaderValue};
use warp::reply::{Json, Response};
use warp::{Filter, Rejection, Reply};

use crate::jobs::{Claims, HEADERS, ORIGIN, limit, verify};
use crate::work::{answer, events, health, item};
use crate::{Failure, ours, runtime};

fn health_route() -> impl Filter<Extract = (Json,), Error = Rejection> + Clone + Send + Sync + 'static {
    warp::get().and(warp::path!("api" / "health")).map(|| warp::reply::json(&health()))
}

fn routes() -> impl Filter<Extract = (impl Reply,), Error = Rejection> + Clone + Send + Sync + 'static {
    let item = warp::get().and(warp::path!("api" / "item")).map(|| warp::reply::json(&item()));
    let execute = warp::post()
        .and(warp::path!("api" / "agent" / "execute"))
        .and(warp::body::json())
        .map(|request: Value| warp::reply::json(&answer(&request)));
    let stream =
        warp::post().and(warp::path!("api" / "agent" / "stream")).and(warp::body::json()).map(|_: Value| streamed());
    health_route().or(item).or(execute).or(stream)
}

fn streamed() -> Response {
    warp::reply::with_header(warp::reply::stream(events()), "content-type", "text/event-stream").into_response()
}

fn serve<F, R>(listener: TcpListener, filter: F) -> Result<(), Failure>
where
    F: Filter<Extract = (R,)> + Clone + Send + Sync + 'static,
    F::Error: Into<Rejection>,
    R: Reply,
{
    runtime()?.block_on(async move {
        let listener = tokio::net::TcpListener::from_std(listener)?;
        warp::serve(filter).incoming(listener).run().await;
        Ok(())
    })
}

pub(crate) fn bare(listener: TcpListener) -> Result<(), Failure> {
    serve(listener, routes())
}

pub(crate) fn looped(listener: TcpListener) -> Result<(), Failure> {
    ours::looped(&Warp::new().host(|_| routes()), listener)
}

pub(crate) fn native(listener: TcpListener) -> Result<(), Failure> {
    let host = protect(ours::stack()?, routes())?;
    let (_stop, shutdown) = Shutdown::new();
    let service = move |conn: ConnInfo| {
        host.clone().map_request(move |mut request: http::Request<_>| {
            request.extensions_mut().insert(conn);
            request
        })
    };
    runtime()?.block_on(neurolink_serve::serve(listener, ServeConfig::default(), shutdown, service))?;
    Ok(())
}

#[derive(Debug)]
struct Refused;

impl warp::reject::Reject for Refused {}

/// The caller of a handler with the usual filter.
fn caller() -> impl Filter<Extract = (Claims,), Error = Rejection> + Clone {
    warp::header::optional("authorization")
        .and_then(async |value: Option<String>| verify(value.as_deref()).ok_or_else(|| warp::reject::custom(Refused)))
}

/// The usual limit; an own loop of warp's knows the peer.
fn limited() -> impl Filter<Extract = (), Error = Rejection> + Clone {
    let limit = Arc::new(limit());
    warp::filters::addr::remote()
        .and_then(move |peer: Option<SocketAddr>| {
            let limit = Arc::clone(&limit);
            async move {
                let peer = peer.map_or(IpAddr::V4(Ipv4Addr::UNSPECIFIED), |peer| peer.ip());
                limit.check_key(&peer).map_err(|_| warp::reject::custom(Refused))
            }
        })
        .untuple_one()
}

fn identified(reply: impl Reply) -> Response {
    let mut response = reply.into_response();
    if let Ok(value) = HeaderValue::try_from(uuid::Uuid::new_v4().to_string()) {
        response.headers_mut().insert(HeaderName::from_static("x-request-id"), value);
    }
    response
}

pub(crate) fn usual(listener: TcpListener) -> Result<(), Failure> {
    let item = warp::get()
        .and(warp::path!("api" / "item"))
        .and(limited())
        .and(caller())
        .map(|_: Claims| warp::reply::json(&item()));
    let execute = warp::post()
        .and(warp::path!("api" / "agent" / "execute"))
        .and(limited())
        .and(caller())
        .and(warp::body::json())
        .map(|_: Claims, request: Value| warp::reply::json(&answer(&request)));
    let stream = warp::post()
        .and(warp::path!("api" / "agent" / "stream"))
        .and(limited())
        .and(caller())
        .and(warp::body::json())
        .map(|_: Claims, _: Value| streamed());
    let cors = warp::cors()
        .allow_origin(ORIGIN)
        .allow_methods(["GET", "POST"])
        .allow_headers(["authorization", "content-type"])
        .build();
    let mut headers = HeaderMap::new();
    for (name, value) in HEADERS {
        headers.insert(HeaderName::from_static(name), HeaderValue::from_static(value));
    }
    let health = health_route().and(limited());
    let routes =
        health.or(item).or(execute).or(stream).with(cors).with(warp::reply::with::headers(headers)).map(identified);
    serve(listener, routes)
}
