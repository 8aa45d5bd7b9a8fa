use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context as TaskContext, Poll};

use http::StatusCode;
use tokio::time::{Instant, Sleep, sleep_until};

use super::observer::{RequestEvent, ResponseEvent};
use super::table::{REFUSED, Shared};
use super::{AppBuilder, ConnInfo, Context, Plan, authorize, edge, guard};
use crate::http::give_headers_back;
use crate::server::{Event, EventSender, Phase, Shutdown};
use crate::stack::{Endpoint, Next, panicked};
use crate::{Code, Engine, Error, Request, Response};

/// How long stores may take to be told what requests have used.
#[cfg(feature = "rate-limit")]
const SETTLING: std::time::Duration = std::time::Duration::from_secs(1);

/// The application: an engine, its routes and the onion of each, compiled; a cheap handle to clone.
///
/// It knows no socket and no framework.
///
/// ```
/// use neurolink_core::{App, Body, ConnInfo, Request, Route};
/// # use neurolink_core::{Engine, Error, engine::*};
/// # struct Parrot;
/// # #[async_trait::async_trait]
/// # impl Engine for Parrot {
/// #     fn name(&self) -> &str { "parrot" }
/// #     async fn generate(&self, r: Generate, _: &Call) -> Result<Generation, Error> { Ok(Generation::new(r.input.text, "p", "m")) }
/// #     async fn stream(&self, _: Generate, _: &Call) -> Result<EventStream, Error> { Ok(Box::pin(futures_util::stream::empty())) }
/// # }
///
/// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let app = App::builder(Parrot).route(Route::get("/api/hello", async || "hello")).build()?;
/// let request = http::Request::get("/api/hello").header("host", "localhost").body(Body::empty())?;
/// let response = app.handle(request, ConnInfo::default()).await;
/// assert_eq!(response.status(), 200);
/// # Ok(()) }
/// ```
#[derive(Clone)]
pub struct App {
    pub(crate) shared: Arc<Shared>,
    pub(crate) shutdown: Option<Shutdown>,
    pub(crate) events: Option<EventSender>,
}

impl App {
    /// A builder around an engine.
    pub fn builder(engine: impl Engine) -> AppBuilder {
        AppBuilder::new(Some(Arc::new(engine)))
    }

    /// Answers a request.
    ///
    /// Dropping the future cancels the work; a panic inside becomes a 500.
    pub async fn handle(&self, request: Request, conn: ConnInfo) -> Response {
        let (parts, body) = request.into_parts();
        let mut ctx = Context::new(&self.shared, parts, body, conn);
        ctx.shutdown.clone_from(&self.shutdown);
        self.route(&mut ctx);
        let endpoint = &*self.shared.targets[ctx.target].endpoint;
        let response = self.run_with(&mut ctx, endpoint).await;
        give_headers_back(std::mem::take(&mut ctx.parts.headers));
        response
    }

    /// Answers a request if it is at the base path or below, and gives it back otherwise.
    ///
    /// For hosts that keep their own routes and their own 404. Without a base path every request is the app's.
    ///
    /// # Errors
    /// The untouched request, when it is not the app's.
    pub async fn try_handle(&self, request: Request, conn: ConnInfo) -> Result<Response, Request> {
        if self.owns(request.uri().path()) { Ok(self.handle(request, conn).await) } else { Err(request) }
    }

    /// Answers a request together with a host's routes: the app at its base path and below, the host elsewhere,
    /// and the app again for what the host has no route for, with its own 404.
    ///
    /// Without a base path the host is asked first. `native` gives `None` when it has no route.
    pub async fn beside<F, Fut>(&self, mut request: Request, conn: ConnInfo, native: F) -> Response
    where
        F: FnOnce(Request) -> Fut,
        Fut: Future<Output = Option<Response>>,
    {
        // A target without a path is nobody's route.
        if request.uri().path_and_query().is_none() {
            return self.handle(request, conn).await;
        }
        if !self.base_path().is_empty() {
            match self.try_handle(request, conn).await {
                Ok(response) => return response,
                Err(foreign) => request = foreign,
            }
        }
        let (parts, body) = request.into_parts();
        let (handed_on, slot) = body.parked();
        match native(Request::from_parts(parts.clone(), handed_on)).await {
            Some(response) => response,
            None => self.handle(Request::from_parts(parts, slot.into_body()), conn).await,
        }
    }

    /// Whether a raw path is the base path or below.
    fn owns(&self, raw: &str) -> bool {
        let below = |path: &str| {
            path.strip_prefix(self.base_path()).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
        };
        match super::path::canonical(raw) {
            Ok(canonical) => below(&canonical.path),
            Err(_) => below(raw),
        }
    }

    /// How many bytes of memory request bodies hold now; `limits.body_budget` bounds them.
    #[must_use]
    pub fn body_memory(&self) -> usize {
        self.shared.budget.used()
    }

    /// What applies to each route.
    #[must_use]
    pub fn plan(&self) -> &Plan {
        &self.shared.plan
    }

    /// The prefix of every route, without a slash at its end; empty for none.
    #[must_use]
    pub fn base_path(&self) -> &str {
        &self.shared.base_path
    }

    /// Whether any authenticator is registered.
    #[must_use]
    pub fn has_authenticator(&self) -> bool {
        self.shared.has_authenticator
    }

    /// The same app as part of a server that can shut down: readiness, streams and connections follow it.
    #[must_use]
    pub fn with_shutdown(&self, shutdown: Shutdown) -> Self {
        Self { shutdown: Some(shutdown), ..self.clone() }
    }

    /// Waits until the stores of limits have been told what requests have used, 1 s at most.
    ///
    /// For an adapter whose runtime ends with its server: what is told there would end, too.
    /// [`Server::stop`](crate::server::Server::stop) waits by itself.
    pub async fn settled(&self) {
        #[cfg(feature = "rate-limit")]
        let _ = tokio::time::timeout(SETTLING, self.shared.settling.settled()).await;
    }

    pub(crate) fn with_events(&self, events: EventSender) -> Self {
        Self { events: Some(events), ..self.clone() }
    }

    /// Finds what answers.
    fn route(&self, ctx: &mut Context) {
        let shared = &*self.shared;
        ctx.target = match guard::check(shared, ctx) {
            Ok(canonical) => {
                ctx.canonical = canonical;
                self.lookup(ctx)
            }
            Err(error) => {
                ctx.refusal = Some(error);
                REFUSED
            }
        };
        let target = &shared.targets[ctx.target];
        if !target.probe && self.shutdown.as_ref().is_some_and(|shutdown| shutdown.phase() >= Phase::Refusing) {
            ctx.refusal = Some(Error::new(Code::Draining));
            ctx.target = REFUSED;
        }
        if target.probe
            && let Some(refusal) = shared.probes.refusal(ctx)
        {
            ctx.refusal = Some(refusal);
            ctx.target = REFUSED;
        }
        ctx.deadline = Some(ctx.started + shared.targets[ctx.target].timeout);
    }

    fn lookup(&self, ctx: &mut Context) -> usize {
        let shared = &*self.shared;
        let path = ctx.path();
        let Ok(matched) = shared.router.at(path) else { return shared.unmatched(path) };
        // Parameters are kept as ranges into the path: nothing is copied.
        let start = path.as_ptr() as usize;
        let ranges = matched
            .params
            .iter()
            .map(|(_, value)| {
                let from = value.as_ptr() as usize - start;
                from..from + value.len()
            })
            .collect();
        let target = shared.paths[*matched.value].target(ctx.method());
        ctx.param_ranges = ranges;
        target
    }

    /// Runs the onion of the context's target around an endpoint.
    pub(crate) async fn run_with(&self, ctx: &mut Context, endpoint: &dyn Endpoint) -> Response {
        let shared = &*self.shared;
        for observer in &shared.observers {
            observer.request(&RequestEvent { request_id: ctx.request_id(), method: ctx.method(), path: ctx.path() });
        }
        if let Some(events) = &self.events {
            events.send(|| Event::Request {
                request_id: ctx.request_id().to_string(),
                method: ctx.method().to_string(),
                path: ctx.path().to_owned(),
            });
        }
        let target = &shared.targets[ctx.target];
        let (deadline, timeout_status) = (ctx.deadline, ctx.timeout_status());
        let mut response = {
            let onion = std::pin::pin!(Next::new(&target.steps, endpoint).run_whole(ctx));
            Outermost { onion, deadline, timer: None, timeout_status }.await
        };
        authorize::add_challenges(ctx, &mut response);
        if let Some(error) = response.body().error() {
            authorize::report_refusal(ctx, error);
        }
        let goes_on = ctx.skip_body().await;
        let code = response.body().error().map(Error::code);
        if let (Some(events), Some(error)) = (&self.events, response.body().error())
            && error.status().is_server_error()
        {
            events.send(|| Event::Error {
                request_id: Some(ctx.request_id().to_string()),
                code: error.code(),
                message: error.message().to_owned(),
                timestamp: shared.clock.now(),
            });
        }
        let response = edge::finish(ctx, response, goes_on);
        for observer in &shared.observers {
            observer.response(&ResponseEvent {
                request_id: ctx.request_id(),
                method: ctx.method(),
                path: ctx.path(),
                matched: ctx.matched(),
                status: response.status(),
                code,
                duration: ctx.elapsed(),
            });
        }
        if let Some(events) = &self.events {
            events.send(|| Event::Response {
                request_id: ctx.request_id().to_string(),
                status: response.status().as_u16(),
                code,
                duration: ctx.elapsed(),
            });
        }
        response
    }
}

impl std::fmt::Debug for App {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("App")
            .field("base_path", &self.shared.base_path)
            .field("routes", &self.shared.plan.routes.len())
            .finish_non_exhaustive()
    }
}

/// The whole onion with the request's one timer, which is made when the first poll does not finish.
///
/// When it fires, the guard inside the onion answers, so that the answer still gets its headers.
/// What hangs outside of the guard is answered here.
struct Outermost<'a, F> {
    onion: Pin<&'a mut F>,
    deadline: Option<Instant>,
    timer: Option<Pin<Box<Sleep>>>,
    timeout_status: StatusCode,
}

impl<F: Future<Output = Response>> Outermost<'_, F> {
    fn poll_onion(&mut self, cx: &mut TaskContext<'_>) -> Poll<Response> {
        std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| self.onion.as_mut().poll(cx)))
            .unwrap_or_else(|panic| Poll::Ready(super::respond_error(panicked(&*panic))))
    }
}

impl<F: Future<Output = Response>> Future for Outermost<'_, F> {
    type Output = Response;

    fn poll(mut self: Pin<&mut Self>, cx: &mut TaskContext<'_>) -> Poll<Response> {
        if let Poll::Ready(response) = self.poll_onion(cx) {
            return Poll::Ready(response);
        }
        let Some(deadline) = self.deadline else { return Poll::Pending };
        let timer = self.timer.get_or_insert_with(|| Box::pin(sleep_until(deadline)));
        std::task::ready!(timer.as_mut().poll(cx));
        match self.poll_onion(cx) {
            Poll::Ready(response) => Poll::Ready(response),
            Poll::Pending => {
                Poll::Ready(super::respond_error(Error::new(Code::Timeout).with_status(self.timeout_status)))
            }
        }
    }
}
