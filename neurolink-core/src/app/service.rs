//! The app as a `tower::Service`: an output format, for hosts that speak tower.

use std::convert::Infallible;
use std::task::{Context, Poll};

use bytes::Bytes;
use futures_util::FutureExt as _;

use super::{App, ConnInfo};
use crate::{Body, BoxError, BoxFuture, Response};

/// Reads its connection facts ([`ConnInfo`]) from the request's extensions.
impl<B> tower_service::Service<http::Request<B>> for App
where
    B: http_body::Body<Data = Bytes> + Send + 'static,
    B::Error: Into<BoxError>,
{
    type Response = Response;
    type Error = Infallible;
    type Future = BoxFuture<'static, Result<Response, Infallible>>;

    fn poll_ready(&mut self, _cx: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: http::Request<B>) -> Self::Future {
        let conn = request.extensions().get::<ConnInfo>().copied().unwrap_or_default();
        Box::pin(self.handle(request.map(Body::new), conn).map(Ok))
    }
}
