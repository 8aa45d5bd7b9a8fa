use std::sync::Arc;
use std::time::Duration;

use http::Method;

use super::policy::Policy;
use super::requirement::{self, Requirement};
use crate::Registration;
use crate::extract::{ErasedHandler, Handler};
#[cfg(feature = "rate-limit")]
use crate::{middleware::RateLimit, stack::IntoRegistration as _};

/// Who may call a route.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum Access {
    /// A user, once any authenticator exists; everybody before.
    #[default]
    Default,
    /// Everybody; credentials are not looked at.
    Public,
    /// Everybody; credentials that are sent must be valid.
    Optional,
    /// A user, always: without an authenticator the route is not there.
    User,
}

/// One method on one path, with the rules that hold for it.
///
/// ```
/// use std::time::Duration;
/// use neurolink_core::Route;
///
/// let route = Route::get("/api/reports/{id}", async || "report")
///     .roles(["analyst"])
///     .timeout(Duration::from_secs(5))
///     .description("One report");
/// ```
pub struct Route {
    pub(crate) method: Method,
    pub(crate) path: String,
    pub(crate) handler: Box<dyn ErasedHandler>,
    pub(crate) access: Access,
    pub(crate) required: Requirement,
    /// What its group asks for.
    pub(crate) group_required: Requirement,
    /// Its group's first.
    pub(crate) policies: Vec<Arc<dyn Policy>>,
    pub(crate) body_limit: Option<usize>,
    pub(crate) timeout: Option<Duration>,
    pub(crate) middleware: Vec<Registration>,
    /// Those that get the route's method and path in their names.
    pub(crate) own: Vec<Registration>,
    pub(crate) description: String,
    pub(crate) group: String,
    pub(crate) probe: bool,
}

/// What routes and groups ask of users, in the same words.
macro_rules! restrictions {
    ($what:literal) => {
        #[doc = concat!("Only users with one of these roles ", $what, ".")]
        #[must_use]
        pub fn roles<R: Into<String>>(mut self, roles: impl IntoIterator<Item = R>) -> Self {
            requirement::add(&mut self.required.any_role, roles);
            self
        }

        #[doc = concat!("Only users with all of these roles ", $what, ".")]
        #[must_use]
        pub fn all_roles<R: Into<String>>(mut self, roles: impl IntoIterator<Item = R>) -> Self {
            requirement::add(&mut self.required.all_roles, roles);
            self
        }

        #[doc = concat!("Only users with all of these permissions ", $what, ".")]
        #[must_use]
        pub fn permissions<P: Into<String>>(mut self, permissions: impl IntoIterator<Item = P>) -> Self {
            requirement::add(&mut self.required.all_permissions, permissions);
            self
        }

        #[doc = concat!("Only users with one of these permissions ", $what, ".")]
        #[must_use]
        pub fn any_permission<P: Into<String>>(mut self, permissions: impl IntoIterator<Item = P>) -> Self {
            requirement::add(&mut self.required.any_permission, permissions);
            self
        }

        #[doc = concat!("Only users whom the policy allows ", $what, "; of several, each has to.")]
        #[must_use]
        pub fn policy(mut self, policy: impl Policy) -> Self {
            self.policies.push(Arc::new(policy));
            self
        }
    };
}

macro_rules! methods {
    ($($(#[$doc:meta])* $name:ident = $method:ident;)*) => {
        $(
            $(#[$doc])*
            pub fn $name<H: Handler<M>, M: 'static>(path: impl Into<String>, handler: H) -> Self {
                Self::new(Method::$method, path, handler)
            }
        )*
    };
}

impl Route {
    /// A route for any method.
    pub fn new<H: Handler<M>, M: 'static>(method: Method, path: impl Into<String>, handler: H) -> Self {
        Self {
            method,
            path: path.into(),
            handler: <dyn ErasedHandler>::new(handler),
            access: Access::Default,
            required: Requirement::default(),
            group_required: Requirement::default(),
            policies: Vec::new(),
            body_limit: None,
            timeout: None,
            middleware: Vec::new(),
            own: Vec::new(),
            description: String::new(),
            group: String::new(),
            probe: false,
        }
    }

    methods! {
        /// A GET route; HEAD is answered by it too.
        get = GET;
        /// A POST route.
        post = POST;
        /// A PUT route.
        put = PUT;
        /// A PATCH route.
        patch = PATCH;
        /// A DELETE route.
        delete = DELETE;
    }

    /// Everybody may call it; credentials are not looked at.
    #[must_use]
    pub const fn public(mut self) -> Self {
        self.access = Access::Public;
        self
    }

    /// Everybody may call it; credentials that are sent must be valid.
    #[must_use]
    pub const fn optional_auth(mut self) -> Self {
        self.access = Access::Optional;
        self
    }

    /// Only users may call it; without an authenticator the route is not there (404).
    #[must_use]
    pub const fn private(mut self) -> Self {
        self.access = Access::User;
        self
    }

    restrictions!("may call it");

    /// The most bytes of a request body.
    #[must_use]
    pub const fn body_limit(mut self, bytes: usize) -> Self {
        self.body_limit = Some(bytes);
        self
    }

    /// Takes bodies of any size, for a handler that passes on what comes and holds none of it.
    #[must_use]
    pub const fn unlimited_body(mut self) -> Self {
        self.body_limit = Some(usize::MAX);
        self
    }

    /// How long it may take until the first byte is answered.
    #[must_use]
    pub const fn timeout(mut self, timeout: Duration) -> Self {
        self.timeout = Some(timeout);
        self
    }

    /// Adds a middleware for this route alone.
    #[must_use]
    pub fn middleware(mut self, middleware: impl Into<Registration>) -> Self {
        self.middleware.push(middleware.into());
        self
    }

    /// Limits how often it may be called; what is around all routes counts it too.
    ///
    /// It is named `route-rate-limit POST /login`, by the route's method and whole path, so that routes have counts of
    /// their own, also of clones and in a store. Routes that are to share one take `.middleware(limit.named(".."))`, each a clone.
    ///
    /// ```
    /// use std::time::Duration;
    /// use neurolink_core::{Route, middleware::RateLimit};
    ///
    /// let login = Route::post("/login", async || "hello").rate_limit(RateLimit::fixed_window(5, Duration::from_secs(60)));
    /// # let _ = login;
    /// ```
    #[cfg(feature = "rate-limit")]
    #[must_use]
    pub fn rate_limit(mut self, limit: RateLimit) -> Self {
        self.own.push(limit.count_anew().named("route-rate-limit"));
        self
    }

    /// Says what it does, for the plan and the documentation.
    #[must_use]
    pub fn description(mut self, text: impl Into<String>) -> Self {
        self.description = text.into();
        self
    }

    /// Marks a health probe: it is answered while the server drains, and so often in a second to each address
    /// ([`Settings::probe_rate`](crate::Settings::probe_rate)); limits that do not name its path leave it alone.
    #[must_use]
    pub const fn probe(mut self) -> Self {
        self.probe = true;
        self
    }
}

impl std::fmt::Debug for Route {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Route")
            .field("method", &self.method)
            .field("path", &self.path)
            .field("access", &self.access)
            .field("required", &self.required)
            .finish_non_exhaustive()
    }
}

impl Route {
    /// Whether it asks for more than a user, itself or by its group.
    pub(super) fn is_restricted(&self) -> bool {
        !self.required.is_empty() || !self.group_required.is_empty() || !self.policies.is_empty()
    }

    /// What it and its group ask for.
    pub(super) fn requirements(&self) -> Vec<Requirement> {
        let all = [&self.group_required, &self.required];
        all.into_iter().filter(|requirement| !requirement.is_empty()).cloned().collect()
    }
}

/// Routes under one prefix, with middleware of their own.
///
/// ```
/// use neurolink_core::{Route, RouteGroup};
///
/// let group = RouteGroup::new("/api/reports")
///     .route(Route::get("/", async || "all"))
///     .route(Route::get("/{id}", async || "one"));
/// ```
pub struct RouteGroup {
    pub(crate) prefix: String,
    pub(crate) name: String,
    pub(crate) routes: Vec<Route>,
    pub(crate) middleware: Vec<Registration>,
    required: Requirement,
    policies: Vec<Arc<dyn Policy>>,
}

impl RouteGroup {
    /// A group under `prefix`.
    pub fn new(prefix: impl Into<String>) -> Self {
        let prefix = prefix.into();
        let name = prefix.rsplit('/').next().unwrap_or_default().to_owned();
        Self {
            prefix,
            name,
            routes: Vec::new(),
            middleware: Vec::new(),
            required: Requirement::default(),
            policies: Vec::new(),
        }
    }

    /// Names the group in the plan; otherwise it is the prefix's last segment.
    #[must_use]
    pub fn named(mut self, name: impl Into<String>) -> Self {
        self.name = name.into();
        self
    }

    /// Adds a route; its path is what follows the prefix, and `/` is the prefix itself.
    #[must_use]
    pub fn route(mut self, route: Route) -> Self {
        self.routes.push(route);
        self
    }

    /// Adds a middleware for all routes of the group.
    #[must_use]
    pub fn middleware(mut self, middleware: impl Into<Registration>) -> Self {
        self.middleware.push(middleware.into());
        self
    }

    restrictions!("may call its routes; what a route asks for itself applies too");

    /// Its routes with their whole paths and the group's middleware in front of their own.
    pub(crate) fn flatten(self) -> impl Iterator<Item = Route> {
        let Self { prefix, name, routes, middleware, required, policies } = self;
        let prefix = prefix.trim_end_matches('/').to_owned();
        routes.into_iter().map(move |mut route| {
            route.path = match route.path.as_str() {
                "" | "/" if !prefix.is_empty() => prefix.clone(),
                path => format!("{prefix}{path}"),
            };
            route.group.clone_from(&name);
            route.middleware.splice(0..0, middleware.iter().cloned());
            route.group_required.clone_from(&required);
            route.policies.splice(0..0, policies.iter().cloned());
            route
        })
    }
}
