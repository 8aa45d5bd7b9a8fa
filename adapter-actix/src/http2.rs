//! The accept loop's HTTP/2 in front of an actix-web app.
//!
//! actix's own has h2 0.3 under it and sets none of its limits; this one has those of the other frameworks.

use std::convert::Infallible;
use std::error::Error;
use std::io;
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll, ready};

use actix_http::{BoxedPayloadStream, Payload, Request};
use actix_service::Service;
use actix_web::body::{BodySize, BoxBody, MessageBody as _, None as NoBody};
use actix_web::dev::ServiceResponse;
use actix_web::error::{ErrorBadRequest, PayloadError};
use actix_web::http::{Method, Version};
use actix_web::{HttpMessage as _, HttpResponse};
use bytes::Bytes;
use futures_util::stream;
use http::HeaderValue;
use http::header::CONTENT_LENGTH;
use http_body::{Body, Frame, SizeHint};
use neurolink_core::ConnInfo;

use crate::{convert, native};

/// An actix-web app for the streams of one connection.
pub(crate) struct Http2<S> {
    pub(crate) app: Rc<S>,
    pub(crate) info: ConnInfo,
}

impl<S> Clone for Http2<S> {
    fn clone(&self) -> Self {
        Self { app: Rc::clone(&self.app), info: self.info }
    }
}

impl<S, B> tower_service::Service<http::Request<B>> for Http2<S>
where
    S: Service<Request, Response = ServiceResponse, Error = HttpResponse> + 'static,
    B: Body<Data = Bytes> + Unpin + 'static,
    B::Error: Error + Send + Sync + 'static,
{
    type Response = http::Response<Answer>;
    type Error = Infallible;
    type Future = Pin<Box<dyn Future<Output = Result<Self::Response, Self::Error>>>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Self::Error>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: http::Request<B>) -> Self::Future {
        let is_head = request.method() == http::Method::HEAD;
        let answer = incoming(request, self.info).map(|request| self.app.call(request));
        Box::pin(async move {
            let response = match answer {
                Ok(answer) => answer.await.map_or_else(|error| error, HttpResponse::from),
                Err(error) => error.error_response(),
            };
            Ok(outgoing(response, is_head))
        })
    }
}

/// The request as actix-http would have read it.
fn incoming<B>(request: http::Request<B>, info: ConnInfo) -> Result<Request, actix_web::Error>
where
    B: Body<Data = Bytes> + Unpin + 'static,
    B::Error: Error + Send + Sync + 'static,
{
    let (parts, body) = request.into_parts();
    let payload = if body.is_end_stream() { Payload::None } else { Payload::Stream { payload: pieces(body) } };
    let mut request = Request::with_payload(payload);
    let head = request.head_mut();
    head.method = Method::from_bytes(parts.method.as_str().as_bytes()).map_err(ErrorBadRequest)?;
    head.uri = convert::target!(parts.uri, actix_web::http);
    head.version = Version::HTTP_2;
    head.peer_addr = info.peer;
    convert::native_headers(&parts.headers, &mut head.headers)?;
    request.extensions_mut().insert(info);
    Ok(request)
}

fn pieces<B>(mut body: B) -> BoxedPayloadStream
where
    B: Body<Data = Bytes> + Unpin + 'static,
    B::Error: Error + Send + Sync + 'static,
{
    Box::pin(stream::poll_fn(move |cx| {
        loop {
            match ready!(Pin::new(&mut body).poll_frame(cx)) {
                // Trailers are nobody's.
                Some(Ok(frame)) => {
                    if let Ok(data) = frame.into_data() {
                        return Poll::Ready(Some(Ok(data)));
                    }
                }
                Some(Err(error)) => return Poll::Ready(Some(Err(PayloadError::Io(io::Error::other(error))))),
                None => return Poll::Ready(None),
            }
        }
    }))
}

/// The answer as hyper has it.
fn outgoing(response: HttpResponse, is_head: bool) -> http::Response<Answer> {
    let (mut parts, ()) = native::head(&response).into_parts();
    let mut body = response.into_body();
    if is_head {
        if let BodySize::Sized(length) = body.size() {
            parts.headers.entry(CONTENT_LENGTH).or_insert_with(|| HeaderValue::from(length));
        }
        body = BoxBody::new(NoBody::new());
    }
    http::Response::from_parts(parts, Answer(body))
}

/// What an actix-web app answers.
pub(crate) struct Answer(BoxBody);

impl Body for Answer {
    type Data = Bytes;
    type Error = io::Error;

    fn poll_frame(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, io::Error>>> {
        let next = ready!(Pin::new(&mut self.0).poll_next(cx));
        Poll::Ready(next.map(|piece| piece.map(Frame::data).map_err(|error| io::Error::other(error.to_string()))))
    }

    fn is_end_stream(&self) -> bool {
        self.0.size().is_eof()
    }

    fn size_hint(&self) -> SizeHint {
        match self.0.size() {
            BodySize::None => SizeHint::with_exact(0),
            BodySize::Sized(length) => SizeHint::with_exact(length),
            BodySize::Stream => SizeHint::default(),
        }
    }
}
