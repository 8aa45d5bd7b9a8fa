use std::cell::{Cell, RefCell};
use std::fmt;
use std::future::{Ready, poll_fn, ready};
use std::io;
use std::pin::{Pin, pin};
use std::rc::Rc;
use std::sync::Arc;
use std::task::Poll;

use actix_web::body::{BodySize, BoxBody, MessageBody};
use actix_web::dev::{Payload, Service, ServiceRequest, ServiceResponse, Transform, forward_ready};
use actix_web::error::{Error, InternalError, PayloadError};
use actix_web::{HttpMessage as _, HttpRequest, HttpResponse};
use bytes::Bytes;
use futures_util::future::LocalBoxFuture;
use futures_util::stream::poll_fn as poll_chunks;
use futures_util::{Stream, TryStreamExt as _};
use neurolink_core::app::{Crossing, Facts, Protected};
use neurolink_core::http::Pump;
use neurolink_core::{Body, ConfigError, Request, Response, Settings, Stack};

use crate::convert;
use crate::native;

/// A middleware of actix-web that puts the stack around native routes: `App::new().wrap(transform(stack)?)`.
///
/// Wrap the whole `App`: then its 404 is behind the stack too. Build it outside of the factory and clone it in.
///
/// # Errors
/// All mistakes of the stack at once.
pub fn transform(stack: Stack) -> Result<Protect, ConfigError> {
    transform_with(stack, Settings::default())
}

/// [`transform`] with settings of your own.
///
/// # Errors
/// All mistakes of the stack and the settings at once.
pub fn transform_with(stack: Stack, settings: Settings) -> Result<Protect, ConfigError> {
    stack.protect(settings).map(Protect)
}

/// What [`transform`] makes.
#[derive(Clone, Debug)]
pub struct Protect(Protected);

/// A native service with the stack around it.
pub struct Protecting<S> {
    inner: Rc<S>,
    protected: Protected,
}

impl<S, B> Transform<S, ServiceRequest> for Protect
where
    S: Service<ServiceRequest, Response = ServiceResponse<B>, Error = Error> + 'static,
    B: MessageBody + 'static,
{
    type Response = ServiceResponse;
    type Error = Error;
    type Transform = Protecting<S>;
    type InitError = ();
    type Future = Ready<Result<Protecting<S>, ()>>;

    fn new_transform(&self, inner: S) -> Self::Future {
        ready(Ok(Protecting { inner: Rc::new(inner), protected: self.0.clone() }))
    }
}

impl<S, B> Service<ServiceRequest> for Protecting<S>
where
    S: Service<ServiceRequest, Response = ServiceResponse<B>, Error = Error> + 'static,
    B: MessageBody + 'static,
{
    type Response = ServiceResponse;
    type Error = Error;
    type Future = LocalBoxFuture<'static, Result<ServiceResponse, Error>>;

    forward_ready!(inner);

    fn call(&self, request: ServiceRequest) -> Self::Future {
        Box::pin(around(self.protected.clone(), Rc::clone(&self.inner), request))
    }
}

impl<S> fmt::Debug for Protecting<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Protecting").field("protected", &self.protected).finish_non_exhaustive()
    }
}

/// What a native service gives; an error of actix's comes without its request.
struct Native {
    request: Option<HttpRequest>,
    response: HttpResponse,
}

async fn around<S, B>(protected: Protected, inner: Rc<S>, mut request: ServiceRequest) -> Result<ServiceResponse, Error>
where
    S: Service<ServiceRequest, Response = ServiceResponse<B>, Error = Error>,
    B: MessageBody + 'static,
{
    let asked = convert::asked(request.request());
    let conn = convert::connection(request.request());
    let reads_request = protected.reads_request();
    let payload = reads_request.then(|| request.take_payload());
    let (head, mut incoming) = convert::request(request.request(), payload)?;
    // The native body is there only when the service has answered; what feeds it to the onion stands ready.
    let slot = Slot::default();
    let crossing = protected.reads_response().then(|| Body::pumped(slot.chunks(), None));
    let (crossing, mut outgoing) = crossing.unzip();
    let (crossing, waiting, answered) = (Cell::new(crossing), Cell::new(Some(request)), Cell::new(None));
    let answer = protected.around_local(head, conn, |head| async {
        let Some(request) = waiting.take() else { return http::Response::new(Crossing::Kept(())) };
        let mut answer = call(&*inner, request, head, reads_request).await;
        let head = native::head(&answer.response);
        let body = match crossing.take() {
            Some(body) => Crossing::Core(Body::with_length(body, slot.fill(&mut answer.response))),
            None => Crossing::Kept(()),
        };
        answered.set(Some(answer));
        head.map(|()| body)
    });
    let mut answer = pin!(answer);
    let answer = poll_fn(|cx| {
        Pump::poll_with(&mut outgoing, cx, |cx| Pump::poll_with(&mut incoming, cx, |cx| answer.as_mut().poll(cx)))
    });
    let (parts, body) = answer.await.into_parts();
    let (request, response) = match (body, answered.take()) {
        (Crossing::Kept(()), Some(Native { request, mut response })) => {
            native::decorate(&mut response, &parts)?;
            (request, response)
        }
        (Crossing::Kept(()), None) => {
            (None, convert::response(Response::from_parts(parts, Body::empty()), asked, None)?)
        }
        (Crossing::Core(body), answer) => {
            let response = convert::response(Response::from_parts(parts, body), asked, None)?;
            (answer.and_then(|answer| answer.request), response)
        }
    };
    let response = native::gathered(native::fed(native::fed(response, outgoing), incoming));
    match (request, waiting.take()) {
        (Some(request), _) => Ok(ServiceResponse::new(request, response)),
        (None, Some(request)) => Ok(request.into_response(response)),
        (None, None) => Err(InternalError::from_response("the native service gave no answer", response).into()),
    }
}

/// Calls the native service with what the onion has left in the request.
async fn call<S, B>(inner: &S, mut request: ServiceRequest, head: Request, reads_request: bool) -> Native
where
    S: Service<ServiceRequest, Response = ServiceResponse<B>, Error = Error>,
    B: MessageBody + 'static,
{
    let (parts, body) = head.into_parts();
    if let Some(facts) = parts.extensions.get::<Arc<Facts>>() {
        if facts.headers_changed {
            request.headers_mut().clear();
            if let Err(error) = convert::native_headers(&parts.headers, request.headers_mut()) {
                return Native { request: None, response: error.error_response() };
            }
        }
        request.extensions_mut().insert(Arc::clone(facts));
    }
    if reads_request {
        let chunks = body.map_err(|error| PayloadError::Io(io::Error::other(error)));
        request.set_payload(Payload::Stream { payload: Box::pin(chunks) });
    }
    match inner.call(request).await {
        Ok(answer) => {
            let (request, response) = answer.map_into_boxed_body().into_parts();
            Native { request: Some(request), response }
        }
        Err(error) => Native { request: None, response: error.error_response() },
    }
}

/// Where the body of a native answer goes, for middleware that reads it.
#[derive(Clone, Default)]
struct Slot(Rc<RefCell<Option<BoxBody>>>);

impl Slot {
    /// Takes the body out of an answer, and tells its length.
    fn fill(&self, response: &mut HttpResponse) -> Option<u64> {
        let body = std::mem::replace(response, HttpResponse::new(response.status())).into_body();
        let length = match body.size() {
            BodySize::None => Some(0),
            BodySize::Sized(length) => Some(length),
            BodySize::Stream => None,
        };
        self.0.replace(Some(body));
        length
    }

    /// The chunks of the body, once it is there.
    fn chunks(&self) -> impl Stream<Item = Result<Bytes, Box<dyn std::error::Error>>> + Unpin + 'static {
        let slot = self.clone();
        poll_chunks(move |cx| match &mut *slot.0.borrow_mut() {
            Some(body) => Pin::new(body).poll_next(cx),
            None => Poll::Pending,
        })
    }
}
