use std::sync::Arc;

use super::{Kind, Middleware};
use crate::app::pattern::{Scope, parse_scope};

/// A middleware with where it stands and where it applies.
///
/// ```
/// use neurolink_core::stack::{IntoRegistration, order};
/// use neurolink_core::{Context, Hook, Registration};
///
/// struct Audit;
/// impl Hook for Audit {
///     fn name(&self) -> &str { "audit" }
/// }
///
/// let registration: Registration = Audit.only(["/api/admin/*"]).at(order::AFTER_AUTH).named("admin-audit");
/// ```
#[derive(Clone)]
pub struct Registration {
    middleware: Arc<dyn Middleware>,
    order: Option<i16>,
    name: Option<Arc<str>>,
    only: Option<Vec<String>>,
    except: Vec<String>,
    configured: bool,
}

impl Registration {
    /// Registers a middleware as it is.
    pub fn new(middleware: impl Middleware) -> Self {
        Self {
            middleware: Arc::new(middleware),
            order: None,
            name: None,
            only: None,
            except: Vec::new(),
            configured: false,
        }
    }

    /// Stands at `order` instead of the middleware's own place.
    #[must_use]
    pub const fn at(mut self, order: i16) -> Self {
        self.order = Some(order);
        self
    }

    /// Applies to these paths only; `/a/*` is short for `/a` and everything below it.
    #[must_use]
    pub fn only<P: Into<String>>(mut self, patterns: impl IntoIterator<Item = P>) -> Self {
        self.only.get_or_insert_default().extend(patterns.into_iter().map(Into::into));
        self
    }

    /// Applies to all paths but these.
    #[must_use]
    pub fn except<P: Into<String>>(mut self, patterns: impl IntoIterator<Item = P>) -> Self {
        self.except.extend(patterns.into_iter().map(Into::into));
        self
    }

    /// Goes by another name, so that one kind of middleware can be there twice.
    #[must_use]
    pub fn named(mut self, name: impl Into<Arc<str>>) -> Self {
        self.name = Some(name.into());
        self
    }

    /// Marks a middleware that comes from configuration: one registered in code under the same name replaces it.
    #[must_use]
    pub const fn configured(mut self) -> Self {
        self.configured = true;
        self
    }

    pub(crate) fn name(&self) -> &str {
        self.name.as_deref().unwrap_or_else(|| self.middleware.name())
    }

    pub(crate) fn kind(&self) -> Kind {
        self.middleware.kind()
    }

    pub(crate) const fn is_configured(&self) -> bool {
        self.configured
    }

    /// Checks and parses; what is wrong goes to `problems` as (key, problem).
    pub(crate) fn resolve(self, problems: &mut Vec<(String, String)>) -> Registered {
        let name: Arc<str> = self.name().into();
        let key = format!("middleware.{name}");
        for problem in self.middleware.problems() {
            problems.push((key.clone(), problem));
        }
        let mut parse = |patterns: &[String]| {
            parse_scope(patterns).unwrap_or_else(|problem| {
                problems.push((key.clone(), problem));
                Vec::new()
            })
        };
        let only = self.only.as_deref().map(&mut parse);
        let except = parse(&self.except);
        let order = self.order.unwrap_or_else(|| self.middleware.order());
        if self.middleware.kind() == Kind::Authenticator && order >= super::order::ROLES {
            problems.push((
                key,
                format!(
                    "at order {order} it stands behind the authorisation of routes, so that nobody could come in; \
                     leave out `.at(..)` or choose less than {}",
                    super::order::ROLES
                ),
            ));
        }
        Registered { middleware: self.middleware, order, name, scope: Arc::new(Scope::new(only, except)) }
    }
}

impl<M: Middleware> From<M> for Registration {
    fn from(middleware: M) -> Self {
        Self::new(middleware)
    }
}

/// Gives every middleware the words of a [`Registration`].
pub trait IntoRegistration: Into<Registration> {
    /// Stands at `order` instead of its own place.
    fn at(self, order: i16) -> Registration {
        self.into().at(order)
    }

    /// Applies to these paths only.
    fn only<P: Into<String>>(self, patterns: impl IntoIterator<Item = P>) -> Registration {
        self.into().only(patterns)
    }

    /// Applies to all paths but these.
    fn except<P: Into<String>>(self, patterns: impl IntoIterator<Item = P>) -> Registration {
        self.into().except(patterns)
    }

    /// Goes by another name.
    fn named(self, name: impl Into<Arc<str>>) -> Registration {
        self.into().named(name)
    }
}

impl<M: Middleware> IntoRegistration for M {}

/// The patterns of public routes, as a scope.
pub(crate) fn parse_public(patterns: &[String], problems: &mut crate::config::Problems) -> Scope {
    let mut parsed = Vec::new();
    for pattern in patterns {
        match parse_scope(std::slice::from_ref(pattern)) {
            Ok(more) => parsed.extend(more),
            Err(problem) => problems.add("public", problem),
        }
    }
    Scope::new(Some(parsed), Vec::new())
}

/// A registration that is resolved and parsed.
#[derive(Clone)]
pub(crate) struct Registered {
    pub(crate) middleware: Arc<dyn Middleware>,
    pub(crate) order: i16,
    pub(crate) name: Arc<str>,
    pub(crate) scope: Arc<Scope>,
}

impl Registered {
    /// A step of the core's own: it applies everywhere, at its own place.
    pub(crate) fn own(middleware: impl Middleware) -> Self {
        let (order, name) = (middleware.order(), middleware.name().into());
        Self { middleware: Arc::new(middleware), order, name, scope: Arc::default() }
    }

    pub(crate) fn kind(&self) -> Kind {
        self.middleware.kind()
    }
}
