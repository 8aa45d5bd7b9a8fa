//! Any `tower::Layer` over `http` types as a middleware.
//!
//! The layer is applied once, and its service is cloned for each request; what stands further inside runs in the
//! task of the request, while the layer's inner service waits for it. That is slower than a middleware of ours.
//!
//! The layer sees the request's head and the answer's head, and stands at its order as every middleware does.
//! What it changes in the headers counts; the target and the method do not, for the route is known before.
//! Bodies cross only with [`with_body`](Tower::with_body); reading one that did not is an error.
//! The request id is set at the edge, whatever a layer makes of it.
//!
//! ```
//! use neurolink_core::{Stack, middleware::Tower, stack::IntoRegistration as _, stack::order};
//! # use neurolink_core::middleware::Inside;
//! # #[derive(Clone)] struct SetHeader;
//! # impl tower_layer::Layer<Inside> for SetHeader { type Service = Inside; fn layer(&self, inner: Inside) -> Inside { inner } }
//!
//! let stack = Stack::builder().with(Tower::new("set-header", SetHeader).at(order::HEADERS)).build()?;
//! # Ok::<(), neurolink_core::ConfigError>(())
//! ```

use std::convert::Infallible;
use std::fmt;
use std::future::poll_fn;
use std::pin::pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context as TaskContext, Poll};

use async_trait::async_trait;
use bytes::Bytes;
use http::header::CONTENT_ENCODING;
use http_body::Body as HttpBody;
use tokio::sync::oneshot;
use tower_layer::Layer;
use tower_service::Service;

use crate::stack::BodyAccess;
use crate::{Body, BoxError, BoxFuture, Context, Error, Middleware, Next, Request, Response};

/// A tower layer as a middleware.
#[derive(Clone)]
pub struct Tower<S> {
    name: Arc<str>,
    service: S,
    body: BodyAccess,
}

impl<S> Tower<S> {
    /// A middleware made of a layer, whose service must be `Clone` and may fail: that is a 500.
    pub fn new<L>(name: impl Into<Arc<str>>, layer: L) -> Self
    where
        L: Layer<Inside, Service = S>,
    {
        Self { name: name.into(), service: layer.layer(Inside(())), body: BodyAccess::None }
    }

    /// Says that the layer reads or changes bodies.
    #[must_use]
    pub const fn with_body(mut self) -> Self {
        self.body = BodyAccess::Both;
        self
    }

    const fn reads_bodies(&self) -> bool {
        matches!(self.body, BodyAccess::Both)
    }

    /// The request for the layer: a copy of the head, so that what stands outside still sees it on the way out.
    fn request(&self, ctx: &mut Context) -> Result<Request, Error> {
        let body = if self.reads_bodies() { ctx.take_body()? } else { Body::unavailable() };
        let mut request = Request::new(body);
        *request.method_mut() = ctx.parts.method.clone();
        *request.uri_mut() = ctx.parts.uri.clone();
        *request.version_mut() = ctx.parts.version;
        *request.headers_mut() = ctx.parts.headers.clone();
        *request.extensions_mut() = std::mem::take(&mut ctx.parts.extensions);
        Ok(request)
    }

    /// Takes over what the layer made of the request.
    fn accept(&self, ctx: &mut Context, request: Request) {
        let (parts, body) = request.into_parts();
        ctx.parts.extensions = parts.extensions;
        if parts.headers != *ctx.headers() {
            *ctx.headers_mut() = parts.headers;
        }
        if self.reads_bodies() {
            (ctx.body, ctx.body_taken) = (body, false);
        }
    }
}

impl<S> fmt::Debug for Tower<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Tower").field("name", &self.name).field("body", &self.body).finish_non_exhaustive()
    }
}

#[async_trait]
impl<S, B> Middleware for Tower<S>
where
    S: Service<Request, Response = http::Response<B>> + Clone + Send + Sync + 'static,
    S::Error: Into<BoxError>,
    S::Future: Send,
    B: HttpBody<Data = Bytes> + Send + 'static,
    B::Error: Into<BoxError>,
{
    fn name(&self) -> &str {
        &self.name
    }

    fn body(&self) -> BodyAccess {
        self.body
    }

    async fn handle(&self, ctx: &mut Context, next: Next<'_>) -> Result<Response, Error> {
        let mut request = self.request(ctx)?;
        let (enter, entered) = oneshot::channel();
        let (leave, left) = oneshot::channel();
        request.extensions_mut().insert(Way(Arc::new(Mutex::new(Some((enter, left))))));
        let mut service = self.service.clone();
        let layer = async move {
            poll_fn(|cx| service.poll_ready(cx)).await.map_err(Error::internal)?;
            service.call(request).await.map_err(Error::internal)
        };
        let mut layer = pin!(layer);
        let request = tokio::select! {
            biased;
            answer = &mut layer => return own(answer?),
            Ok(request) = entered => request,
        };
        self.accept(ctx, request);
        let mut response = tokio::select! {
            biased;
            response = next.run(ctx) => response,
            // Such as a timeout: what is further inside is dropped.
            answer = &mut layer => return own(answer?),
        };
        response.extensions_mut().insert(FromInside);
        // An error that is not rendered yet has no bytes to read.
        let is_error = response.body().error().is_some();
        let crosses = self.reads_bodies() && !is_error;
        let coding = response.headers().get(CONTENT_ENCODING).cloned();
        let kept = (!crosses).then(|| std::mem::replace(response.body_mut(), Body::unavailable()));
        // A layer that has gone meanwhile answers by itself below.
        let _ = leave.send(response);
        let mut answer = layer.await?;
        let is_inner = answer.extensions_mut().remove::<FromInside>().is_some();
        let Some(kept) = kept.filter(|_| is_inner) else { return own(answer) };
        if answer.headers().get(CONTENT_ENCODING) != coding.as_ref() {
            if !is_error {
                return Err(Error::internal("a tower layer codes bodies, and is registered without `.with_body()`"));
            }
            // The bytes that it would have coded are not those of the error.
            answer.headers_mut().remove(CONTENT_ENCODING);
            answer.headers_mut().extend(coding.map(|coding| (CONTENT_ENCODING, coding)));
        }
        Ok(answer.map(|_| kept))
    }
}

/// An answer that the layer made, or an error if it only hands on that it was misused.
fn own<B>(answer: http::Response<B>) -> Result<Response, Error>
where
    B: HttpBody<Data = Bytes> + Send + 'static,
    B::Error: Into<BoxError>,
{
    match answer.extensions().get::<Misused>() {
        Some(Misused(problem)) => Err(Error::internal(*problem)),
        None => Ok(answer.map(Body::new)),
    }
}

type Ends = (oneshot::Sender<Request>, oneshot::Receiver<Response>);

/// The way in and out, in the request's extensions; it is gone once.
#[derive(Clone)]
struct Way(Arc<Mutex<Option<Ends>>>);

/// Marks the answer that came from further inside: its body, if it did not cross, is put back.
#[derive(Clone)]
struct FromInside;

/// Marks the answer to a call that cannot be answered: it becomes an error behind the layer, for no layer can read one.
#[derive(Clone)]
struct Misused(&'static str);

impl Misused {
    fn answer(self) -> Response {
        let mut response = Response::default();
        *response.status_mut() = http::StatusCode::INTERNAL_SERVER_ERROR;
        response.extensions_mut().insert(self);
        response
    }
}

/// What a layer stands around: everything further inside, which runs once.
#[derive(Clone, Debug)]
pub struct Inside(());

impl Service<Request> for Inside {
    type Response = Response;
    type Error = Infallible;
    type Future = BoxFuture<'static, Result<Response, Infallible>>;

    fn poll_ready(&mut self, _cx: &mut TaskContext<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, mut request: Request) -> Self::Future {
        let way = request.extensions_mut().remove::<Way>();
        let ends = way.and_then(|way| way.0.lock().unwrap_or_else(PoisonError::into_inner).take());
        Box::pin(async move {
            let Some((enter, left)) = ends else {
                let problem = "a tower layer called its service twice, or dropped the request's extensions";
                return Ok(Misused(problem).answer());
            };
            // Both ends stand in the frame that polls this.
            let _ = enter.send(request);
            Ok(left.await.unwrap_or_else(|_| Misused("what a tower layer stands around is gone").answer()))
        })
    }
}
