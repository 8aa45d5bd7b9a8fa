use std::sync::Arc;

use super::{BodyAccess, Registered, Registration};
use crate::app::Observer;
use crate::config::{ConfigError, Problems};

/// Middleware in the order it runs, checked; it needs no engine and fits around native routes too.
///
/// ```
/// use neurolink_core::Stack;
///
/// let stack = Stack::builder().build()?;
/// assert!(stack.is_empty());
/// # Ok::<(), neurolink_core::ConfigError>(())
/// ```
#[derive(Clone, Default)]
pub struct Stack {
    pub(crate) steps: Vec<Registered>,
    pub(crate) public: Vec<String>,
    pub(crate) observers: Vec<Arc<dyn Observer>>,
}

/// Collects middleware for a [`Stack`].
#[derive(Default)]
pub struct StackBuilder {
    pub(crate) registrations: Vec<Registration>,
    public: Vec<String>,
    observers: Vec<Arc<dyn Observer>>,
}

impl Stack {
    /// An empty builder.
    #[must_use]
    pub fn builder() -> StackBuilder {
        StackBuilder::default()
    }

    /// Whether nothing is registered.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.steps.is_empty()
    }

    /// The names of the middleware, outermost first.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.steps.iter().map(|step| &*step.name)
    }

    /// Which bodies the middleware together reads.
    #[must_use]
    pub fn body(&self) -> BodyAccess {
        self.steps.iter().fold(BodyAccess::None, |all, step| match (all, step.middleware.body()) {
            (one, two) if one == two => one,
            (BodyAccess::None, other) | (other, BodyAccess::None) => other,
            _ => BodyAccess::Both,
        })
    }
}

impl StackBuilder {
    /// Adds a middleware, or a [`Registration`] that says where it stands and applies.
    #[must_use]
    pub fn with(mut self, middleware: impl Into<Registration>) -> Self {
        self.registrations.push(middleware.into());
        self
    }

    /// Makes the routes that these patterns cover public: authenticators do not look at their requests.
    #[must_use]
    pub fn public<P: Into<String>>(mut self, patterns: impl IntoIterator<Item = P>) -> Self {
        self.public.extend(patterns.into_iter().map(Into::into));
        self
    }

    /// Adds an observer, also of what happens around a host's own routes.
    #[must_use]
    pub fn observe(mut self, observer: impl Observer) -> Self {
        self.observers.push(Arc::new(observer));
        self
    }

    /// Checks everything and sorts by order.
    ///
    /// # Errors
    /// All mistakes at once: wrong settings, wrong scopes, two steps of one name, a step that stands where it cannot work.
    pub fn build(self) -> Result<Stack, ConfigError> {
        let mut problems = Problems::default();
        let steps = resolve(self.registrations, &mut problems);
        problems.into_result(Stack { steps, public: self.public, observers: self.observers })
    }
}

/// What is wrong with a name that is there twice.
pub(crate) const TWICE: &str = "two steps have this name; give one of them another with `.named(\"..\")`";

/// Resolves and sorts registrations; one from code replaces a configured one of its name.
pub(crate) fn resolve(registrations: Vec<Registration>, problems: &mut Problems) -> Vec<Registered> {
    let mut kept: Vec<Registration> = Vec::with_capacity(registrations.len());
    for registration in registrations {
        match kept.iter().position(|other| other.name() == registration.name()) {
            Some(index) if kept[index].is_configured() && !registration.is_configured() => {
                kept[index] = registration;
            }
            Some(index) if registration.is_configured() && !kept[index].is_configured() => {}
            Some(_) => problems.add(format!("middleware.{}", registration.name()), TWICE),
            None => kept.push(registration),
        }
    }
    let mut found = Vec::new();
    let mut steps: Vec<Registered> = kept.into_iter().map(|registration| registration.resolve(&mut found)).collect();
    for (key, problem) in found {
        problems.add(key, problem);
    }
    steps.sort_by_key(|step| step.order);
    steps
}
