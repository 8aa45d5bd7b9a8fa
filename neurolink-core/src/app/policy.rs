//! Policies: functions that decide who may do what with which object.

use std::panic::AssertUnwindSafe;
use std::sync::Arc;

use async_trait::async_trait;
use futures_util::FutureExt as _;
use http::Method;

use super::Context;
use super::params::ScopeParams;
use super::pattern::Pattern;
use crate::security::{Required, SecurityEventKind};
use crate::stack::{Kind, Next, order, panicked};
use crate::{BoxFuture, Code, Error, Middleware, Response};

/// What a [`Policy`] says.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Decision {
    /// The user may.
    Allow,
    /// The user may not: 403.
    Deny,
    /// For this user it is not there: 404, as for what is nowhere.
    NotFound,
}

/// Decides whether a user may do what a request asks.
///
/// It is asked behind authentication, roles and limits, before the body is read; there is always a user.
/// HEAD comes as GET. Whatever else it does than to allow is a refusal: an error is a 503 whose text goes to the log only,
/// a panic is a 500, and one that takes too long ends at the request's deadline.
///
/// Let it say [`NotFound`](Decision::NotFound) both for what is missing and for what is somebody else's: then
/// nobody can tell one from the other.
///
/// ```
/// use std::sync::Arc;
/// use neurolink_core::policy::{Decision, Policy};
/// use neurolink_core::{Context, Error, Route};
///
/// # struct Database;
/// # impl Database { async fn owner(&self, _: &str) -> Result<Option<String>, std::io::Error> { Ok(None) } }
/// struct Owner(Arc<Database>);
///
/// #[async_trait::async_trait]
/// impl Policy for Owner {
///     fn name(&self) -> &str { "owner" }
///
///     async fn decide(&self, ctx: &Context) -> Result<Decision, Error> {
///         let (Some(user), Some(id)) = (ctx.user(), ctx.param("id")) else { return Ok(Decision::Deny) };
///         let owner = self.0.owner(&id).await.map_err(Error::internal)?;
///         Ok(if owner.is_some_and(|owner| owner == user.id) { Decision::Allow } else { Decision::NotFound })
///     }
/// }
///
/// let route = Route::get("/api/documents/{id}", async || "a document").policy(Owner(Arc::new(Database)));
/// # let _ = route;
/// ```
#[async_trait]
pub trait Policy: Send + Sync + 'static {
    /// The name in the plan, in logs and in events.
    fn name(&self) -> &str;

    /// Decides.
    ///
    /// # Errors
    /// Nobody can tell now: the caller gets 503.
    async fn decide(&self, ctx: &Context) -> Result<Decision, Error>;
}

/// A policy made of a function; see [`policy_fn`].
pub struct PolicyFn<F> {
    name: Arc<str>,
    function: F,
}

/// A policy made of a function that asks somebody else; see [`async_policy_fn`].
pub struct AsyncPolicyFn<F> {
    name: Arc<str>,
    function: F,
}

/// Makes a policy of a function that knows at once.
///
/// ```
/// use neurolink_core::policy::{Decision, policy_fn};
/// use neurolink_core::{Context, Route};
///
/// let own = policy_fn("own-profile", |ctx: &Context| match (ctx.user(), ctx.param("user")) {
///     (Some(user), Some(id)) if *id == *user.id => Decision::Allow,
///     _ => Decision::NotFound,
/// });
/// let route = Route::get("/api/profiles/{user}", async || "a profile").policy(own);
/// # let _ = route;
/// ```
pub fn policy_fn<F>(name: impl Into<Arc<str>>, function: F) -> PolicyFn<F>
where
    F: Fn(&Context) -> Decision + Send + Sync + 'static,
{
    PolicyFn { name: name.into(), function }
}

/// Makes a policy of a function that asks somebody else.
///
/// ```
/// use neurolink_core::Context;
/// use neurolink_core::policy::{Decision, async_policy_fn};
///
/// let open = async_policy_fn("office-hours", |_: &Context| Box::pin(async { Ok(Decision::Allow) }));
/// # let _ = open;
/// ```
pub fn async_policy_fn<F>(name: impl Into<Arc<str>>, function: F) -> AsyncPolicyFn<F>
where
    F: for<'a> Fn(&'a Context) -> BoxFuture<'a, Result<Decision, Error>> + Send + Sync + 'static,
{
    AsyncPolicyFn { name: name.into(), function }
}

#[async_trait]
impl<F> Policy for PolicyFn<F>
where
    F: Fn(&Context) -> Decision + Send + Sync + 'static,
{
    fn name(&self) -> &str {
        &self.name
    }

    async fn decide(&self, ctx: &Context) -> Result<Decision, Error> {
        Ok((self.function)(ctx))
    }
}

#[async_trait]
impl<F> Policy for AsyncPolicyFn<F>
where
    F: for<'a> Fn(&'a Context) -> BoxFuture<'a, Result<Decision, Error>> + Send + Sync + 'static,
{
    fn name(&self) -> &str {
        &self.name
    }

    async fn decide(&self, ctx: &Context) -> Result<Decision, Error> {
        (self.function)(ctx).await
    }
}

/// The policies of one route, its group's first: the first that does not allow answers.
pub(super) struct Policies(pub(super) Vec<Arc<dyn Policy>>);

pub(super) const NAME: &str = "policy";

#[async_trait]
impl Middleware for Policies {
    fn name(&self) -> &str {
        NAME
    }

    fn order(&self) -> i16 {
        order::POLICY
    }

    fn kind(&self) -> Kind {
        Kind::NeedsUser
    }

    fn summary(&self) -> String {
        self.0.iter().map(|policy| policy.name()).collect::<Vec<_>>().join(", ")
    }

    async fn handle(&self, ctx: &mut Context, next: Next<'_>) -> Result<Response, Error> {
        for policy in &self.0 {
            ask(&**policy, None, ctx).await?;
        }
        Ok(next.run(ctx).await)
    }
}

/// Asks a policy, and reports what it decided.
///
/// # Errors
/// The refusal.
pub(crate) async fn ask(policy: &dyn Policy, scope: Option<&Arc<Pattern>>, ctx: &mut Context) -> Result<(), Error> {
    if ctx.user().is_none() {
        return Err(ctx.authentication_required());
    }
    let decided = {
        let seen = Seen::enter(ctx, scope);
        AssertUnwindSafe(async { policy.decide(seen.ctx).await }).catch_unwind().await
    };
    let required = Required { policy: Some(policy.name()), ..Required::default() };
    let unavailable = || SecurityEventKind::Unavailable { decider: policy.name().into() };
    let code = match decided {
        Ok(Ok(Decision::Allow)) => {
            ctx.report_granted(required);
            return Ok(());
        }
        Ok(Ok(Decision::Deny)) => Code::Forbidden,
        Ok(Ok(Decision::NotFound)) => Code::NotFound,
        Ok(Err(error)) => {
            ctx.report(unavailable());
            return Err(Error::new(Code::Unavailable).with_source(error));
        }
        Err(panic) => {
            ctx.report(unavailable());
            return Err(panicked(&*panic));
        }
    };
    ctx.report(SecurityEventKind::AccessDenied { required });
    Err(Error::new(code))
}

/// The request as policies see it: HEAD is GET, and the parameters are those of the policy's scope.
///
/// What was changed comes back, even if the decision is given up.
struct Seen<'a> {
    ctx: &'a mut Context,
    head: bool,
}

impl<'a> Seen<'a> {
    fn enter(ctx: &'a mut Context, scope: Option<&Arc<Pattern>>) -> Self {
        let head = ctx.parts.method == Method::HEAD;
        if head {
            ctx.parts.method = Method::GET;
        }
        ctx.scope_params = scope.and_then(|pattern| ScopeParams::of(pattern, ctx)).map(Box::new);
        Self { ctx, head }
    }
}

impl Drop for Seen<'_> {
    fn drop(&mut self) {
        if self.head {
            self.ctx.parts.method = Method::HEAD;
        }
        self.ctx.scope_params = None;
    }
}
