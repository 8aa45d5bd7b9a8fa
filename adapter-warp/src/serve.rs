use std::convert::Infallible;
use std::fmt;
use std::sync::Arc;
use std::task::{Context, Poll};

use bytes::Bytes;
use neurolink_core::server::{Adapter, Listener, ServeError, Shutdown};
use neurolink_core::{App, Body, BoxError, BoxFuture, ConnInfo, Request, Response};
use neurolink_serve::{ServeConfig, serve};
use tower::ServiceExt as _;
use tower_service::Service as _;
use warp::filters::BoxedFilter;
use warp::{Filter, Rejection, Reply};

use crate::mount::{Head, everything};

type Compose = Arc<dyn Fn(App) -> Service + Send + Sync>;

/// warp as the framework of a server.
///
/// ```
/// use neurolink_warp::Warp;
/// use warp::Filter as _;
///
/// let warp = Warp::new().filter(warp::path!("mine").map(|| "mine"));
/// ```
#[derive(Clone)]
pub struct Warp {
    compose: Compose,
    config: ServeConfig,
}

impl Default for Warp {
    fn default() -> Self {
        Self { compose: Arc::new(|app| Service::host(everything(app))), config: ServeConfig::default() }
    }
}

impl Warp {
    /// warp with nothing but the app.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds routes of your own; what they reject as not found is the app's.
    ///
    /// They see the connection with `warp::ext::optional::<ConnInfo>()`; `warp::addr::remote()` knows nothing here.
    #[must_use]
    pub fn filter<F, R>(mut self, filter: F) -> Self
    where
        F: Filter<Extract = (R,)> + Clone + Send + Sync + 'static,
        F::Error: Into<Rejection>,
        R: Reply + 'static,
    {
        self.compose = Arc::new(move |app| service(app, filter.clone()));
        self
    }

    /// Serves a whole application of yours, in which you have mounted the app; its 404 stays yours.
    #[must_use]
    pub fn host<F, R>(mut self, compose: impl Fn(App) -> F + Send + Sync + 'static) -> Self
    where
        F: Filter<Extract = (R,)> + Clone + Send + Sync + 'static,
        F::Error: Into<Rejection>,
        R: Reply + 'static,
    {
        self.compose = Arc::new(move |app| Service::host(compose(app)));
        self
    }

    /// Sets the limits and times of connections.
    #[must_use]
    pub fn serve_config(mut self, config: ServeConfig) -> Self {
        self.config = config;
        self
    }
}

impl Adapter for Warp {
    fn name(&self) -> &'static str {
        "warp"
    }

    fn serve(&self, app: App, listener: Listener, shutdown: Shutdown) -> BoxFuture<'static, Result<(), ServeError>> {
        let service = (self.compose)(app);
        let config = self.config.clone();
        Box::pin(async move {
            let make = move |info: ConnInfo| {
                service.clone().map_request(move |mut request: http::Request<hyper::body::Incoming>| {
                    request.extensions_mut().insert(info);
                    request
                })
            };
            serve(listener, config, shutdown, make).await.map_err(|error| ServeError::new("warp", error))
        })
    }
}

impl fmt::Debug for Warp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Warp").field("config", &self.config).finish_non_exhaustive()
    }
}

/// The app and your filter as one service for a hyper loop, with the core outside and warp inside.
///
/// At the base path and below the app answers, and nothing of the request is lost; everything else is your filter's,
/// and what that rejects as not found is the app's again.
/// The connection is taken from the request's extensions ([`ConnInfo`]).
pub fn service<F, R>(app: App, filter: F) -> Service
where
    F: Filter<Extract = (R,)> + Clone + Send + Sync + 'static,
    F::Error: Into<Rejection>,
    R: Reply + 'static,
{
    let unmatched = |rejection: Rejection| async move {
        if !rejection.is_not_found() {
            return Err(rejection);
        }
        let mut response = warp::reply::Response::new(Bytes::new().into());
        response.extensions_mut().insert(Unmatched);
        Ok((response,))
    };
    Service { app: Some(app), native: boxed(filter).or_else(unmatched).boxed() }
}

/// What [`service`] makes.
#[derive(Clone)]
pub struct Service {
    app: Option<App>,
    native: BoxedFilter<(warp::reply::Response,)>,
}

/// Marks the answer of a filter that has no route.
#[derive(Clone)]
struct Unmatched;

impl Service {
    fn host<F, R>(filter: F) -> Self
    where
        F: Filter<Extract = (R,)> + Clone + Send + Sync + 'static,
        F::Error: Into<Rejection>,
        R: Reply + 'static,
    {
        Self { app: None, native: boxed(filter) }
    }

    async fn answer(self, mut request: Request, conn: ConnInfo) -> Response {
        let Self { app, native } = self;
        let head = Head { uri: request.uri().clone(), version: request.version() };
        request.extensions_mut().insert(head);
        request.extensions_mut().insert(conn);
        let Some(app) = app else { return call(native, request).await };
        app.beside(request, conn, |request| async {
            let response = call(native, request).await;
            response.extensions().get::<Unmatched>().is_none().then_some(response)
        })
        .await
    }
}

pub(crate) fn boxed<F, R>(filter: F) -> BoxedFilter<(warp::reply::Response,)>
where
    F: Filter<Extract = (R,)> + Clone + Send + Sync + 'static,
    F::Error: Into<Rejection>,
    R: Reply + 'static,
{
    filter.map(|reply: R| reply.into_response()).boxed()
}

async fn call(native: BoxedFilter<(warp::reply::Response,)>, request: Request) -> Response {
    let response = warp::service(native).call(request).await;
    response.unwrap_or_else(|never| match never {}).map(Body::new)
}

impl<B> tower_service::Service<http::Request<B>> for Service
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
        let service = self.clone();
        let conn = request.extensions().get::<ConnInfo>().copied().unwrap_or_default();
        Box::pin(async move { Ok(service.answer(request.map(Body::new), conn).await) })
    }
}

impl fmt::Debug for Service {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Service").field("app", &self.app).finish_non_exhaustive()
    }
}
