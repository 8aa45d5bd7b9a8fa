use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context as TaskContext, Poll};

use tokio::time::Instant;

use super::{BodyAccess, Kind, Middleware, Registered};
use crate::app::pattern::{Coverage, Pattern, Scope};
use crate::security::SecurityEventKind;
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
    /// Which of them is next.
    at: usize,
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
    name: Arc<str>,
    reading: Reading,
}

/// What a step may do with the request's body.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Reading {
    /// Read it up to the route's limit.
    Free,
    /// Read it, but so early that nobody has been authorised: up to this size.
    AtMost(usize),
    /// Leave it alone.
    Never,
}

/// The most that is read for a caller who is not authorised yet.
const BEFORE_AUTHORISATION: usize = 64 * 1024;

impl Reading {
    const fn of(order: i16, access: BodyAccess) -> Self {
        match access {
            _ if order >= super::order::ROLES => Self::Free,
            BodyAccess::Request | BodyAccess::Both => Self::AtMost(BEFORE_AUTHORISATION),
            BodyAccess::Response | BodyAccess::None => Self::Never,
        }
    }
}

/// Which step of its chain is at work: the step and, among neighbouring hooks, which of them.
#[derive(Clone, Copy, Debug)]
pub(crate) struct At {
    step: usize,
    hook: usize,
}

impl At {
    /// The step's name, and what it may do with the body.
    pub(crate) fn reading(self, steps: &[Step]) -> Option<(&str, Reading)> {
        let scoped = match steps.get(self.step)? {
            Step::Around(scoped) => scoped,
            Step::Hooks(hooks) => hooks.get(self.hook)?,
            Step::Guard => return None,
        };
        Some((&scoped.name, scoped.reading))
    }

    /// The step's name, to be kept.
    #[cfg(feature = "rate-limit")]
    pub(crate) fn name(self, steps: &[Step]) -> Option<Arc<str>> {
        match steps.get(self.step)? {
            Step::Hooks(hooks) => hooks.get(self.hook).map(Scoped::name),
            Step::Around(scoped) => Some(scoped.name()),
            Step::Guard => None,
        }
    }
}

impl Scoped {
    #[cfg(feature = "rate-limit")]
    pub(crate) fn name(&self) -> Arc<str> {
        Arc::clone(&self.name)
    }

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
        let scoped = Scoped {
            middleware: Arc::clone(&entry.middleware),
            scope,
            name: Arc::clone(&entry.name),
            reading: Reading::of(entry.order, entry.middleware.body()),
        };
        Some((entry.order, scoped))
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
    /// One that applies to the whole chain and leaves bodies alone.
    fn from(middleware: Arc<dyn Middleware>) -> Self {
        Self { name: middleware.name().into(), middleware, scope: None, reading: Reading::Never }
    }
}

fn flush(hooks: &mut Vec<Scoped>, steps: &mut Vec<Step>) {
    if !hooks.is_empty() {
        steps.push(Step::Hooks(std::mem::take(hooks).into()));
    }
}

impl<'a> Next<'a> {
    pub(crate) const fn new(steps: &'a [Step], endpoint: &'a dyn Endpoint) -> Self {
        Self { steps, at: 0, endpoint }
    }

    /// Runs the whole chain from outside, without an allocation for its first steps.
    pub(crate) async fn run_whole(self, ctx: &mut Context) -> Response {
        let next = Next { at: self.at + 1, ..self };
        match self.steps.get(self.at) {
            Some(Step::Hooks(hooks)) => run_hooks(hooks, self.at, next, GuardInside, ctx).await,
            Some(Step::Guard) => guarded(next, ctx).await,
            _ => self.run(ctx).await,
        }
    }

    /// Runs what is further inside and gives its response.
    ///
    /// Dropping the future cancels the work.
    pub fn run<'r>(self, ctx: &'r mut Context) -> BoxFuture<'r, Response>
    where
        'a: 'r,
    {
        let Self { steps, mut at, endpoint } = self;
        while let Some(step) = steps.get(at) {
            let next = Next { steps, at: at + 1, endpoint };
            match step {
                Step::Around(scoped) if !scoped.applies(ctx) => at += 1,
                Step::Around(scoped) => {
                    return Box::pin(async move {
                        let place = Place::enter(ctx, Some(At { step: at, hook: 0 }));
                        let result = scoped.middleware.handle(place.ctx, next).await;
                        drop(place);
                        match result {
                            Ok(response) => response,
                            Err(error) => {
                                let error = ctx.body_fault().unwrap_or(error);
                                if error.code() == Code::Unavailable && scoped.middleware.kind() == Kind::Authenticator
                                {
                                    ctx.report(SecurityEventKind::Unavailable { decider: (&*scoped.name).into() });
                                }
                                ctx.fail(error)
                            }
                        }
                    });
                }
                Step::Hooks(hooks) => return Box::pin(run_hooks(hooks, at, next, GuardInside, ctx)),
                Step::Guard => return Box::pin(guarded(next, ctx)),
            }
        }
        let Some(Step::Around(_)) = at.checked_sub(1).and_then(|before| steps.get(before)) else {
            ctx.at = None;
            return endpoint.call(ctx);
        };
        // Nothing else stands between the endpoint and a middleware that goes on behind it.
        Box::pin(async move {
            let place = Place::enter(ctx, None);
            endpoint.call(place.ctx).await
        })
    }
}

/// Where in the chain the context is; outside of it the former place comes back, even if the future inside is dropped.
struct Place<'a> {
    ctx: &'a mut Context,
    outer: Option<At>,
}

impl<'a> Place<'a> {
    fn enter(ctx: &'a mut Context, at: Option<At>) -> Self {
        let outer = std::mem::replace(&mut ctx.at, at);
        Self { ctx, outer }
    }
}

impl Drop for Place<'_> {
    fn drop(&mut self) {
        self.ctx.at = self.outer;
    }
}

/// What is inside of a step, without a future of its own where its kind is known.
///
/// The usual chain (hooks, the guard, hooks) is one future and one allocation so.
trait Inside: Send {
    fn run<'r>(self, next: Next<'r>, ctx: &'r mut Context) -> impl Future<Output = Response> + Send + 'r;
}

/// Whatever is there.
struct Anything;

impl Inside for Anything {
    fn run<'r>(self, next: Next<'r>, ctx: &'r mut Context) -> impl Future<Output = Response> + Send + 'r {
        next.run(ctx)
    }
}

/// The guard, if it is there.
struct GuardInside;

impl Inside for GuardInside {
    async fn run<'r>(self, next: Next<'r>, ctx: &'r mut Context) -> Response {
        match next.steps.get(next.at) {
            Some(Step::Guard) => guarded(Next { at: next.at + 1, ..next }, ctx).await,
            _ => next.run(ctx).await,
        }
    }
}

/// Hooks, if they are there.
struct HooksInside;

impl Inside for HooksInside {
    async fn run<'r>(self, next: Next<'r>, ctx: &'r mut Context) -> Response {
        match next.steps.get(next.at) {
            Some(Step::Hooks(hooks)) => {
                run_hooks(hooks, next.at, Next { at: next.at + 1, ..next }, Anything, ctx).await
            }
            _ => next.run(ctx).await,
        }
    }
}

async fn run_hooks(hooks: &[Scoped], step: usize, next: Next<'_>, inside: impl Inside, ctx: &mut Context) -> Response {
    let place = Place::enter(ctx, None);
    let (outer, ctx) = (place.outer, &mut *place.ctx);
    for (index, hook) in hooks.iter().enumerate() {
        ctx.at = Some(At { step, hook: index });
        let answer = hook.middleware.as_hook().filter(|_| hook.applies(ctx)).and_then(|hook| hook.before(ctx));
        if let Some(response) = answer {
            ctx.at = outer;
            return run_back(&hooks[..index], ctx, response);
        }
    }
    let response = inside.run(next, ctx).await;
    ctx.at = outer;
    run_back(hooks, ctx, response)
}

/// The way out through the hooks that let a request in.
fn run_back(hooks: &[Scoped], ctx: &Context, mut response: Response) -> Response {
    for hook in hooks.iter().rev() {
        if let Some(sync) = hook.middleware.as_hook().filter(|_| hook.applies(ctx)) {
            sync.after(ctx, &mut response);
        }
    }
    response
}

/// Turns a passed deadline and a panic inside into an error.
///
/// It has no timer: the one timer of the request wakes the task, and each poll looks at the time.
async fn guarded(next: Next<'_>, ctx: &mut Context) -> Response {
    let (deadline, timeout_status, outer) = (ctx.deadline(), ctx.timeout_status(), ctx.at);
    let place = Place::enter(ctx, outer);
    let result = {
        let mut inner = std::pin::pin!(HooksInside.run(next, place.ctx));
        std::future::poll_fn(|cx| {
            let mut polled = poll_inside(inner.as_mut(), cx);
            if polled.is_pending() && deadline.is_some_and(|deadline| Instant::now() >= deadline) {
                // What waits inside may know better why it is late: it is asked once more, behind the deadline.
                polled = poll_inside(inner.as_mut(), cx);
                if polled.is_pending() {
                    polled = Poll::Ready(Err(Error::new(Code::Timeout).with_status(timeout_status)));
                }
            }
            polled
        })
        .await
    };
    drop(place);
    match result {
        #[cfg_attr(not(feature = "rate-limit"), expect(unused_mut, reason = "only limits write into it"))]
        Ok(mut response) => {
            #[cfg(feature = "rate-limit")]
            crate::middleware::show_asked(ctx, &mut response);
            response
        }
        Err(error) => {
            let response = crate::app::respond_error(error);
            // The limits inside are gone, and what they found holds for this answer too.
            #[cfg(feature = "rate-limit")]
            let response = crate::middleware::show_limits(ctx, response);
            response
        }
    }
}

/// Polls what is inside of the guard, and makes its panic an error.
fn poll_inside<F: Future<Output = Response>>(
    inner: Pin<&mut F>,
    cx: &mut TaskContext<'_>,
) -> Poll<Result<Response, Error>> {
    match std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| inner.poll(cx))) {
        Ok(polled) => polled.map(Ok),
        Err(panic) => Poll::Ready(Err(panicked(&*panic))),
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
