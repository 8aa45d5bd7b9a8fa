use std::fmt;
use std::net::TcpListener;
use std::sync::Arc;

use neurolink_core::server::{Adapter, ServeError, Shutdown};
use neurolink_core::{App, BoxFuture, ConnInfo};
use neurolink_serve::{Connection, ServeConfig, serve};
use tower::ServiceExt as _;
use warp::{Filter, Rejection, Reply};

use crate::service::{Service, service};

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
        Self { compose: Arc::new(Service::alone), config: ServeConfig::default() }
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

    fn serve(
        &self,
        app: App,
        listener: TcpListener,
        shutdown: Shutdown,
    ) -> BoxFuture<'static, Result<(), ServeError>> {
        let service = (self.compose)(app);
        let config = self.config.clone();
        Box::pin(async move {
            let make = move |conn: Connection| {
                let info = ConnInfo::new(Some(conn.peer)).with_local(Some(conn.local));
                service.clone().map_request(
                    move |mut request: http::Request<hyper::body::Incoming>| {
                        request.extensions_mut().insert(info);
                        request
                    },
                )
            };
            serve(listener, config, shutdown, make)
                .await
                .map_err(|error| ServeError::new("warp", error))
        })
    }
}

impl fmt::Debug for Warp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Warp").field("config", &self.config).finish_non_exhaustive()
    }
}
