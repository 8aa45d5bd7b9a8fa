use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context as TaskContext, Poll};

use http::StatusCode;
use tokio::time::Instant;

use super::{Middleware, Registered};
use crate::app::pattern::{Coverage, Pattern, Scope};
use crate::{BoxFuture, Code, Context, Error, Response};

/// What stands in the middle of the onion.
pub(crate) trait Endpoint: Send + Sync {
    fn call<'a>(&'a self, ctx: &'a mut Context) -> BoxFuture<'a, Response>;
}

/// The rest of the onion; running it gives the response, never an error.
///
/// It runs once: it is neither `Clone` nor `Copy`.
pub struct Next<'a> {
    steps: &'a [Step],
    endpoint: &'a dyn Endpoint,
}

/// One compiled step.
pub(crate) enum Step {
    /// Neighbouring hooks, without a future of their own.
    Hooks(Box<[Scoped]>),
    Around(Scoped),
    /// Everything further inside: the deadline and panics become responses here, so that what is outside still decorates them.
    Guard,
}

/// A middleware and, when only some of the chain's paths are in its scope, that scope.
#[derive(Clone)]
pub(crate) struct Scoped {
    pub(crate) middleware: Arc<dyn Middleware>,
    scope: Option<Arc<Scope>>,
}

impl Scoped {
    pub(crate) fn applies(&self, ctx: &Context) -> bool {
        self.scope.as_ref().is_none_or(|scope| match ctx.is_native() {
            true => scope.contains_native(ctx.path()),
            false => scope.contains(ctx.path()),
        })
    }

    /// Whether it trusts an origin on exactly this path.
    pub(crate) fn trusts_origin(&self, ctx: &Context, origin: &str) -> bool {
        self.scope.as_ref().is_none_or(|scope| scope.contains(ctx.path())) && self.middleware.trusts_origin(origin)
    }
}

/// A member of a chain and its order.
pub(crate) type Member = (i16, Scoped);

/// Those of the sorted middleware that stand in the chain of one route, or of all unmatched paths.
pub(crate) fn members<'a>(registered: impl Iterator<Item = &'a Registered>, route: Option<&Pattern>) -> Vec<Member> {
    let scoped = |entry: &Registered| {
        let scope = match entry.scope.covers_or_asks(route) {
            Coverage::Never => return None,
            Coverage::Always => None,
            Coverage::Sometimes => Some(Arc::clone(&entry.scope)),
        };
        Some((entry.order, Scoped { middleware: Arc::clone(&entry.middleware), scope }))
    };
    registered.filter_map(scoped).collect()
}

/// Compiles members into a chain.
pub(crate) fn compile(members: Vec<Member>) -> Box<[Step]> {
    #[cfg(feature = "rate-limit")]
    let members = crate::middleware::decide_together(members);
    let mut steps = Vec::new();
    let mut hooks = Vec::new();
    let mut guarded = false;
    for (order, scoped) in members {
        if !guarded && order > super::order::CORS {
            flush(&mut hooks, &mut steps);
            steps.push(Step::Guard);
            guarded = true;
        }
        if scoped.middleware.as_hook().is_some() {
            hooks.push(scoped);
        } else {
            flush(&mut hooks, &mut steps);
            steps.push(Step::Around(scoped));
        }
    }
    flush(&mut hooks, &mut steps);
    if !guarded {
        steps.push(Step::Guard);
    }
    steps.into()
}

#[cfg(feature = "rate-limit")]
impl From<Arc<dyn Middleware>> for Scoped {
    /// One that applies to the whole chain.
    fn from(middleware: Arc<dyn Middleware>) -> Self {
        Self { middleware, scope: None }
    }
}

fn flush(hooks: &mut Vec<Scoped>, steps: &mut Vec<Step>) {
    if !hooks.is_empty() {
        steps.push(Step::Hooks(std::mem::take(hooks).into()));
    }
}

impl<'a> Next<'a> {
    pub(crate) const fn new(steps: &'a [Step], endpoint: &'a dyn Endpoint) -> Self {
        Self { steps, endpoint }
    }

    /// Runs what is further inside and gives its response.
    ///
    /// Dropping the future cancels the work.
    pub fn run<'r>(self, ctx: &'r mut Context) -> BoxFuture<'r, Response>
    where
        'a: 'r,
    {
        let mut steps = self.steps;
        let endpoint = self.endpoint;
        while let Some((step, rest)) = steps.split_first() {
            match step {
                Step::Around(scoped) if !scoped.applies(ctx) => steps = rest,
                Step::Around(scoped) => {
                    return Box::pin(async move {
                        match scoped.middleware.handle(ctx, Next::new(rest, endpoint)).await {
                            Ok(response) => response,
                            Err(error) => ctx.fail(error),
                        }
                    });
                }
                Step::Hooks(hooks) => {
                    return Box::pin(run_hooks(hooks, Next::new(rest, endpoint), ctx));
                }
                Step::Guard => {
                    let (deadline, timeout_status) = (ctx.deadline(), ctx.timeout_status());
                    let inner = Guarded { inner: Next::new(rest, endpoint).run(ctx), deadline, timeout_status };
                    return Box::pin(async move {
                        // The context is free again once the guarded future is gone.
                        inner.await.unwrap_or_else(crate::app::respond_error)
                    });
                }
            }
        }
        endpoint.call(ctx)
    }
}

async fn run_hooks(hooks: &[Scoped], next: Next<'_>, ctx: &mut Context) -> Response {
    let mut entered = hooks.len();
    let mut early = None;
    for (index, hook) in hooks.iter().enumerate() {
        let answer = hook.middleware.as_hook().filter(|_| hook.applies(ctx)).and_then(|hook| hook.before(ctx));
        if answer.is_some() {
            (early, entered) = (answer, index);
            break;
        }
    }
    let mut response = match early {
        Some(response) => response,
        None => next.run(ctx).await,
    };
    for hook in hooks[..entered].iter().rev() {
        if let Some(sync) = hook.middleware.as_hook().filter(|_| hook.applies(ctx)) {
            sync.after(ctx, &mut response);
        }
    }
    response
}

/// Turns a passed deadline and a panic into an error.
///
/// It has no timer: the one timer of the request wakes the task, and each poll looks at the time.
struct Guarded<'a> {
    inner: BoxFuture<'a, Response>,
    deadline: Option<Instant>,
    timeout_status: StatusCode,
}

impl Future for Guarded<'_> {
    type Output = Result<Response, Error>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut TaskContext<'_>) -> Poll<Self::Output> {
        let polled = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| self.inner.as_mut().poll(cx)));
        match polled {
            Ok(Poll::Ready(response)) => Poll::Ready(Ok(response)),
            Ok(Poll::Pending) => match self.deadline {
                Some(deadline) if Instant::now() >= deadline => {
                    Poll::Ready(Err(Error::new(Code::Timeout).with_status(self.timeout_status)))
                }
                _ => Poll::Pending,
            },
            Err(panic) => Poll::Ready(Err(panicked(&*panic))),
        }
    }
}

/// The error of a panic: its text is for the log only.
pub(crate) fn panicked(panic: &(dyn std::any::Any + Send)) -> Error {
    let text = panic
        .downcast_ref::<&str>()
        .map(ToString::to_string)
        .or_else(|| panic.downcast_ref::<String>().cloned())
        .unwrap_or_else(|| "a value that is no text".into());
    Error::internal(format!("panicked: {text}"))
}
