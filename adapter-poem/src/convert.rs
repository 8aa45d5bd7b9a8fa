//! Requests and responses between poem and the core.

use std::io;

use bytes::Bytes;
use http::Uri;
use http_body_util::BodyExt as _;
use http_body_util::combinators::BoxBody;
use neurolink_core::app::Scheme;
use neurolink_core::{Body, BoxError, ConnInfo, Request, Response};

/// What poem says of the connection: the socket's ends, never what a header claims.
pub(crate) fn connection(request: &poem::Request) -> ConnInfo {
    // Our own server knows more of it than poem has words for.
    if let Some(conn) = request.extensions().get() {
        return *conn;
    }
    let peer = request.remote_addr().as_socket_addr().copied();
    let local = request.local_addr().as_socket_addr().copied();
    let https = *request.scheme() == http::uri::Scheme::HTTPS;
    let scheme = if https { Scheme::Https } else { Scheme::Http };
    ConnInfo::new(peer).with_local(local).with_scheme(scheme)
}

/// The request as it came: a route that nests this one may have cut a prefix off.
pub(crate) fn request(mut from: poem::Request) -> Request {
    let body = BoxBody::from(from.take_body());
    let mut request = Request::new(Body::new(body));
    *request.method_mut() = from.method().clone();
    *request.uri_mut() = target(&from).clone();
    *request.version_mut() = from.version();
    *request.headers_mut() = std::mem::take(from.headers_mut());
    *request.extensions_mut() = std::mem::take(from.extensions_mut());
    request
}

/// The target as it came; a request that no server of poem's has read does not know its own (`/`).
fn target(from: &poem::Request) -> &Uri {
    if *from.original_uri() == Uri::default() { from.uri() } else { from.original_uri() }
}

/// The head as it came, beside a body of its own; the request itself stays poem's.
pub(crate) fn head<B>(from: &poem::Request, body: B) -> http::Request<B> {
    let mut head = http::Request::new(body);
    *head.method_mut() = from.method().clone();
    *head.uri_mut() = target(from).clone();
    *head.version_mut() = from.version();
    *head.headers_mut() = from.headers().clone();
    head
}

/// The answer, with its length.
pub(crate) fn response(from: Response) -> poem::Response {
    assemble(from.map(boxed))
}

/// The answer, with its length, which poem's own conversion forgets.
pub(crate) fn assemble(from: http::Response<BoxBody<Bytes, io::Error>>) -> poem::Response {
    let (parts, body) = from.into_parts();
    let mut response = poem::Response::default();
    response.set_status(parts.status);
    *response.headers_mut() = parts.headers;
    *response.extensions_mut() = parts.extensions;
    response.set_body(body);
    response
}

/// A body of poem's, which keeps the length.
pub(crate) fn boxed<B>(body: B) -> BoxBody<Bytes, io::Error>
where
    B: http_body::Body<Data = Bytes, Error = BoxError> + Send + Sync + 'static,
{
    body.map_err(io::Error::other).boxed()
}
