//! Answers of native services, on their way through the onion.

use std::fmt;
use std::pin::Pin;
use std::task::{Context, Poll};

use actix_web::HttpResponse;
use actix_web::body::{BodySize, BodyStream, BoxBody, MessageBody};
use actix_web::error::{ErrorInternalServerError, InternalError};
use actix_web::http::StatusCode;
use bytes::Bytes;
use futures_util::stream::{Stream, poll_fn};
use neurolink_core::Response;
use neurolink_core::http::Pump;
use neurolink_serve::Gather;

use crate::convert::{self, Asked};

/// The head of a native answer.
pub(crate) fn head(from: &HttpResponse) -> http::Response<()> {
    let mut head = http::Response::new(());
    // A status and header lines that actix has are ones that http has.
    *head.status_mut() = http::StatusCode::from_u16(from.status().as_u16()).unwrap_or_default();
    *head.headers_mut() = convert::headers(from.headers()).unwrap_or_default();
    head
}

/// Gives a native answer the head that the onion made of it.
pub(crate) fn decorate(response: &mut HttpResponse, parts: &http::response::Parts) -> Result<(), actix_web::Error> {
    *response.status_mut() = StatusCode::from_u16(parts.status.as_u16()).map_err(ErrorInternalServerError)?;
    response.headers_mut().clear();
    convert::response_headers(&parts.headers, response)
}

/// The answer as an error, for where actix knows no request any more.
pub(crate) fn error(cause: &'static str, from: Response, asked: Asked) -> actix_web::Error {
    match convert::response(from, asked, None) {
        Ok(response) => InternalError::from_response(cause, response).into(),
        Err(error) => error,
    }
}

/// A streamed answer whose small pieces are sent together, as our own loop does on the other frameworks.
pub(crate) fn gathered(response: HttpResponse) -> HttpResponse {
    if response.body().size() != BodySize::Stream {
        return response;
    }
    response.map_body(|_, mut body| {
        let mut gather = Gather::default();
        BodyStream::new(poll_fn(move |cx| gather.poll_bytes(|| Pin::new(&mut body).poll_next(cx)))).boxed()
    })
}

/// An answer that, while it streams, goes on feeding a body that somebody may still read.
pub(crate) fn fed<S, E>(response: HttpResponse, pump: Option<Pump<S>>) -> HttpResponse
where
    S: Stream<Item = Result<Bytes, E>> + Unpin + 'static,
    E: fmt::Display + 'static,
{
    response.map_body(|_, body| if pump.is_some() { BoxBody::new(Fed { body, pump }) } else { body })
}

struct Fed<S> {
    body: BoxBody,
    pump: Option<Pump<S>>,
}

impl<S, E> MessageBody for Fed<S>
where
    S: Stream<Item = Result<Bytes, E>> + Unpin,
    E: fmt::Display,
{
    type Error = Box<dyn std::error::Error>;

    fn size(&self) -> BodySize {
        self.body.size()
    }

    fn poll_next(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Bytes, Self::Error>>> {
        let Self { body, pump } = self.get_mut();
        Pump::poll_with(pump, cx, |cx| Pin::new(&mut *body).poll_next(cx))
    }
}
