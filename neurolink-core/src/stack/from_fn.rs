use std::sync::Arc;

use async_trait::async_trait;

use super::{BodyAccess, Middleware, Next};
use crate::{Context, Error, Response};

/// An `async fn(&mut Context, Next<'_>) -> Result<Response, Error>`.
pub trait MiddlewareFn<'a>: Send + Sync + 'static {
    /// What it returns.
    type Future: Future<Output = Result<Response, Error>> + Send + 'a;

    /// Calls it.
    fn call(&self, ctx: &'a mut Context, next: Next<'a>) -> Self::Future;
}

impl<'a, F, Fut> MiddlewareFn<'a> for F
where
    F: Fn(&'a mut Context, Next<'a>) -> Fut + Send + Sync + 'static,
    Fut: Future<Output = Result<Response, Error>> + Send + 'a,
{
    type Future = Fut;

    fn call(&self, ctx: &'a mut Context, next: Next<'a>) -> Fut {
        self(ctx, next)
    }
}

/// An `async fn(Arc<S>, &mut Context, Next<'_>) -> Result<Response, Error>`.
pub trait StatefulMiddlewareFn<'a, S>: Send + Sync + 'static {
    /// What it returns.
    type Future: Future<Output = Result<Response, Error>> + Send + 'a;

    /// Calls it.
    fn call(&self, state: Arc<S>, ctx: &'a mut Context, next: Next<'a>) -> Self::Future;
}

impl<'a, S, F, Fut> StatefulMiddlewareFn<'a, S> for F
where
    F: Fn(Arc<S>, &'a mut Context, Next<'a>) -> Fut + Send + Sync + 'static,
    Fut: Future<Output = Result<Response, Error>> + Send + 'a,
{
    type Future = Fut;

    fn call(&self, state: Arc<S>, ctx: &'a mut Context, next: Next<'a>) -> Fut {
        self(state, ctx, next)
    }
}

/// A middleware made of a function; see [`from_fn`].
pub struct FromFn<F> {
    name: Arc<str>,
    /// Nothing until it has been said.
    body: Option<BodyAccess>,
    function: F,
}

/// A middleware made of a function and its state; see [`from_fn_with`].
pub struct WithState<S, F> {
    name: Arc<str>,
    /// Nothing until it has been said.
    body: Option<BodyAccess>,
    state: Arc<S>,
    function: F,
}

/// Makes a middleware of an async function.
///
/// Around a host's own routes it must say which bodies it reads, with [`head_only`](FromFn::head_only) or
/// [`with_body`](FromFn::with_body): nobody can look into a function.
///
/// ```
/// use neurolink_core::{Context, Error, Next, Response, Stack, from_fn};
///
/// async fn count(ctx: &mut Context, next: Next<'_>) -> Result<Response, Error> {
///     let response = next.run(ctx).await;
///     println!("{} {}", ctx.path(), response.status());
///     Ok(response)
/// }
///
/// let stack = Stack::builder().with(from_fn("count", count)).build()?;
/// # Ok::<(), neurolink_core::ConfigError>(())
/// ```
pub fn from_fn<F>(name: impl Into<Arc<str>>, function: F) -> FromFn<F>
where
    F: for<'a> MiddlewareFn<'a>,
{
    FromFn { name: name.into(), body: None, function }
}

/// Makes a middleware of an async function that also gets some state; see [`from_fn`] for bodies.
///
/// ```
/// use std::sync::{Arc, atomic::{AtomicU64, Ordering}};
/// use neurolink_core::{Context, Error, Next, Response, Stack, from_fn_with};
///
/// async fn count(hits: Arc<AtomicU64>, ctx: &mut Context, next: Next<'_>) -> Result<Response, Error> {
///     hits.fetch_add(1, Ordering::Relaxed);
///     Ok(next.run(ctx).await)
/// }
///
/// let stack = Stack::builder().with(from_fn_with("count", AtomicU64::new(0), count)).build()?;
/// # Ok::<(), neurolink_core::ConfigError>(())
/// ```
pub fn from_fn_with<S, F>(name: impl Into<Arc<str>>, state: S, function: F) -> WithState<S, F>
where
    S: Send + Sync + 'static,
    F: for<'a> StatefulMiddlewareFn<'a, S>,
{
    WithState { name: name.into(), body: None, state: Arc::new(state), function }
}

impl<F> FromFn<F> {
    /// Says that the function reads bodies.
    #[must_use]
    pub const fn with_body(mut self) -> Self {
        self.body = Some(BodyAccess::Both);
        self
    }

    /// Says that the function reads heads only, as it is taken to around our own routes unless it says otherwise.
    #[must_use]
    pub const fn head_only(mut self) -> Self {
        self.body = Some(BodyAccess::None);
        self
    }
}

impl<S, F> WithState<S, F> {
    /// Says that the function reads bodies.
    #[must_use]
    pub const fn with_body(mut self) -> Self {
        self.body = Some(BodyAccess::Both);
        self
    }

    /// Says that the function reads heads only, as it is taken to around our own routes unless it says otherwise.
    #[must_use]
    pub const fn head_only(mut self) -> Self {
        self.body = Some(BodyAccess::None);
        self
    }
}

#[async_trait]
impl<F> Middleware for FromFn<F>
where
    F: for<'a> MiddlewareFn<'a>,
{
    fn name(&self) -> &str {
        &self.name
    }

    fn body(&self) -> BodyAccess {
        self.body.unwrap_or_default()
    }

    fn says_body(&self) -> bool {
        self.body.is_some()
    }

    async fn handle(&self, ctx: &mut Context, next: Next<'_>) -> Result<Response, Error> {
        self.function.call(ctx, next).await
    }
}

#[async_trait]
impl<S, F> Middleware for WithState<S, F>
where
    S: Send + Sync + 'static,
    F: for<'a> StatefulMiddlewareFn<'a, S>,
{
    fn name(&self) -> &str {
        &self.name
    }

    fn body(&self) -> BodyAccess {
        self.body.unwrap_or_default()
    }

    fn says_body(&self) -> bool {
        self.body.is_some()
    }

    async fn handle(&self, ctx: &mut Context, next: Next<'_>) -> Result<Response, Error> {
        self.function.call(Arc::clone(&self.state), ctx, next).await
    }
}
