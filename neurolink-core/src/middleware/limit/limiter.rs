use std::fmt;
use std::sync::Arc;

use super::decision::{Asked, Asker, judge};
use super::store::{ask, send};
use super::{Key, RateLimit};
use crate::{ConfigError, ConfigProblem, Context, Error, Hook};

/// A limit that a handler asks itself, for what only it knows: which of its requests count, and whose they are.
///
/// The answer tells where the request stands as after any other limit; a handler finds it in the fact
/// [`RateLimitState`](super::RateLimitState).
///
/// ```
/// use std::time::Duration;
/// use neurolink_core::{Context, Error, ResultExt as _, Route, middleware::{Limiter, RateLimit}};
///
/// #[derive(Clone)]
/// struct Limits { invitations: Limiter }
///
/// async fn invite(ctx: &mut Context) -> Result<&'static str, Error> {
///     let limits = ctx.state::<Limits>().cloned().ok_or("no limits").or_internal()?;
///     let team = ctx.param("team").unwrap_or_default().into_owned();
///     limits.invitations.check_for(ctx, &team).await?; // 429 with `Retry-After` if the team has invited five
///     Ok("invited")
/// }
///
/// let hour = Duration::from_secs(3600);
/// let limits = Limits { invitations: RateLimit::sliding_counter(5, hour).limiter("invitations")? };
/// let route = Route::post("/api/teams/{team}/invite", invite); // in an app with `.state(limits)`
/// # Ok::<(), neurolink_core::ConfigError>(())
/// ```
#[doc(alias = "checkRateLimit")]
#[derive(Clone)]
pub struct Limiter {
    rule: Arc<RateLimit>,
    name: Arc<str>,
}

impl RateLimit {
    /// Makes it a limit that handlers ask; clones count together.
    ///
    /// The name is for headers and stores: in a store, limits of one name are one, so it needs one of its own.
    ///
    /// # Errors
    /// What `build()` would say of it in a stack; and it counts a cost, which nobody would find out: a handler knows itself
    /// whether it asks.
    pub fn limiter(self, name: impl Into<Arc<str>>) -> Result<Limiter, ConfigError> {
        let name = name.into();
        let mut problems = Hook::problems(&self);
        if self.cost_of().is_some() {
            problems.push("what a handler asks costs one; leave the cost away, and ask when it is to count".into());
        }
        if name.is_empty() || name.contains('@') || &*name == Hook::name(&self) {
            problems.push("it needs a name of its own, without `@`, such as `invitations`".into());
        }
        if !problems.is_empty() {
            let key = format!("limiter `{name}`");
            return Err(ConfigError::new(problems.into_iter().map(|it| ConfigProblem::new(&key, it)).collect()));
        }
        Ok(Limiter { rule: Arc::new(self), name })
    }
}

impl Limiter {
    /// Takes one of the caller's, whoever that is by the limit's [`Key`].
    ///
    /// # Errors
    /// The limit is used up: 429 with `Retry-After`, or as the limit says. It counts in a store that does not answer: 503,
    /// unless told. It counts by address and there is none: 500.
    pub async fn check(&self, ctx: &mut Context) -> Result<(), Error> {
        self.check_by(&self.rule, ctx).await
    }

    /// Takes one of whoever this text names. It may be as long as it likes: it is hashed.
    ///
    /// # Errors
    /// As [`check`](Self::check), but that it needs no address.
    pub async fn check_for(&self, ctx: &mut Context, identity: &str) -> Result<(), Error> {
        let identity = identity.to_owned();
        let key = Key::Custom(Arc::new(move |_| Some(identity.clone())));
        self.check_by(&RateLimit::clone(&self.rule).by(key), ctx).await
    }

    async fn check_by(&self, rule: &RateLimit, ctx: &mut Context) -> Result<(), Error> {
        let asked = [Asked::by_handler(rule, ctx, &self.name)];
        let answers = match rule.store_handle() {
            Some(_) => ask(&asked, ctx).await,
            None => Vec::new(),
        };
        let refused = judge(&asked, &answers, ctx, Asker::Handler);
        ctx.limited.asked_inside = true;
        send(ctx).await;
        refused.map_or(Ok(()), Err)
    }
}

impl fmt::Debug for Limiter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Limiter({}: {})", self.name, Hook::summary(&*self.rule))
    }
}
