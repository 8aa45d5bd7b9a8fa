//! The onion as a `tower::Layer`, for hosts that speak tower.

use std::convert::Infallible;
use std::future::poll_fn;
use std::task::{Context, Poll};

use bytes::Bytes;
use http_body::Body as HttpBody;
use tower_layer::Layer;
use tower_service::Service;

use super::{ConnInfo, Protected, respond_error};
use crate::{Body, BoxError, BoxFuture, Error, Response};

/// A service with the onion around it; [`Protected`] as a layer makes it.
///
/// The connection is taken from the request's extensions ([`ConnInfo`]).
/// An error of the service is a 500, and is told to the log only.
#[derive(Clone, Debug)]
pub struct Protecting<S> {
    inner: S,
    protected: Protected,
}

impl<S> Layer<S> for Protected {
    type Service = Protecting<S>;

    fn layer(&self, inner: S) -> Protecting<S> {
        Protecting { inner, protected: self.clone() }
    }
}

impl<S, B, R> Service<http::Request<B>> for Protecting<S>
where
    S: Service<http::Request<Body>, Response = http::Response<R>> + Clone + Send + 'static,
    S::Error: Into<BoxError>,
    S::Future: Send,
    B: HttpBody<Data = Bytes> + Send + 'static,
    B::Error: Into<BoxError>,
    R: HttpBody<Data = Bytes> + Send + 'static,
    R::Error: Into<BoxError>,
{
    type Response = Response;
    type Error = Infallible;
    type Future = BoxFuture<'static, Result<Response, Infallible>>;

    /// Always ready: the service is asked once the onion has let the request in.
    fn poll_ready(&mut self, _cx: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: http::Request<B>) -> Self::Future {
        let Self { mut inner, protected } = self.clone();
        let conn = request.extensions().get::<ConnInfo>().copied().unwrap_or_default();
        Box::pin(async move {
            // Bodies of http are bodies of the core: they cross anyway.
            let answer = protected.wrap(request.map(Body::new), conn, |request| async move {
                let answer = async {
                    poll_fn(|cx| inner.poll_ready(cx)).await.map_err(Error::internal)?;
                    let response = inner.call(request).await.map_err(Error::internal)?;
                    Ok(response.map(Body::new))
                };
                answer.await.unwrap_or_else(respond_error)
            });
            Ok(answer.await)
        })
    }
}
