use std::convert::Infallible;
use std::task::{Context, Poll};

use http::{Method, StatusCode};
use neurolink_core::server::{Adapter, Listener, ServeError, Shutdown};
use neurolink_core::{App, Body, BoxError, BoxFuture, ConnInfo, Request, Response};
use neurolink_serve::{ServeConfig, serve};
use tower_service::Service;

/// Plain hyper as the framework of a server: the app at its base path, beside one route of the host's own.
#[derive(Clone, Debug, Default)]
pub struct Hyper {
    config: ServeConfig,
}

impl Hyper {
    /// hyper with the default limits and times of connections.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Sets the limits and times of connections.
    #[must_use]
    pub fn serve_config(mut self, config: ServeConfig) -> Self {
        self.config = config;
        self
    }
}

impl Adapter for Hyper {
    fn name(&self) -> &'static str {
        "hyper"
    }

    fn serve(&self, app: App, listener: Listener, shutdown: Shutdown) -> BoxFuture<'static, Result<(), ServeError>> {
        let config = self.config.clone();
        Box::pin(async move {
            let make = move |conn| Host::new(app.clone(), conn);
            serve(listener, config, shutdown, make).await.map_err(|error| ServeError::new("hyper", error))
        })
    }
}

/// What answers the requests of one connection.
#[derive(Clone, Debug)]
pub struct Host {
    app: App,
    conn: ConnInfo,
}

impl Host {
    /// The app, with the facts of the connection that its requests come on.
    #[must_use]
    pub const fn new(app: App, conn: ConnInfo) -> Self {
        Self { app, conn }
    }

    /// Whether a path is the app's base path or below; the host's router compares whole segments as they came.
    fn is_mounted_at(&self, path: &str) -> bool {
        path.strip_prefix(self.app.base_path()).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
    }
}

impl<B> Service<http::Request<B>> for Host
where
    B: http_body::Body<Data = bytes::Bytes> + Send + 'static,
    B::Error: Into<BoxError>,
{
    type Response = Response;
    type Error = Infallible;
    type Future = BoxFuture<'static, Result<Response, Infallible>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: http::Request<B>) -> Self::Future {
        let host = self.clone();
        let request = request.map(Body::new);
        Box::pin(async move {
            if host.is_mounted_at(request.uri().path()) {
                Ok(host.app.handle(request, host.conn).await)
            } else {
                Ok(native(&request))
            }
        })
    }
}

/// The host's own routes and its own 404.
fn native(request: &Request) -> Response {
    let is_hello = request.uri().path() == "/native/hello" && [Method::GET, Method::HEAD].contains(request.method());
    if is_hello {
        return Response::new(Body::from("hello from hyper"));
    }
    let mut response = Response::new(Body::from("not found"));
    *response.status_mut() = StatusCode::NOT_FOUND;
    response
}
