use std::any::{Any, TypeId};
use std::collections::HashMap;
use std::sync::Arc;

use super::App;
use super::checks;
use super::compile::Compiler;
use super::cross_site::CrossSite;
use super::host::Hosts;
use super::observer::Observer;
use super::plan;
use super::probes::Probes;
use super::proxies::Proxies;
use super::route::{Route, RouteGroup};
use super::table::Shared;
use crate::config::{ConfigError, Problems, Settings};
use crate::http::BodyBudget;
use crate::security::SecurityLog;
use crate::stack::{self, Registered, Registration, Stack};
use crate::{Clock, Engine, SystemClock};

/// Collects everything an [`App`] is made of; [`build`](Self::build) checks and compiles it once.
pub struct AppBuilder {
    engine: Option<Arc<dyn Engine>>,
    settings: Settings,
    registrations: Vec<Registration>,
    steps: Vec<Registered>,
    routes: Vec<Route>,
    states: HashMap<TypeId, Box<dyn Any + Send + Sync>>,
    observers: Vec<Arc<dyn Observer>>,
    clock: Arc<dyn Clock>,
    budget: Option<Arc<BodyBudget>>,
    public: Vec<String>,
    /// There are no routes of ours: the onion stands around a host's.
    native: bool,
}

impl AppBuilder {
    pub(crate) fn new(engine: Option<Arc<dyn Engine>>) -> Self {
        Self {
            engine,
            settings: Settings::default(),
            registrations: Vec::new(),
            steps: Vec::new(),
            routes: Vec::new(),
            states: HashMap::new(),
            observers: Vec::new(),
            clock: Arc::new(SystemClock),
            budget: None,
            public: Vec::new(),
            native: false,
        }
    }

    /// A builder of an onion around a host's routes.
    pub(crate) fn native(stack: Stack, settings: Settings) -> Self {
        let settings = Settings { base_path: "/".into(), ..settings };
        Self { native: true, settings, ..Self::new(None).stack(stack) }
    }

    /// Sets everything at once.
    #[must_use]
    pub fn settings(mut self, settings: Settings) -> Self {
        self.settings = settings;
        self
    }

    /// Changes some of the settings.
    #[must_use]
    pub fn configure(mut self, change: impl FnOnce(&mut Settings)) -> Self {
        change(&mut self.settings);
        self
    }

    /// Adds a middleware around every route in its scope.
    #[must_use]
    pub fn middleware(mut self, middleware: impl Into<Registration>) -> Self {
        self.registrations.push(middleware.into());
        self
    }

    /// Adds a whole stack.
    #[must_use]
    pub fn stack(mut self, stack: Stack) -> Self {
        self.steps.extend(stack.steps);
        self.public.extend(stack.public);
        self.observers.extend(stack.observers);
        self
    }

    /// Adds a route.
    #[must_use]
    pub fn route(mut self, route: Route) -> Self {
        self.routes.push(route);
        self
    }

    /// Adds a group of routes.
    #[must_use]
    pub fn group(mut self, group: RouteGroup) -> Self {
        self.routes.extend(group.flatten());
        self
    }

    /// Registers a value that handlers take as [`State`](crate::State); a second one of its type replaces the first.
    #[must_use]
    pub fn state<T: Clone + Send + Sync + 'static>(mut self, state: T) -> Self {
        self.states.insert(TypeId::of::<T>(), Box::new(state));
        self
    }

    /// Whether a value of this type is registered, for route groups that need it.
    #[must_use]
    pub fn has_state<T: 'static>(&self) -> bool {
        self.states.contains_key(&TypeId::of::<T>())
    }

    /// Adds an observer.
    #[must_use]
    pub fn observe(mut self, observer: impl Observer) -> Self {
        self.observers.push(Arc::new(observer));
        self
    }

    /// Sets the clock.
    #[must_use]
    pub fn clock(mut self, clock: Arc<dyn Clock>) -> Self {
        self.clock = clock;
        self
    }

    /// Shares the budget for request bodies with another app: so all apps of a process have one between them.
    ///
    /// `limits.body_budget` is then that of the other app.
    ///
    /// ```
    /// use neurolink_core::{App, Route};
    /// # use neurolink_core::{Engine, Error, engine::*};
    /// # struct Parrot;
    /// # #[async_trait::async_trait]
    /// # impl Engine for Parrot {
    /// #     fn name(&self) -> &str { "parrot" }
    /// #     async fn generate(&self, r: Generate, _: &Call) -> Result<Generation, Error> { Ok(Generation::new(r.input.text, "p", "m")) }
    /// #     async fn stream(&self, _: Generate, _: &Call) -> Result<EventStream, Error> { Ok(Box::pin(futures_util::stream::empty())) }
    /// # }
    ///
    /// let one = App::builder(Parrot).route(Route::get("/api/one", async || "one")).build()?;
    /// let two = App::builder(Parrot).share_body_budget(&one).route(Route::get("/api/two", async || "two")).build()?;
    /// # Ok::<(), neurolink_core::ConfigError>(())
    /// ```
    #[must_use]
    pub fn share_body_budget(mut self, other: &App) -> Self {
        self.budget = Some(Arc::clone(&other.shared.budget));
        self
    }

    /// Makes the routes that these patterns cover public: the original's skip paths.
    #[must_use]
    pub fn public<P: Into<String>>(mut self, patterns: impl IntoIterator<Item = P>) -> Self {
        self.public.extend(patterns.into_iter().map(Into::into));
        self
    }

    /// The engine, for route groups that follow what it can do.
    #[must_use]
    pub fn engine(&self) -> Option<&Arc<dyn Engine>> {
        self.engine.as_ref()
    }

    /// The base path as it is set, without a slash at its end.
    #[must_use]
    pub fn base_path(&self) -> String {
        self.settings.base_path.trim_end_matches('/').to_owned()
    }

    /// Checks everything and compiles it.
    ///
    /// # Errors
    /// All mistakes at once, each with its fix.
    pub fn build(self) -> Result<App, ConfigError> {
        let mut problems = Problems::default();
        let mut settings = self.settings;
        if let Some(budget) = &self.budget {
            settings.limits.body_budget = budget.limit();
        }
        checks::settings(&settings, &mut problems);
        let base_path = checks::base_path(&settings.base_path, &mut problems);
        let hosts = Hosts::new(&settings.hosts, settings.allow_any_host);
        let hosts = problems.of("hosts", hosts);
        let proxies = Proxies::new(&settings).unwrap_or_else(|found| {
            found.into_iter().for_each(|(key, problem)| problems.add(key, problem));
            Proxies::default()
        });
        let request_id_header = checks::request_id_header(&settings.request_id_header, &mut problems);
        let global = global(self.steps, self.registrations, &settings, &mut problems);
        if self.native {
            checks::bodies_said(&global, &mut problems);
        }
        #[cfg(feature = "login")]
        let all_are_public = self.routes.iter().all(|route| route.access == super::route::Access::Public);
        let compiled = Compiler::new(&settings, &base_path, &global, &self.states, &mut problems).compile(
            self.routes,
            &self.public,
            self.native,
        );
        #[cfg(feature = "login")]
        checks::login(&self.states, compiled.has_authenticator || all_are_public, &mut problems);
        problems.into_result(())?;
        let mut plan = compiled.plan;
        plan.checks = plan::checks(&settings, &hosts, &proxies, &compiled.single);
        let shared = Shared {
            base_path,
            hosts,
            proxies,
            request_id_header,
            clock: self.clock,
            engine: self.engine,
            states: self.states,
            observers: self.observers.into(),
            security_log: SecurityLog::default(),
            budget: self.budget.unwrap_or_else(|| Arc::new(BodyBudget::new(settings.limits.body_budget))),
            streams: Arc::default(),
            #[cfg(feature = "rate-limit")]
            settling: Arc::default(),
            probes: Probes::new(settings.probe_rate),
            router: compiled.router,
            paths: compiled.paths,
            targets: compiled.targets,
            plan,
            has_authenticator: compiled.has_authenticator,
            authenticated: compiled.authenticated,
            single: compiled.single,
            public: compiled.public,
            settings,
        };
        Ok(App { shared: Arc::new(shared), life: Arc::default() })
    }
}

/// The middleware of all routes, in order: from stacks, registered, and the cross-site check.
fn global(
    mut steps: Vec<Registered>,
    registrations: Vec<Registration>,
    settings: &Settings,
    problems: &mut Problems,
) -> Vec<Registered> {
    steps.extend(stack::resolve_registrations(registrations, problems));
    if settings.cross_site_check {
        steps.push(Registered::own(CrossSite { trusted: settings.trusted_origins.clone() }));
    }
    steps.sort_by_key(|step| step.order);
    for (index, step) in steps.iter().enumerate() {
        if steps[..index].iter().any(|other| other.name == step.name) {
            problems.add(format!("middleware.{}", step.name), stack::TWICE);
        }
    }
    steps
}
