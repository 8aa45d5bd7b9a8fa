use std::fmt;
use std::sync::Arc;

use futures_util::FutureExt as _;
use neurolink_core::server::{Adapter, Listener, ServeError, Shutdown};
use neurolink_core::{App, Body, BoxFuture, ConnInfo, Request, Response};
use neurolink_serve::{ServeConfig, serve};
use poem::endpoint::BoxEndpoint;
use poem::error::NotFoundError;
use poem::http::uri::Scheme;
use poem::web::{LocalAddr, RemoteAddr};
use poem::{Addr, Endpoint as _, EndpointExt as _, IntoEndpoint, PathPattern, RequestParts, Route};

use crate::convert;
use crate::mount::endpoint;

type Compose = Arc<dyn Fn(App) -> Served + Send + Sync>;

/// poem as the framework of a server.
///
/// ```
/// use neurolink_poem::Poem;
/// use poem::{get, handler};
///
/// #[handler]
/// fn mine() -> &'static str {
///     "mine"
/// }
///
/// let poem = Poem::new().route(|route| route.at("/mine", get(mine)));
/// ```
#[derive(Clone)]
pub struct Poem {
    compose: Compose,
    config: ServeConfig,
}

impl Default for Poem {
    fn default() -> Self {
        Self { compose: Arc::new(|app| Served::host(endpoint(app))), config: ServeConfig::default() }
    }
}

impl Poem {
    /// poem with nothing but the app.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Gives access to the native route: own routes, own endpoints. What it has no path for is the app's.
    #[must_use]
    pub fn route(mut self, route: impl Fn(Route) -> Route + Send + Sync + 'static) -> Self {
        self.compose = Arc::new(move |app| Served { app: Some(app), native: shared(route(Route::new())) });
        self
    }

    /// Serves a whole application of yours, in which you have mounted the app; its 404 stays yours.
    #[must_use]
    pub fn host<E>(mut self, compose: impl Fn(App) -> E + Send + Sync + 'static) -> Self
    where
        E: IntoEndpoint,
        E::Endpoint: 'static,
    {
        self.compose = Arc::new(move |app| Served::host(compose(app)));
        self
    }

    /// Sets the limits and times of connections.
    #[must_use]
    pub fn serve_config(mut self, config: ServeConfig) -> Self {
        self.config = config;
        self
    }
}

impl Adapter for Poem {
    fn name(&self) -> &'static str {
        "poem"
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
            serve(listener, config, shutdown, make).await.map_err(|error| ServeError::new("poem", error))
        })
    }
}

type Native = Arc<BoxEndpoint<'static, poem::Response>>;

fn shared<E>(endpoint: E) -> Native
where
    E: IntoEndpoint,
    E::Endpoint: 'static,
{
    Arc::new(endpoint.into_endpoint().map_to_response().boxed())
}

/// Native routes, and the app if it is not among them.
#[derive(Clone)]
struct Served {
    app: Option<App>,
    native: Native,
}

impl Served {
    fn host<E>(endpoint: E) -> Self
    where
        E: IntoEndpoint,
        E::Endpoint: 'static,
    {
        Self { app: None, native: shared(endpoint) }
    }

    async fn answer(self, request: Request, conn: ConnInfo) -> Response {
        let Self { app, native } = self;
        match app {
            // On the heap, for it is large, and hyper moves what answers a request about.
            Some(app) => Box::pin(app.beside(request, conn, |request| matched(native, request, conn))).await,
            None => from_poem(native.get_response(to_poem(request, conn)).await),
        }
    }
}

/// The answer of native routes, if they have one for this path.
async fn matched(native: Native, request: Request, conn: ConnInfo) -> Option<Response> {
    match native.call(to_poem(request, conn)).await {
        Ok(response) => Some(from_poem(response)),
        // The route itself has no such path: an endpoint's own 404 bears its pattern.
        Err(error) if error.is::<NotFoundError>() && error.data::<PathPattern>().is_none() => None,
        Err(error) => Some(from_poem(error.into_response())),
    }
}

fn to_poem(mut request: Request, conn: ConnInfo) -> poem::Request {
    request.extensions_mut().insert(conn);
    let (parts, body) = request.into_parts();
    let local = LocalAddr(conn.local.map(Addr::socket).unwrap_or_default());
    let remote = RemoteAddr(conn.peer.map(Addr::socket).unwrap_or_default());
    let scheme = if conn.scheme == neurolink_core::app::Scheme::Https { Scheme::HTTPS } else { Scheme::HTTP };
    let parts = RequestParts::from((parts, local, remote, scheme));
    poem::Request::from_parts(parts, convert::boxed(body).into())
}

fn from_poem(response: poem::Response) -> Response {
    http::Response::from(response).map(Body::new)
}

impl fmt::Debug for Poem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Poem").field("config", &self.config).finish_non_exhaustive()
    }
}
