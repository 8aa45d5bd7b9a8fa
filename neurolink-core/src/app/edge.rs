//! The outermost edge: errors become bytes, and what every response has is added.

use std::time::Duration;

use http::{HeaderValue, Method, StatusCode, header};
use http_body::Body as _;
use tokio::time::Instant;

use crate::http::{Representation, Stamp, UnreadBody, media_of_error, number, render_error};
use crate::server::Phase;
use crate::{Body, Code, Context, Error, Response};

/// The response of an error, with its body not yet written.
pub(crate) fn respond_error(error: Error) -> Response {
    let mut response = Response::new(Body::empty());
    *response.status_mut() = error.status();
    for (name, value) in error.headers() {
        response.headers_mut().append(name.clone(), value.clone());
    }
    if let Some(seconds) = error.retry_after_seconds() {
        response.headers_mut().insert(header::RETRY_AFTER, number(seconds));
    }
    *response.body_mut() = Body::from_error(error);
    response
}

impl From<Error> for Response {
    fn from(error: Error) -> Self {
        respond_error(error)
    }
}

/// The whole response of an error outside of the onion: it has no id, for no onion gave it one.
pub(crate) fn unstamped(error: &Error) -> Response {
    let stamp = Stamp { request_id: b"", now: Duration::ZERO, duration: Duration::ZERO, code_prefix: "", cause: false };
    let body = render_error(error, Representation::Envelope, &stamp);
    let mut response = Response::new(Body::from(body));
    *response.status_mut() = error.status();
    response.headers_mut().insert(header::CONTENT_TYPE, media_of_error(error, Representation::Envelope));
    response
}

/// Finishes a response on its way out of the core; `goes_on` says whether the connection can be used again.
pub(crate) fn finish(ctx: &mut Context, mut response: Response, goes_on: bool) -> Response {
    let is_timeout = response.body().error().is_some_and(|error| error.code() == Code::Timeout);
    if let Some(error) = response.body_mut().take_error() {
        log(ctx, &error);
        let representation = ctx.representation();
        let content_type = media_of_error(&error, representation);
        *response.body_mut() = Body::from(render_error(&error, representation, &ctx.stamp()));
        response.headers_mut().insert(header::CONTENT_TYPE, content_type);
        if error.code() == Code::RequestTimeout {
            response.headers_mut().insert(header::CONNECTION, HeaderValue::from_static("close"));
        }
    }
    let id = ctx.request_id.header_value().clone();
    response.headers_mut().insert(ctx.shared.request_id_header.clone(), id);
    if !goes_on {
        response.headers_mut().insert(header::CONNECTION, HeaderValue::from_static("close"));
        response.extensions_mut().insert(UnreadBody);
    }
    if ctx.shutdown().is_some_and(|shutdown| shutdown.phase() >= Phase::Draining)
        && ctx.parts.version < http::Version::HTTP_2
    {
        response.headers_mut().insert(header::CONNECTION, HeaderValue::from_static("close"));
    }
    if ctx.parts.method == Method::HEAD && !response.body().is_unavailable() {
        if let Some(length) = response.body().size_hint().exact()
            && !matches!(response.status(), StatusCode::NO_CONTENT | StatusCode::NOT_MODIFIED)
        {
            response.headers_mut().insert(header::CONTENT_LENGTH, number(length));
        }
        *response.body_mut() = Body::empty();
    }
    if let Some(guard) = ctx.cancel.take()
        && !is_timeout
        && ctx.deadline.is_none_or(|deadline| Instant::now() < deadline)
    {
        // The answer is whole: nobody has to be told to stop.
        drop(guard.disarm());
    }
    response
}

fn log(ctx: &Context, error: &Error) {
    if error.status().is_server_error() {
        tracing::error!(
            target: "neurolink::error",
            request_id = %ctx.request_id,
            own_id = ctx.own_request_id().map(tracing::field::display),
            method = %ctx.method(),
            path = ctx.path(),
            code = %error.code(),
            "{}", error.log_text()
        );
    }
}
