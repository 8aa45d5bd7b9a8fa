use std::fmt;
use std::sync::Arc;

use bytes::Bytes;
use futures_util::FutureExt as _;
use neurolink_core::server::{Adapter, Listener, ServeError, Shutdown};
use neurolink_core::{App, Body, BoxFuture, ConnInfo, Request, Response};
use neurolink_serve::{ServeConfig, serve};
use tower_service::Service as _;
use warp::filters::BoxedFilter;
use warp::{Filter, Rejection, Reply};

use crate::convert;
use crate::mount::{Head, everything};

type Native = BoxedFilter<(warp::reply::Response,)>;
type Compose = Arc<dyn Fn(App) -> Served + Send + Sync>;

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
        Self { compose: Arc::new(|app| Served::host(everything(app))), config: ServeConfig::default() }
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
        let native = convert::boxed(filter);
        self.compose = Arc::new(move |app| Served::beside(app, native.clone()));
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
        self.compose = Arc::new(move |app| Served::host(convert::boxed(compose(app))));
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
        let served = (self.compose)(app);
        let config = self.config.clone();
        Box::pin(async move {
            let make = move |conn: ConnInfo| {
                let served = served.clone();
                tower::service_fn(move |request: http::Request<hyper::body::Incoming>| {
                    served.clone().answer(request.map(Body::new), conn).map(Ok::<_, std::convert::Infallible>)
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

/// Your filters, and the app if it is not among them: then it stands outside and answers at its base path and below,
/// so that nothing of the request is lost, and again for what your filters reject as not found.
#[derive(Clone)]
struct Served {
    app: Option<App>,
    native: Native,
}

/// Marks the answer of a filter that has no route.
#[derive(Clone)]
struct Unmatched;

impl Served {
    const fn host(native: Native) -> Self {
        Self { app: None, native }
    }

    fn beside(app: App, native: Native) -> Self {
        let unmatched = |rejection: Rejection| async move {
            if !rejection.is_not_found() {
                return Err(rejection);
            }
            let mut response = warp::reply::Response::new(Bytes::new().into());
            response.extensions_mut().insert(Unmatched);
            Ok((response,))
        };
        Self { app: Some(app), native: native.or_else(unmatched).boxed() }
    }

    async fn answer(self, mut request: Request, conn: ConnInfo) -> Response {
        let Self { app, native } = self;
        let head = Head { uri: request.uri().clone(), version: request.version() };
        request.extensions_mut().insert(head);
        request.extensions_mut().insert(conn);
        let Some(app) = app else { return call(native, request).await };
        let beside = app.beside(request, conn, |request| async {
            let response = call(native, request).await;
            response.extensions().get::<Unmatched>().is_none().then_some(response)
        });
        // On the heap, for it is large, and hyper moves what answers a request about.
        Box::pin(beside).await
    }
}

async fn call(native: Native, request: Request) -> Response {
    let response = warp::service(native).call(request).await;
    response.unwrap_or_else(|never| match never {}).map(Body::new)
}
