//! http 0.2, which actix speaks, and http 1.

use std::io;
use std::pin::Pin;

use actix_web::body::{BodyStream, None as NoBody, SizedStream};
use actix_web::dev::Payload;
use actix_web::error::{ErrorBadRequest, ErrorInternalServerError};
use actix_web::http::{ConnectionType, StatusCode, Version as ActixVersion, header as actix_header};
use actix_web::{HttpRequest, HttpResponse};
use bytes::Bytes;
use futures_util::{Stream, TryStreamExt as _, stream};
use http::header::{CONNECTION, CONTENT_LENGTH};
use http::{HeaderName, HeaderValue, Method, Uri, Version};
use neurolink_core::app::Scheme;
use neurolink_core::http::Pump;
use neurolink_core::{Body, ConnInfo, Request, Response};

use crate::serve::Local;

/// What actix says of the connection: the socket's ends, never what a header claims.
pub(crate) fn connection(request: &HttpRequest) -> ConnInfo {
    let config = request.app_config();
    let local = request.conn_data::<Local>().map_or(config.local_addr(), |Local(local)| *local);
    let scheme = if config.secure() { Scheme::Https } else { Scheme::Http };
    ConnInfo::new(request.peer_addr()).with_local(Some(local)).with_scheme(scheme)
}

/// The head as it came: original target, every header line.
pub(crate) fn request(from: &HttpRequest, body: Body) -> Result<Request, actix_web::Error> {
    let mut request = Request::new(body);
    *request.method_mut() = Method::from_bytes(from.method().as_str().as_bytes()).map_err(ErrorBadRequest)?;
    *request.uri_mut() = Uri::from_maybe_shared(Bytes::from(from.uri().to_string())).map_err(ErrorBadRequest)?;
    *request.version_mut() = match from.version() {
        ActixVersion::HTTP_09 => Version::HTTP_09,
        ActixVersion::HTTP_10 => Version::HTTP_10,
        ActixVersion::HTTP_2 => Version::HTTP_2,
        _ => Version::HTTP_11,
    };
    let headers = request.headers_mut();
    headers.reserve(from.headers().len());
    for (name, value) in from.headers() {
        let name = HeaderName::from_bytes(name.as_str().as_bytes()).map_err(ErrorBadRequest)?;
        let value = HeaderValue::from_bytes(value.as_bytes()).map_err(ErrorBadRequest)?;
        headers.append(name, value);
    }
    Ok(request)
}

/// The length that the request's head declares.
///
/// A request of HTTP/1 that declares neither a length nor an encoding has no body (RFC 9112, section 6.3);
/// actix reads until the end of the connection if it asks for an upgrade.
pub(crate) fn declared_length(request: &HttpRequest) -> Option<u64> {
    let headers = request.headers();
    let silent =
        !headers.contains_key(actix_header::CONTENT_LENGTH) && !headers.contains_key(actix_header::TRANSFER_ENCODING);
    if silent && request.version() < actix_web::http::Version::HTTP_2 {
        return Some(0);
    }
    request.headers().get(actix_header::CONTENT_LENGTH)?.to_str().ok()?.parse().ok()
}

/// A body for the core, and what feeds it in the request's own task; a request without a body costs nothing.
pub(crate) fn body(payload: Payload, length: Option<u64>) -> (Body, Option<Pump<Payload>>) {
    if matches!(payload, Payload::None) || length == Some(0) {
        return (Body::empty(), None);
    }
    let (body, pump) = Body::pumped(payload, length);
    (body, Some(pump))
}

/// The answer; `pump` goes on feeding the request's body while the answer streams.
pub(crate) fn response(
    from: Response,
    request: &HttpRequest,
    pump: Option<Pump<Payload>>,
) -> Result<HttpResponse, actix_web::Error> {
    let (parts, body) = from.into_parts();
    let length = parts.headers.get(CONTENT_LENGTH);
    let length = length.and_then(|value| value.to_str().ok()?.parse().ok());
    let exact = http_body::Body::size_hint(&body).exact();
    let is_head = request.method().as_str() == Method::HEAD.as_str();
    let closes = parts.headers.get(CONNECTION).is_some_and(|value| value.as_bytes() == b"close");
    // What stays unread of a request is kept until the answer is out: of chunks that were dropped, actix would wait
    // for the end, however long that takes.
    let unread = closes && pump.is_some();
    let mut response =
        HttpResponse::new(StatusCode::from_u16(parts.status.as_u16()).map_err(ErrorInternalServerError)?);
    response = match (body.into_full(), length, exact) {
        // HEAD leaves the body out and keeps its length, if that is known.
        (Ok(_), Some(length), _) if is_head => {
            response.set_body(SizedStream::new(length, outgoing(Body::empty(), pump))).map_into_boxed_body()
        }
        (Ok(_), None, _) if is_head => response.set_body(NoBody::new()).map_into_boxed_body(),
        (Ok(bytes), ..) if unread => {
            let length = bytes.len() as u64;
            response.set_body(SizedStream::new(length, outgoing(bytes.into(), pump))).map_into_boxed_body()
        }
        (Ok(bytes), ..) => response.set_body(bytes).map_into_boxed_body(),
        (Err(body), _, Some(exact)) => {
            response.set_body(SizedStream::new(exact, outgoing(body, pump))).map_into_boxed_body()
        }
        (Err(body), _, None) => response.set_body(BodyStream::new(outgoing(body, pump))).map_into_boxed_body(),
    };
    if exact.is_none() && request.version() <= ActixVersion::HTTP_10 {
        // HTTP/1.0 knows no chunks: the end of the connection ends the body.
        response.head_mut().no_chunking(true);
        response.head_mut().set_connection_type(ConnectionType::Close);
    }
    // actix writes this line itself.
    if closes {
        response.head_mut().set_connection_type(ConnectionType::Close);
    }
    for (name, value) in &parts.headers {
        let name = actix_header::HeaderName::from_bytes(name.as_str().as_bytes()).map_err(ErrorInternalServerError)?;
        let value = actix_header::HeaderValue::from_bytes(value.as_bytes()).map_err(ErrorInternalServerError)?;
        response.headers_mut().append(name, value);
    }
    Ok(response)
}

/// The chunks of a response's body, which also feed the request's.
fn outgoing(mut body: Body, mut pump: Option<Pump<Payload>>) -> impl Stream<Item = io::Result<Bytes>> {
    stream::poll_fn(move |cx| Pump::poll_with(&mut pump, cx, |cx| Pin::new(&mut body).poll_next(cx)))
        .map_err(io::Error::other)
}
