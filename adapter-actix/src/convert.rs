//! http 0.2, which actix speaks, and http 1.

use std::cell::RefCell;
use std::io;
use std::pin::Pin;

use actix_web::body::{BodyStream, MessageBody as _, None as NoBody, SizedStream};
use actix_web::dev::Payload;
use actix_web::error::{ErrorBadRequest, ErrorInternalServerError};
use actix_web::http::{ConnectionType, StatusCode, Version as ActixVersion, header as actix_header};
use actix_web::{Error, HttpMessage as _, HttpRequest, HttpResponse};
use bytes::Bytes;
use futures_util::{Stream, TryStreamExt as _, stream};
use http::header::{CONNECTION, CONTENT_LENGTH};
use http::{HeaderMap, HeaderName, HeaderValue, Method, Version};
use neurolink_core::app::Scheme;
use neurolink_core::http::{Lines, Pump, declared_length, give_headers_back, spare_headers};
use neurolink_core::{Body, ConnInfo, Request, Response};

/// What actix says of the connection: the socket's ends, never what a header claims.
pub(crate) fn connection(request: &HttpRequest) -> ConnInfo {
    // HTTP/2 has it with each request.
    let served = request.conn_data().copied().or_else(|| request.extensions().get().copied());
    served.unwrap_or_else(|| {
        let config = request.app_config();
        let scheme = if config.secure() { Scheme::Https } else { Scheme::Http };
        ConnInfo::new(request.peer_addr()).with_local(Some(config.local_addr())).with_scheme(scheme)
    })
}

/// The request as it came: original target, every header line, and a body that the other value feeds in the request's
/// own task; one without a body costs nothing, and one whose payload stays with actix has none to read.
pub(crate) fn request(from: &HttpRequest, payload: Option<Payload>) -> Result<(Request, Option<Pump<Payload>>), Error> {
    let mut request = Request::new(Body::unavailable());
    *request.method_mut() = Method::from_bytes(from.method().as_str().as_bytes()).map_err(ErrorBadRequest)?;
    *request.uri_mut() = target!(from.uri(), http);
    *request.version_mut() = match from.version() {
        ActixVersion::HTTP_10 => Version::HTTP_10,
        ActixVersion::HTTP_2 => Version::HTTP_2,
        _ => Version::HTTP_11,
    };
    *request.headers_mut() = headers(from.headers())?;
    let Some(payload) = payload else { return Ok((request, None)) };
    let length = declared_length(request.headers(), request.version());
    if matches!(payload, Payload::None) || length == Some(0) {
        return Ok((request.map(|_| Body::empty()), None));
    }
    let (body, pump) = Body::pumped(payload, length);
    Ok((request.map(|_| body), Some(pump)))
}

/// A target of the other http crate, piece by piece: `*` beside an authority (HTTP/2) is no text that could be read.
macro_rules! target {
    ($from:expr, $($http:ident)::+) => {{
        let mut parts = $($http)::+::uri::Parts::default();
        parts.scheme = $from.scheme_str().map(TryInto::try_into).transpose().map_err(ErrorBadRequest)?;
        parts.authority = $from.authority().map(|it| it.as_str().parse()).transpose().map_err(ErrorBadRequest)?;
        parts.path_and_query = $from.path_and_query().map(|it| it.as_str().parse()).transpose().map_err(ErrorBadRequest)?;
        $($http)::+::Uri::from_parts(parts).map_err(ErrorBadRequest)?
    }};
}
pub(crate) use target;

/// Every header line, as http 1 has it.
pub(crate) fn headers(from: &actix_header::HeaderMap) -> Result<HeaderMap, Error> {
    let mut headers = spare_headers();
    for (name, value) in from {
        let name = HeaderName::from_bytes(name.as_str().as_bytes()).map_err(ErrorBadRequest)?;
        headers.append(name, HeaderValue::from_bytes(value.as_bytes()).map_err(ErrorBadRequest)?);
    }
    Ok(headers)
}

/// Every header line, as actix has it.
pub(crate) fn native_headers(from: &HeaderMap, headers: &mut actix_header::HeaderMap) -> Result<(), Error> {
    from.iter().try_for_each(|(name, value)| {
        headers.append(native_name(name)?, native_value(value)?);
        Ok(())
    })
}

fn native_name(name: &HeaderName) -> Result<actix_header::HeaderName, Error> {
    actix_header::HeaderName::from_bytes(name.as_str().as_bytes()).map_err(ErrorInternalServerError)
}

fn native_value(value: &HeaderValue) -> Result<actix_header::HeaderValue, Error> {
    actix_header::HeaderValue::from_bytes(value.as_bytes()).map_err(ErrorInternalServerError)
}

thread_local! {
    /// Lines of the answers before.
    static LINES: RefCell<Lines<actix_header::HeaderName, actix_header::HeaderValue>> = RefCell::default();
}

/// What of a request its answer depends on.
#[derive(Clone, Copy)]
pub(crate) struct Asked {
    head: bool,
    version: ActixVersion,
}

pub(crate) fn asked(request: &HttpRequest) -> Asked {
    Asked { head: request.method().as_str() == Method::HEAD.as_str(), version: request.version() }
}

/// The answer; `pump` goes on feeding the request's body while the answer streams.
pub(crate) fn response(from: Response, asked: Asked, pump: Option<Pump<Payload>>) -> Result<HttpResponse, Error> {
    let (parts, body) = from.into_parts();
    let length = parts.headers.get(CONTENT_LENGTH).and_then(|value| value.to_str().ok()?.parse().ok());
    let exact = http_body::Body::size_hint(&body).exact();
    let (closes, is_head) = (says_close(&parts.headers), asked.head);
    let sized = |length, body, pump| SizedStream::new(length, outgoing(body, pump)).boxed();
    let body = match (body.into_full(), length, exact) {
        // HEAD leaves the body out and keeps its length, if that is known.
        (Ok(_), Some(length), _) if is_head => sized(length, Body::empty(), pump),
        (Ok(_), None, _) if is_head => NoBody::new().boxed(),
        // actix reads on for a moment before it closes only while the request's body is held.
        (Ok(bytes), ..) if closes && pump.is_some() => sized(bytes.len() as u64, bytes.into(), pump),
        (Ok(bytes), ..) => bytes.boxed(),
        (Err(body), _, Some(exact)) => sized(exact, body, pump),
        (Err(body), _, None) => BodyStream::new(outgoing(body, pump)).boxed(),
    };
    let status = StatusCode::from_u16(parts.status.as_u16()).map_err(ErrorInternalServerError)?;
    let mut response = HttpResponse::new(status).set_body(body);
    if exact.is_none() && asked.version <= ActixVersion::HTTP_10 {
        // HTTP/1.0 knows no chunks: the end of the connection ends the body.
        response.head_mut().no_chunking(true);
        response.head_mut().set_connection_type(ConnectionType::Close);
    }
    response_headers(&parts.headers, &mut response)?;
    give_headers_back(parts.headers);
    Ok(response)
}

fn says_close(headers: &HeaderMap) -> bool {
    headers.get(CONNECTION).is_some_and(|value| value.as_bytes() == b"close")
}

/// Every header line of an answer.
pub(crate) fn response_headers(from: &HeaderMap, response: &mut HttpResponse) -> Result<(), Error> {
    // actix writes this line itself.
    if says_close(from) {
        response.head_mut().set_connection_type(ConnectionType::Close);
    }
    let mut give = |name, value| response.headers_mut().append(name, value);
    LINES.with_borrow_mut(|lines| lines.each(from, native_name, native_value, &mut give))
}

/// The chunks of a response's body, which also feed the request's.
fn outgoing(mut body: Body, mut pump: Option<Pump<Payload>>) -> impl Stream<Item = io::Result<Bytes>> {
    stream::poll_fn(move |cx| Pump::poll_with(&mut pump, cx, |cx| Pin::new(&mut body).poll_next(cx)))
        .map_err(io::Error::other)
}
