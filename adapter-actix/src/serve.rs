use std::any::Any;
use std::fmt;
use std::sync::Arc;

use actix_web::dev::Extensions;
use actix_web::rt::net::TcpStream;
use actix_web::web::ServiceConfig;
use neurolink_core::server::{Adapter, Capabilities, Listener, ServeError, Shutdown};
use neurolink_core::{App, BoxFuture, ConnInfo};
use neurolink_serve::{LocalHttp2, Quiet, ServeConfig, Transport, Workers, accept};

use crate::mount::everything;
use crate::service::{Serving, prepare};

pub(crate) type Compose = Arc<dyn Fn(App, &mut ServiceConfig) + Send + Sync>;

/// actix-web as the framework of a server.
///
/// ```
/// use actix_web::web;
/// use neurolink_actix::Actix;
///
/// let actix = Actix::new().configure(|config| {
///     config.route("/mine", web::get().to(|| async { "mine" }));
/// });
/// ```
#[derive(Clone)]
pub struct Actix {
    compose: Compose,
    workers: usize,
    config: ServeConfig,
}

impl Default for Actix {
    fn default() -> Self {
        Self {
            compose: Arc::new(everything),
            workers: std::thread::available_parallelism().map_or(1, usize::from),
            config: ServeConfig::default(),
        }
    }
}

impl Actix {
    /// actix-web with nothing but the app.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Gives access to the native configuration: own routes, own data. What it does not answer is the app's.
    ///
    /// It is called once a worker; what workers share is made outside.
    #[must_use]
    pub fn configure(self, configure: impl Fn(&mut ServiceConfig) + Send + Sync + 'static) -> Self {
        self.host(move |app, config| {
            configure(config);
            everything(app, config);
        })
    }

    /// Serves a whole application of yours, in which you have mounted the app; its 404 stays yours.
    #[must_use]
    pub fn host(mut self, compose: impl Fn(App, &mut ServiceConfig) + Send + Sync + 'static) -> Self {
        self.compose = Arc::new(compose);
        self
    }

    /// Sets the number of worker threads, 1 to 512: the available cores unless told.
    #[must_use]
    pub const fn workers(mut self, workers: usize) -> Self {
        self.workers = workers;
        self
    }

    /// Sets the limits and times of connections.
    ///
    /// HTTP/1 is actix-http's, which has bounds of its own for the number of header lines and the bytes of a head, and one
    /// time for a head and for the silence before one (`header_read_timeout`).
    #[must_use]
    pub fn serve_config(mut self, config: ServeConfig) -> Self {
        self.config = config;
        self
    }
}

impl Adapter for Actix {
    fn name(&self) -> &'static str {
        "actix"
    }

    fn capabilities(&self) -> Capabilities {
        Capabilities::default()
    }

    fn serve(&self, app: App, listener: Listener, shutdown: Shutdown) -> BoxFuture<'static, Result<(), ServeError>> {
        let (compose, config) = (Arc::clone(&self.compose), self.config.clone());
        let count = self.workers.clamp(1, 512);
        Box::pin(async move {
            let failed = |error| ServeError::new("actix", error);
            let transport = Transport::new(&config).map_err(failed)?;
            let serving = Arc::new(Serving {
                compose,
                app,
                transport,
                http2: LocalHttp2::new(&config),
                shutdown: shutdown.clone(),
                panics: Quiet::default(),
            });
            let settles = serving.app.clone();
            let workers = Workers::start(count, move || prepare(Arc::clone(&serving))).map_err(failed)?;
            let served = accept(listener, &config, shutdown, |accepted| workers.serve(accepted)).await;
            workers.end(settles.settled()).await;
            served.map_err(|error| ServeError::new("actix", error))
        })
    }
}

/// Remembers a connection's ends; give it to `HttpServer::on_connect` before you bind.
///
/// Without it the app only knows the address the server is bound to, which for `0.0.0.0` says nothing.
pub fn on_connect(io: &dyn Any, data: &mut Extensions) {
    if let Some(stream) = io.downcast_ref::<TcpStream>()
        && let (Ok(peer), Ok(local)) = (stream.peer_addr(), stream.local_addr())
    {
        data.insert(ConnInfo::new(Some(peer)).with_local(Some(local)));
    }
}

impl fmt::Debug for Actix {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Actix").field("workers", &self.workers).finish_non_exhaustive()
    }
}
