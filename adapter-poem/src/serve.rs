use std::fmt;
use std::net::TcpListener;
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll};

use bytes::Bytes;
use http_body::{Body as HttpBody, Frame, SizeHint};
use neurolink_core::server::{Adapter, ServeError, Shutdown};
use neurolink_core::{App, Body, BoxError, BoxFuture, ConnInfo, Request, Response};
use neurolink_serve::{Connection, ServeConfig, serve};
use poem::endpoint::BoxEndpoint;
use poem::error::NotFoundError;
use poem::http::uri::Scheme;
use poem::web::{LocalAddr, RemoteAddr};
use poem::{Addr, Endpoint as _, EndpointExt as _, IntoEndpoint, PathPattern, RequestParts, Route};

use crate::convert;

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
        let alone = |app| Served { app: Some(app), native: None };
        Self { compose: Arc::new(alone), config: ServeConfig::default() }
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
        self.compose = Arc::new(move |app| Served { app: Some(app), native: Some(shared(route(Route::new()))) });
        self
    }

    /// Serves a whole application of yours, in which you have mounted the app; its 404 stays yours.
    #[must_use]
    pub fn host<E>(mut self, compose: impl Fn(App) -> E + Send + Sync + 'static) -> Self
    where
        E: IntoEndpoint,
        E::Endpoint: 'static,
    {
        self.compose = Arc::new(move |app| Served { app: None, native: Some(shared(compose(app))) });
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

    fn serve(&self, app: App, listener: TcpListener, shutdown: Shutdown) -> BoxFuture<'static, Result<(), ServeError>> {
        let served = (self.compose)(app);
        let config = self.config.clone();
        Box::pin(async move {
            let make = move |conn: Connection| {
                let served = served.clone();
                let conn = ConnInfo::new(Some(conn.peer)).with_local(Some(conn.local));
                tower::service_fn(move |request: http::Request<hyper::body::Incoming>| {
                    let answer = served.clone().answer(request.map(Body::new), conn);
                    async move { Ok::<_, std::convert::Infallible>(answer.await) }
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

/// The app and native routes, whichever are there.
#[derive(Clone)]
struct Served {
    app: Option<App>,
    native: Option<Native>,
}

impl Served {
    async fn answer(self, mut request: Request, conn: ConnInfo) -> Response {
        let (app, native) = match (self.app, self.native) {
            (Some(app), Some(native)) => (app, native),
            (Some(app), None) => return app.handle(request, conn).await,
            (None, Some(native)) => {
                let (parts, body) = request.into_parts();
                let response = native.get_response(to_poem(parts, convert::boxed(body), conn)).await;
                return from_poem(response);
            }
            (None, None) => return Response::default(),
        };
        // A target without a path is nobody's route, and poem panics at it.
        if request.uri().path_and_query().is_none() {
            return app.handle(request, conn).await;
        }
        // Without a base path every path is the app's, except those of native routes.
        if !app.base_path().is_empty() {
            match app.try_handle(request, conn).await {
                Ok(response) => return response,
                Err(foreign) => request = foreign,
            }
        }
        let (parts, body) = request.into_parts();
        let (body, slot) = Parked::new(body);
        match native.call(to_poem(parts.clone(), convert::boxed(body), conn)).await {
            Ok(response) => from_poem(response),
            // The route itself has no such path: an endpoint's own 404 bears its pattern.
            Err(error) if error.is::<NotFoundError>() && error.data::<PathPattern>().is_none() => {
                app.handle(Request::from_parts(parts, slot.into_body()), conn).await
            }
            Err(error) => from_poem(error.into_response()),
        }
    }
}

fn to_poem(parts: http::request::Parts, body: impl Into<poem::Body>, conn: ConnInfo) -> poem::Request {
    let local = LocalAddr(conn.local.map(Addr::socket).unwrap_or_default());
    let remote = RemoteAddr(conn.peer.map(Addr::socket).unwrap_or_default());
    let parts = RequestParts::from((parts, local, remote, Scheme::HTTP));
    poem::Request::from_parts(parts, body.into())
}

fn from_poem(response: poem::Response) -> Response {
    http::Response::from(response).map(Body::new)
}

impl fmt::Debug for Poem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Poem").field("config", &self.config).finish_non_exhaustive()
    }
}

/// A request's body that can be had back as long as nobody has read of it.
struct Parked {
    body: Option<Body>,
    slot: Slot,
    end: bool,
    hint: SizeHint,
}

/// Where a body is until it is read.
#[derive(Clone)]
struct Slot(Arc<Mutex<Option<Body>>>);

impl Parked {
    fn new(body: Body) -> (Self, Slot) {
        let (end, hint) = (body.is_end_stream(), body.size_hint());
        let slot = Slot(Arc::new(Mutex::new(Some(body))));
        (Self { body: None, slot: slot.clone(), end, hint }, slot)
    }
}

impl Slot {
    fn take(&self) -> Option<Body> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).take()
    }

    /// The body, untouched; what has been read of is no body any more.
    fn into_body(self) -> Body {
        self.take().unwrap_or(Body::unavailable())
    }
}

impl HttpBody for Parked {
    type Data = Bytes;
    type Error = BoxError;

    fn poll_frame(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, BoxError>>> {
        if self.body.is_none() {
            self.body = self.slot.take();
        }
        self.body.as_mut().map_or(Poll::Ready(None), |body| Pin::new(body).poll_frame(cx))
    }

    fn is_end_stream(&self) -> bool {
        self.body.as_ref().map_or(self.end, HttpBody::is_end_stream)
    }

    fn size_hint(&self) -> SizeHint {
        self.body.as_ref().map_or(self.hint, HttpBody::size_hint)
    }
}
