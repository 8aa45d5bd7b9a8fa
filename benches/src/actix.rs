//! actix-web: bare, with its usual crates, and with our stack around native routes.

use std::future::{Ready, ready};
use std::net::{IpAddr, Ipv4Addr, TcpListener};
use std::sync::Arc;

use actix_cors::Cors;
use actix_web::body::MessageBody;
use actix_web::dev::{Payload, ServiceRequest, ServiceResponse};
use actix_web::error::{ErrorTooManyRequests, ErrorUnauthorized};
use actix_web::http::header::{self, HeaderName, HeaderValue};
use actix_web::middleware::{DefaultHeaders, Next, from_fn};
use actix_web::web::{self, Data, ServiceConfig};
use actix_web::{App, Error, FromRequest, HttpRequest, HttpResponse, HttpServer};
use neurolink::actix::{on_connect, transform};
use serde_json::Value;

use crate::jobs::{Claims, HEADERS, Limit, ORIGIN, limit, verify};
use crate::work::{answer, events, health, item};
use crate::{Failure, ours};

fn routes(config: &mut ServiceConfig) {
    config
        .route("/api/health", web::get().to(async || HttpResponse::Ok().json(health())))
        .route("/api/item", web::get().to(async || HttpResponse::Ok().json(item())))
        .route(
            "/api/agent/execute",
            web::post().to(async |request: web::Json<Value>| HttpResponse::Ok().json(answer(&request))),
        )
        .route("/api/agent/stream", web::post().to(async |_: web::Json<Value>| streamed()));
}

fn streamed() -> HttpResponse {
    HttpResponse::Ok().content_type("text/event-stream").streaming(events())
}

pub(crate) fn bare(listener: TcpListener) -> Result<(), Failure> {
    let server = HttpServer::new(|| App::new().configure(routes)).workers(1).listen(listener)?.run();
    Ok(actix_web::rt::System::new().block_on(server)?)
}

pub(crate) fn native(listener: TcpListener) -> Result<(), Failure> {
    let around = transform(ours::stack()?)?;
    let server = HttpServer::new(move || App::new().configure(routes).wrap(around.clone()))
        .on_connect(on_connect)
        .workers(1)
        .listen(listener)?
        .run();
    Ok(actix_web::rt::System::new().block_on(server)?)
}

/// The caller of a handler with the usual extractor.
struct Caller(#[expect(dead_code, reason = "the handlers have no use for it")] Claims);

impl FromRequest for Caller {
    type Error = Error;
    type Future = Ready<Result<Self, Error>>;

    fn from_request(request: &HttpRequest, _payload: &mut Payload) -> Self::Future {
        let value = request.headers().get(header::AUTHORIZATION).and_then(|value| value.to_str().ok());
        ready(verify(value).map(Self).ok_or_else(|| ErrorUnauthorized("unauthorized")))
    }
}

async fn limited<B: MessageBody>(
    limit: Data<Limit>,
    request: ServiceRequest,
    next: Next<B>,
) -> Result<ServiceResponse<B>, Error> {
    let peer = request.peer_addr().map_or(IpAddr::V4(Ipv4Addr::UNSPECIFIED), |peer| peer.ip());
    if limit.check_key(&peer).is_err() {
        return Err(ErrorTooManyRequests("too many requests"));
    }
    next.call(request).await
}

async fn identified<B: MessageBody>(request: ServiceRequest, next: Next<B>) -> Result<ServiceResponse<B>, Error> {
    let id = uuid::Uuid::new_v4().to_string();
    let mut response = next.call(request).await?;
    if let Ok(value) = HeaderValue::try_from(id) {
        response.headers_mut().insert(HeaderName::from_static("x-request-id"), value);
    }
    Ok(response)
}

pub(crate) fn usual(listener: TcpListener) -> Result<(), Failure> {
    let limit = Data::from(Arc::new(limit()));
    let server = HttpServer::new(move || {
        let cors = Cors::default()
            .allowed_origin(ORIGIN)
            .allowed_methods(["GET", "POST"])
            .allowed_headers([header::AUTHORIZATION, header::CONTENT_TYPE]);
        let headers = HEADERS.into_iter().fold(DefaultHeaders::new(), DefaultHeaders::add);
        App::new()
            .app_data(limit.clone())
            .route("/api/health", web::get().to(async || HttpResponse::Ok().json(health())))
            .route("/api/item", web::get().to(async |_: Caller| HttpResponse::Ok().json(item())))
            .route(
                "/api/agent/execute",
                web::post().to(async |_: Caller, request: web::Json<Value>| HttpResponse::Ok().json(answer(&request))),
            )
            .route("/api/agent/stream", web::post().to(async |_: Caller, _: web::Json<Value>| streamed()))
            .wrap(from_fn(limited))
            .wrap(cors)
            .wrap(headers)
            .wrap(from_fn(identified))
    })
    .workers(1)
    .listen(listener)?
    .run();
    Ok(actix_web::rt::System::new().block_on(server)?)
}
