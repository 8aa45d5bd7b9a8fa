//! hyper alone: what nothing on top of it can go below.

use std::convert::Infallible;
use std::net::TcpListener;

use bytes::Bytes;
use futures_util::StreamExt as _;
use http::{Method, Request, Response, StatusCode, header};
use http_body_util::combinators::BoxBody;
use http_body_util::{BodyExt as _, Full, StreamBody};
use hyper::body::{Frame, Incoming};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};

use crate::work::{answer, events, health, item};
use crate::{Failure, runtime};

pub(crate) fn raw(listener: TcpListener) -> Result<(), Failure> {
    runtime()?.block_on(async move {
        let listener = tokio::net::TcpListener::from_std(listener)?;
        loop {
            let (stream, _) = listener.accept().await?;
            stream.set_nodelay(true)?;
            tokio::spawn(async move {
                let connection = http1::Builder::new()
                    .timer(TokioTimer::new())
                    .serve_connection(TokioIo::new(stream), service_fn(handle));
                // A client that leaves ends the load, not the run.
                let _ = connection.await;
            });
        }
    })
}

async fn handle(request: Request<Incoming>) -> Result<Response<BoxBody<Bytes, Infallible>>, hyper::Error> {
    let json = |value: &serde_json::Value| {
        let body = Full::new(Bytes::from(value.to_string())).boxed();
        typed("application/json", body)
    };
    let (parts, body) = request.into_parts();
    Ok(match (&parts.method, parts.uri.path()) {
        (&Method::GET, "/api/health") => json(&health()),
        (&Method::GET, "/api/item") => json(&item()),
        (&Method::POST, path) => {
            let Ok(value) = serde_json::from_slice(&body.collect().await?.to_bytes()) else {
                return Ok(status(StatusCode::BAD_REQUEST));
            };
            match path {
                "/api/agent/execute" => json(&answer(&value)),
                "/api/agent/stream" => typed(
                    "text/event-stream",
                    BoxBody::new(StreamBody::new(events().map(|event| event.map(Frame::data)))),
                ),
                _ => status(StatusCode::NOT_FOUND),
            }
        }
        _ => status(StatusCode::NOT_FOUND),
    })
}

fn typed(media: &'static str, body: BoxBody<Bytes, Infallible>) -> Response<BoxBody<Bytes, Infallible>> {
    let mut response = Response::new(body);
    response.headers_mut().insert(header::CONTENT_TYPE, http::HeaderValue::from_static(media));
    response
}

fn status(status: StatusCode) -> Response<BoxBody<Bytes, Infallible>> {
    let mut response = Response::new(Full::new(Bytes::new()).boxed());
    *response.status_mut() = status;
    response
}
