use std::fmt;
use std::sync::Arc;

use axum::Router;
use axum::extract::{ConnectInfo, Request};
use neurolink_core::server::{Adapter, Listener, ServeError, Shutdown};
use neurolink_core::{App, BoxFuture, ConnInfo};
use neurolink_serve::{ServeConfig, serve};
use tower::ServiceExt as _;

use crate::Mount;

type Compose = Arc<dyn Fn(App) -> Router + Send + Sync>;

/// axum as the framework of a server.
///
/// ```
/// use axum::routing::get;
/// use neurolink_axum::Axum;
///
/// let axum = Axum::new().configure(|router| router.route("/mine", get(|| async { "mine" })));
/// ```
#[derive(Clone, Default)]
pub struct Axum {
    compose: Option<Compose>,
    config: ServeConfig,
}

impl Axum {
    /// axum with nothing but the app.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Gives access to the native router: own routes, own layers. What it does not answer is the app's.
    #[must_use]
    pub fn configure(self, configure: impl Fn(Router) -> Router + Send + Sync + 'static) -> Self {
        self.host(move |app| configure(Router::new()).fallback_service(Mount::new(app)))
    }

    /// Serves a whole application of yours, in which you have mounted the app; its 404 stays yours.
    #[must_use]
    pub fn host(mut self, compose: impl Fn(App) -> Router + Send + Sync + 'static) -> Self {
        self.compose = Some(Arc::new(compose));
        self
    }

    /// Sets the limits and times of connections.
    #[must_use]
    pub fn serve_config(mut self, config: ServeConfig) -> Self {
        self.config = config;
        self
    }
}

impl Adapter for Axum {
    fn name(&self) -> &'static str {
        "axum"
    }

    fn serve(&self, app: App, listener: Listener, shutdown: Shutdown) -> BoxFuture<'static, Result<(), ServeError>> {
        let router = match &self.compose {
            Some(compose) => compose(app),
            None => Router::new().fallback_service(Mount::new(app)),
        };
        let config = self.config.clone();
        Box::pin(async move {
            let make = move |info: ConnInfo| {
                router.clone().into_service().map_request(move |mut request: Request<_>| {
                    request.extensions_mut().insert(info);
                    if let Some(peer) = info.peer {
                        request.extensions_mut().insert(ConnectInfo(peer));
                    }
                    request
                })
            };
            serve(listener, config, shutdown, make).await.map_err(|error| ServeError::new("axum", error))
        })
    }
}

impl fmt::Debug for Axum {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Axum").field("composed", &self.compose.is_some()).finish_non_exhaustive()
    }
}
