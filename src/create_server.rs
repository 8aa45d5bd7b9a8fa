use std::sync::Arc;
use std::time::Duration;

use neurolink_config::Config;
use neurolink_core::server::{Adapter, Listener, Server};
use neurolink_core::{App, AppBuilder, ConfigError, ConfigProblem, Engine, Registration, Route, RouteGroup, Settings};
use neurolink_routes::WithRoutes as _;
use neurolink_serve::ServeConfig;

use crate::{Framework, serve_config};

/// A server in one expression: the default stack, all routes that the engine can answer, and a framework.
///
/// Its defaults are those of `neurolink serve`: request id, timing, security headers, cross-site and host checks,
/// access log; no CORS, no authentication, no rate limit.
///
/// ```no_run
/// use neurolink::{Framework, Route, create_server, routes::OfflineEngine};
///
/// # #[tokio::main] async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let server = create_server(OfflineEngine::new())
///     .framework(Framework::Axum)
///     .route(Route::get("/api/hello", async || "hello"))
///     .build()?;
/// server.run().await?;
/// # Ok(()) }
/// ```
#[doc(alias = "createServer")]
pub fn create_server(engine: impl Engine) -> CreateServer {
    CreateServer {
        app: App::builder(engine),
        config: Config::default(),
        changes: Vec::new(),
        adapter: None,
        framework: None,
        address: None,
        listener: None,
    }
}

/// A change of the settings, made after the configuration.
type Change = Box<dyn FnOnce(&mut Settings)>;

/// Collects what [`create_server`] makes.
pub struct CreateServer {
    app: AppBuilder,
    config: Config,
    changes: Vec<Change>,
    adapter: Option<Arc<dyn Adapter>>,
    framework: Option<Framework>,
    address: Option<String>,
    listener: Option<Listener>,
}

impl CreateServer {
    /// Serves on this framework; otherwise the configured one, which is axum unless told.
    #[must_use]
    pub const fn framework(mut self, framework: Framework) -> Self {
        self.framework = Some(framework);
        self
    }

    /// Serves on an adapter of your own, or on one with native routes.
    #[must_use]
    #[doc(alias = "getFrameworkInstance")]
    pub fn adapter(mut self, adapter: impl Adapter) -> Self {
        self.adapter = Some(Arc::new(adapter));
        self
    }

    /// Takes a whole configuration.
    #[must_use]
    pub fn config(mut self, config: Config) -> Self {
        self.config = config;
        self
    }

    /// Changes settings after the configuration.
    #[must_use]
    pub fn configure(mut self, change: impl FnOnce(&mut Settings) + 'static) -> Self {
        self.changes.push(Box::new(change));
        self
    }

    /// Adds a middleware; one of a configured name replaces that.
    #[must_use]
    #[doc(alias = "registerMiddleware")]
    pub fn middleware(mut self, middleware: impl Into<Registration>) -> Self {
        self.app = self.app.middleware(middleware);
        self
    }

    /// Adds a route.
    #[must_use]
    #[doc(alias = "registerRoute")]
    pub fn route(mut self, route: Route) -> Self {
        self.app = self.app.route(route);
        self
    }

    /// Adds a group of routes.
    #[must_use]
    #[doc(alias = "registerRouteGroup")]
    pub fn group(mut self, group: RouteGroup) -> Self {
        self.app = self.app.group(group);
        self
    }

    /// Registers a value that handlers take as [`State`](crate::State).
    #[must_use]
    pub fn state<T: Clone + Send + Sync + 'static>(mut self, state: T) -> Self {
        self.app = self.app.state(state);
        self
    }

    /// Where to listen: `127.0.0.1:3000` unless told or configured.
    #[must_use]
    pub fn bind(mut self, address: impl Into<String>) -> Self {
        self.address = Some(address.into());
        self
    }

    /// Serves on a socket that is open already, in place of an address; see [`ServerBuilder::listener`].
    ///
    /// [`ServerBuilder::listener`]: neurolink_core::server::ServerBuilder::listener
    #[must_use]
    pub fn listener(mut self, listener: impl Into<Listener>) -> Self {
        self.listener = Some(listener.into());
        self
    }

    /// Builds the app alone, to mount it somewhere.
    ///
    /// # Errors
    /// All mistakes at once.
    pub fn build_app(self) -> Result<App, ConfigError> {
        let mut app = self.config.apply(self.app)?;
        for change in self.changes {
            app = app.configure(change);
        }
        app.all_routes().build()
    }

    /// Builds the server; nothing is opened yet.
    ///
    /// # Errors
    /// All mistakes at once.
    pub fn build(mut self) -> Result<Server, ConfigError> {
        let server = self.config.server.clone();
        let (serve, mut problems) = match serve_config(&self.config) {
            Ok(serve) => (serve, Vec::new()),
            Err(error) => (ServeConfig::default(), error.into_problems()),
        };
        let tls = serve.tls.clone();
        let adapter = match self.adapter.take() {
            Some(adapter) => {
                for (key, given) in [
                    ("tls", server.tls.is_some()),
                    ("proxy_protocol", server.proxy_protocol),
                    ("max_connections_per_address", server.max_connections_per_address > 0),
                ] {
                    if given {
                        let problem = "an adapter of one's own does not know it; give it `serve_config(&config)`";
                        problems.push(ConfigProblem::new(format!("server.{key}"), problem));
                    }
                }
                adapter
            }
            None => {
                let framework = match self.framework {
                    Some(framework) => framework,
                    None => server.framework.parse().map_err(|error: crate::UnknownFramework| {
                        ConfigError::new(vec![ConfigProblem::new("server.framework", error.to_string())])
                    })?,
                };
                framework.adapter_with(serve).map_err(|problem| ConfigError::new(vec![problem]))?
            }
        };
        let listener = self.listener.take();
        let address = self.address.take().unwrap_or_else(|| server.address());
        let (drain_delay, grace): (Duration, Duration) = (server.drain_delay, server.grace);
        let app = match self.build_app() {
            Ok(app) if problems.is_empty() => app,
            Ok(_) => return Err(ConfigError::new(problems)),
            Err(error) => return Err(ConfigError::new([error.into_problems(), problems].concat())),
        };
        let mut builder = Server::builder(app)
            .adapter(adapter)
            .bind(address)
            .unix_mode(server.unix_mode)
            .drain_delay(drain_delay)
            .grace(grace);
        if server.reuse_port {
            builder = builder.reuse_port();
        }
        if server.allow_unauthenticated {
            builder = builder.allow_unauthenticated();
        }
        if let Some(listener) = listener {
            builder = builder.listener(listener);
        }
        if let Some(tls) = tls {
            builder = builder.on_reload(move || drop(tls.reload()));
        }
        builder.build()
    }
}
