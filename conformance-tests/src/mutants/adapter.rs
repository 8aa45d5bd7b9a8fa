//! The plain hyper adapter with a mutant's change around it.

use std::convert::Infallible;
use std::net::{Ipv4Addr, SocketAddr};
use std::task::{Context, Poll};

use futures_util::StreamExt as _;
use http::header;
use http::request::Parts;
use hyper::body::Incoming;
use neurolink_core::server::{Adapter, Listener, Phase, ServeError, Shutdown};
use neurolink_core::{App, Body, BoxError, BoxFuture, ConnInfo, Request, Response};
use neurolink_serve::{ServeConfig, serve};
use serde_json::Value;
use tower_service::Service;

use super::edit::text;
use super::mutant::{Change, End, Mutant};
use super::proxy;
use crate::hyper_adapter::Host;

/// The adapter of a mutant.
pub(super) struct Mutated(pub(super) &'static Mutant);

impl Adapter for Mutated {
    fn name(&self) -> &'static str {
        self.0.name
    }

    fn serve(&self, app: App, listener: Listener, shutdown: Shutdown) -> BoxFuture<'static, Result<(), ServeError>> {
        let mutant = self.0;
        let config = (mutant.serve)(ServeConfig::default());
        let real = shutdown;
        let (heard, shutdown) = match mutant.end {
            End::Deaf => {
                let (handle, own) = Shutdown::new();
                (Some(handle), own)
            }
            End::Orderly | End::Hasty => (None, real.clone()),
        };
        let serving = async move {
            let make = move |conn: ConnInfo| Mutation {
                host: Host::new(app.clone(), conn),
                exchange: mutant.exchange,
                peer: Peer(conn.peer.unwrap_or_else(|| SocketAddr::from((Ipv4Addr::UNSPECIFIED, 0)))),
            };
            let result = match mutant.bytes {
                None => serve(listener, config, shutdown, make).await.map_err(BoxError::from),
                Some(bytes) => match proxy::in_front_of(listener, bytes) {
                    Ok((inner, pump)) => tokio::select! {
                        result = serve(inner, config, shutdown, make) => result.map_err(BoxError::from),
                        error = pump => Err(BoxError::from(error)),
                    },
                    Err(error) => Err(error.into()),
                },
            };
            result.map_err(|error| ServeError::new(mutant.name, error))
        };
        Box::pin(async move {
            let Some(heard) = heard else {
                return tokio::select! {
                    result = serving => result,
                    () = real.reached(Phase::Draining), if mutant.end == End::Hasty => Ok(()),
                };
            };
            // A task of its own, which nobody can end.
            let serving = tokio::spawn(serving);
            for phase in [Phase::NotReady, Phase::Draining, Phase::Refusing, Phase::Ending] {
                real.reached(phase).await;
                heard.advance(phase);
            }
            serving.await.unwrap_or(Ok(()))
        })
    }
}

#[derive(Clone)]
struct Mutation {
    host: Host,
    exchange: Change,
    peer: Peer,
}

/// The other end of the connection, which a mutant finds in a request's extensions: each case has an address of its own.
#[derive(Clone, Copy, Debug)]
pub(super) struct Peer(pub(super) SocketAddr);

impl Peer {
    /// The other end of a request's connection.
    pub(super) fn of(extensions: &http::Extensions) -> SocketAddr {
        extensions.get().map_or_else(|| SocketAddr::from((Ipv4Addr::UNSPECIFIED, 0)), |Self(peer)| *peer)
    }
}

impl Service<http::Request<Incoming>> for Mutation {
    type Response = Response;
    type Error = Infallible;
    type Future = BoxFuture<'static, Result<Response, Infallible>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: http::Request<Incoming>) -> Self::Future {
        let Self { host, exchange, peer } = self.clone();
        let mut request = request.map(Body::new);
        request.extensions_mut().insert(peer);
        Box::pin(async move { Ok(answer(host, exchange, request).await) })
    }
}

async fn answer(host: Host, exchange: Change, mut request: Request) -> Response {
    match exchange {
        Change::Same => ask(host, request).await,
        Change::Request(change) => {
            change(&mut request);
            ask(host, request).await
        }
        Change::Body(change) => {
            let request = match small(request).await {
                Ok((parts, body)) => again(&parts, &change(&parts, body)),
                Err(large) => large,
            };
            ask(host, request).await
        }
        Change::Response(change) => {
            let (head, request) = head(request);
            let mut response = ask(host, request).await;
            change(&head, &mut response);
            response
        }
        Change::Json(change) => {
            let (head, request) = head(request);
            let mut response = ask(host, request).await;
            change_json(&mut response, |value| change(&head, value));
            response
        }
        Change::Events(change) => {
            let response = ask(host, request).await;
            if !response.body().is_stream() {
                return response;
            }
            response.map(|body| {
                Body::from_stream(body.map(move |piece| {
                    let text = piece.map(|bytes| String::from_utf8_lossy(&bytes).into_owned())?;
                    Ok::<_, BoxError>(bytes::Bytes::from(change(&text)))
                }))
            })
        }
        Change::Around(change) => change(host, request).await,
    }
}

/// What the reference answers.
pub(super) async fn ask(mut host: Host, request: Request) -> Response {
    host.call(request).await.unwrap_or_else(|never| match never {})
}

/// The head of a request, and the request.
pub(super) fn head(request: Request) -> (Parts, Request) {
    let (parts, body) = request.into_parts();
    (parts.clone(), Request::from_parts(parts, body))
}

/// The head of a request and its whole body; what is broken counts as its end.
pub(super) async fn whole(request: Request) -> (Parts, Vec<u8>) {
    let (parts, mut body) = request.into_parts();
    let mut bytes = Vec::new();
    while let Some(Ok(piece)) = body.next().await {
        bytes.extend_from_slice(&piece);
    }
    (parts, bytes)
}

/// The limit of the reference, in bytes.
const LIMIT: usize = 1024;

/// The head and the whole body of a request; what is over the limit is given back, and its end is not waited for.
pub(super) async fn small(request: Request) -> Result<(Parts, Vec<u8>), Request> {
    if text(request.headers(), "content-length").parse().is_ok_and(|length: usize| length > LIMIT) {
        return Err(request);
    }
    let (parts, mut body) = request.into_parts();
    let mut bytes = Vec::new();
    while let Some(Ok(piece)) = body.next().await {
        bytes.extend_from_slice(&piece);
        if bytes.len() > LIMIT {
            let read = futures_util::stream::once(async { Ok::<_, BoxError>(bytes.into()) });
            return Err(Request::from_parts(parts, Body::from_stream(read.chain(body))));
        }
    }
    Ok((parts, bytes))
}

/// A request with this head and body.
pub(super) fn again(parts: &Parts, body: &[u8]) -> Request {
    let mut request = Request::from_parts(parts.clone(), Body::from(body.to_vec()));
    if request.headers_mut().remove(header::CONTENT_LENGTH).is_some() {
        request.headers_mut().insert(header::CONTENT_LENGTH, body.len().into());
    }
    request
}

/// Changes an answer that is whole and JSON.
pub(super) fn change_json(response: &mut Response, change: impl FnOnce(&mut Value)) {
    let body = std::mem::take(response.body_mut());
    *response.body_mut() = match body.into_full() {
        Err(stream) => stream,
        Ok(bytes) => match serde_json::from_slice(&bytes) {
            Err(_) => bytes.into(),
            Ok(mut value) => {
                change(&mut value);
                response.headers_mut().remove(header::CONTENT_LENGTH);
                value.to_string().into()
            }
        },
    };
}
