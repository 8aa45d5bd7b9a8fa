use std::convert::Infallible;
use std::net::SocketAddr;
use std::task::{Context, Poll};

use axum::Router;
use axum::extract::connect_info::Connected;
use axum::extract::{ConnectInfo, OriginalUri, Request};
use axum::response::Response;
use axum::serve::IncomingStream;
use futures_util::FutureExt as _;
use neurolink_core::{App, Body, BoxFuture, ConnInfo};
use tokio::net::TcpListener;

/// A router with the app's base path and everything below it, to merge into one of your own.
///
/// It has no fallback: what is not below the base path stays yours, your 404 included.
/// Serve the router with `into_make_service_with_connect_info::<`[`Connection`]`>()`, so that the app knows who is calling.
pub fn router<S>(app: App) -> Router<S>
where
    S: Clone + Send + Sync + 'static,
{
    let base = app.base_path().to_owned();
    let mount = Mount::new(app);
    let router = Router::new()
        .route_service(&format!("{base}/"), mount.clone())
        .route_service(&format!("{base}/{{*rest}}"), mount.clone());
    if base.is_empty() { router } else { router.route_service(&base, mount) }
}

/// The app as a service of axum: every request that reaches it is the app's.
#[derive(Clone, Debug)]
pub struct Mount(App);

impl Mount {
    /// Wraps an app.
    #[must_use]
    pub const fn new(app: App) -> Self {
        Self(app)
    }
}

impl tower_service::Service<Request> for Mount {
    type Response = Response;
    type Error = Infallible;
    type Future = BoxFuture<'static, Result<Response, Infallible>>;

    fn poll_ready(&mut self, _cx: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, mut request: Request) -> Self::Future {
        let conn = connection(&request);
        // A router that nests this one has cut its prefix off.
        if let Some(OriginalUri(uri)) = request.extensions_mut().remove() {
            *request.uri_mut() = uri;
        }
        let answer = self.0.handle(request.map(Body::new), conn);
        Box::pin(answer.map(|response| Ok(response.map(axum::body::Body::new))))
    }
}

/// Both ends of a connection of `axum::serve`: `into_make_service_with_connect_info::<Connection>()`.
///
/// With axum's own `SocketAddr` only the peer is known: then a request from this machine must name a loopback or a
/// configured host, even if it came to another address.
#[derive(Clone, Copy, Debug)]
pub struct Connection(ConnInfo);

impl Connected<IncomingStream<'_, TcpListener>> for Connection {
    fn connect_info(stream: IncomingStream<'_, TcpListener>) -> Self {
        Self(ConnInfo::new(Some(*stream.remote_addr())).with_local(stream.io().local_addr().ok()))
    }
}

/// What our own server says of the connection, or what axum's says.
pub(crate) fn connection(request: &Request) -> ConnInfo {
    let extensions = request.extensions();
    let known = extensions.get::<ConnInfo>().copied();
    let both_ends = || extensions.get::<ConnectInfo<Connection>>().map(|ConnectInfo(Connection(conn))| *conn);
    known
        .or_else(both_ends)
        .unwrap_or_else(|| ConnInfo::new(extensions.get::<ConnectInfo<SocketAddr>>().map(|ConnectInfo(peer)| *peer)))
}
