//! A policy for a part of the paths, by scope; a single route or a group says `.policy(..)` itself.
//!
//! ```
//! use neurolink_core::policy::{Decision, policy_fn};
//! use neurolink_core::{Context, Stack, middleware::RequirePolicy};
//!
//! let own = policy_fn("own-files", |ctx: &Context| match (ctx.user(), ctx.param("user")) {
//!     (Some(user), Some(id)) if *id == *user.id => Decision::Allow,
//!     _ => Decision::NotFound,
//! });
//! let registration = RequirePolicy::on("/files/{user}/{*rest}", own);
//! # let _ = registration;
//! ```

use std::fmt;
use std::sync::Arc;

use async_trait::async_trait;

use crate::app::pattern::Pattern;
use crate::policy::{self, Policy};
use crate::stack::{Kind, order};
use crate::{Context, Error, Middleware, Next, Registration, Response};

/// Refuses who is no user with 401, and a user whom the policy does not allow as the policy says.
pub struct RequirePolicy {
    name: String,
    policy: Arc<dyn Policy>,
    /// Where the parameters stand, or why nowhere.
    pattern: Option<Result<Arc<Pattern>, String>>,
}

impl RequirePolicy {
    /// Asks a policy wherever it is registered; of a host's own routes it sees the path, and no parameters.
    ///
    /// Its name in the plan is `policy NAME`.
    pub fn new(policy: impl Policy) -> Self {
        Self { name: format!("policy {}", policy.name()), policy: Arc::new(policy), pattern: None }
    }

    /// Asks a policy on the paths of one pattern, such as `/files/{id}`, whose parameters it sees; for a host's own routes,
    /// which have no patterns that the core knows.
    ///
    /// They are decoded once. A host whose router gives its handlers the raw text has to be compared with
    /// [`Context::path`]. A pattern that is none is a build error.
    pub fn on(pattern: &str, policy: impl Policy) -> Registration {
        let parsed = Pattern::parse(pattern).map(Arc::new).map_err(|problem| format!("`{pattern}`: {problem}"));
        let is_one = parsed.is_ok();
        let registration = Registration::new(Self { pattern: Some(parsed), ..Self::new(policy) });
        if is_one { registration.only([pattern]) } else { registration }
    }

    fn pattern(&self) -> Option<&Arc<Pattern>> {
        self.pattern.as_ref()?.as_ref().ok()
    }
}

#[async_trait]
impl Middleware for RequirePolicy {
    fn name(&self) -> &str {
        &self.name
    }

    fn order(&self) -> i16 {
        order::POLICY
    }

    fn kind(&self) -> Kind {
        Kind::NeedsUser
    }

    fn summary(&self) -> String {
        self.pattern().map_or_else(String::new, |pattern| format!("on {pattern}"))
    }

    fn problems(&self) -> Vec<String> {
        self.pattern.iter().filter_map(|pattern| pattern.as_ref().err().cloned()).collect()
    }

    async fn handle(&self, ctx: &mut Context, next: Next<'_>) -> Result<Response, Error> {
        policy::ask(&*self.policy, self.pattern(), ctx).await?;
        Ok(next.run(ctx).await)
    }
}

impl fmt::Debug for RequirePolicy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "RequirePolicy({})", self.policy.name())
    }
}
