use neurolink_core::AppBuilder;

/// Adds ready-made routes to an app, under its base path.
///
/// Set the base path first: the routes take the one that is set when they are added.
///
/// ```
/// use neurolink_core::App;
/// use neurolink_routes::{OfflineEngine, WithRoutes as _};
///
/// let app = App::builder(OfflineEngine::new()).all_routes().build()?;
/// assert!(app.plan().routes.iter().any(|route| route.path == "/api/agent/execute"));
/// # Ok::<(), neurolink_core::ConfigError>(())
/// ```
#[doc(alias = "registerAllRoutes")]
pub trait WithRoutes: Sized {
    /// Adds [`health`](crate::health()).
    #[must_use]
    fn health_routes(self) -> Self;

    /// Adds [`agent`](crate::agent()), with embeddings if the engine has an embedder.
    #[must_use]
    fn agent_routes(self) -> Self;

    /// Adds [`tools`](crate::tools()) if the engine has tools.
    #[must_use]
    fn tools_routes(self) -> Self;

    /// Adds [`auth`](crate::auth()) if a [`Login`](neurolink_core::login::Login) is the app's state: register it first.
    #[cfg(feature = "login")]
    #[must_use]
    fn auth_routes(self) -> Self;

    /// Adds all of them.
    #[must_use]
    fn all_routes(self) -> Self {
        let builder = self.health_routes().agent_routes().tools_routes();
        #[cfg(feature = "login")]
        let builder = builder.auth_routes();
        builder
    }
}

impl WithRoutes for AppBuilder {
    fn health_routes(self) -> Self {
        let group = crate::health(&self.base_path());
        self.group(group)
    }

    fn agent_routes(self) -> Self {
        let base = self.base_path();
        match self.engine().map(|engine| crate::agent(&base, &**engine)) {
            Some(group) => self.group(group),
            None => self,
        }
    }

    #[cfg(feature = "login")]
    fn auth_routes(self) -> Self {
        if !self.has_state::<neurolink_core::login::Login>() {
            return self;
        }
        let group = crate::auth(&self.base_path());
        self.group(group)
    }

    fn tools_routes(self) -> Self {
        let base = self.base_path();
        match self.engine().and_then(|engine| crate::tools(&base, &**engine)) {
            Some(group) => self.group(group),
            None => self,
        }
    }
}
