//! The compiled application: one table of what answers, each with its own chain.

use std::any::{Any, TypeId};
use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use futures_util::FutureExt as _;
use http::{HeaderName, HeaderValue, Method, StatusCode, header};
use http_body::Body as _;

use super::host::Hosts;
use super::observer::Observer;
use super::pattern::Scope;
use super::plan::Plan;
use super::probes::Probes;
use super::proxies::Proxies;
use crate::extract::{ErasedHandler, Needs};
use crate::http::{BodyBudget, Content, too_large};
use crate::stack::{Endpoint, Scoped, Step, panicked};
use crate::stream::{OpenStreams, SseBody, SseParts};
use crate::{Body, BoxFuture, Clock, Code, Context, Engine, Error, Reply, Response, Settings};

/// Everything that is fixed at build.
pub(crate) struct Shared {
    pub(crate) settings: Settings,
    pub(crate) base_path: String,
    pub(crate) hosts: Hosts,
    pub(crate) proxies: Proxies,
    pub(crate) request_id_header: HeaderName,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) engine: Option<Arc<dyn Engine>>,
    pub(crate) states: HashMap<TypeId, Box<dyn Any + Send + Sync>>,
    pub(crate) observers: Box<[Arc<dyn Observer>]>,
    pub(crate) budget: Arc<BodyBudget>,
    pub(crate) streams: Arc<OpenStreams>,
    pub(crate) probes: Probes,
    pub(crate) router: matchit::Router<usize>,
    pub(crate) paths: Vec<PathEntry>,
    pub(crate) targets: Vec<Target>,
    pub(crate) plan: Plan,
    pub(crate) has_authenticator: bool,
    /// Where the authenticators of all routes stand.
    pub(crate) authenticated: Box<[Arc<Scope>]>,
    /// Headers that may be there only once.
    pub(crate) single: Box<[HeaderName]>,
    /// The public paths of a host.
    pub(crate) public: Scope,
}

impl Shared {
    /// What answers a path that is no route's.
    pub(crate) fn unmatched(&self, path: &str) -> usize {
        let authenticated = self.authenticated.iter().any(|scope| scope.contains(path));
        match (path, authenticated) {
            ("*", true) => SERVER,
            ("*", false) => OPEN_SERVER,
            (_, true) => UNMATCHED,
            (_, false) => OPEN_UNMATCHED,
        }
    }

    /// What stands around a path of a host's.
    pub(crate) fn native(&self, path: &str) -> usize {
        let authenticated = self.authenticated.iter().any(|scope| scope.contains_native(path));
        if authenticated && !self.public.contains(path) { PROTECTED } else { PUBLIC }
    }
}

/// The target of every refusal of the guard.
pub(crate) const REFUSED: usize = 0;
/// The target of every path that is no route's, where an authenticator stands.
pub(crate) const UNMATCHED: usize = 1;
/// The target of `OPTIONS *`, the server as a whole, where an authenticator stands.
pub(crate) const SERVER: usize = 2;
/// The target of every path that is no route's, where none stands.
pub(crate) const OPEN_UNMATCHED: usize = 3;
/// The target of `OPTIONS *` where none stands.
pub(crate) const OPEN_SERVER: usize = 4;
/// The target of a host's routes.
pub(crate) const PROTECTED: usize = 5;
/// The target of a host's public routes.
pub(crate) const PUBLIC: usize = 6;

/// What is at one path.
pub(crate) struct PathEntry {
    pub(crate) methods: Vec<(Method, usize)>,
    pub(crate) options: usize,
    pub(crate) not_allowed: usize,
}

impl PathEntry {
    /// The target of a method; HEAD is answered by GET.
    pub(crate) fn target(&self, method: &Method) -> usize {
        let find = |method: &Method| self.methods.iter().find(|(own, _)| own == method).map(|(_, target)| *target);
        match find(method) {
            Some(target) => target,
            None if method == Method::HEAD => find(&Method::GET).unwrap_or(self.not_allowed),
            None if method == Method::OPTIONS => self.options,
            None => self.not_allowed,
        }
    }
}

/// One thing that answers.
pub(crate) struct Target {
    pub(crate) steps: Box<[Step]>,
    /// The middleware of the steps.
    pub(crate) members: Box<[Scoped]>,
    pub(crate) endpoint: Box<dyn Endpoint>,
    pub(crate) pattern: Option<Box<str>>,
    pub(crate) param_names: Box<[Box<str>]>,
    pub(crate) body_limit: usize,
    pub(crate) timeout: Duration,
    pub(crate) probe: bool,
    pub(crate) public: bool,
}

/// A route's handler with all that stands around it: body checks, panics, the envelope.
pub(crate) struct RouteEndpoint {
    handler: Box<dyn ErasedHandler>,
    needs: Needs,
}

impl RouteEndpoint {
    pub(crate) fn new(handler: Box<dyn ErasedHandler>) -> Self {
        let needs = handler.needs();
        Self { handler, needs }
    }

    /// What is decided before the first byte of the body is read: its type, its declared length.
    async fn admit(&self, ctx: &mut Context) -> Result<(), Error> {
        if ctx.body.is_end_stream() {
            return Ok(());
        }
        if self.needs.json {
            ctx.require_json()?;
        }
        let limit = ctx.target().body_limit;
        if ctx.body.size_hint().exact().is_some_and(|length| length > limit as u64) {
            return Err(too_large(limit));
        }
        if self.needs.bodies == 0 && !self.needs.context && !ctx.body_taken && !ctx.body.is_unavailable() {
            // Nobody will read it: the limit holds all the same, and the connection can be used again.
            ctx.body_source(1)?.discard().await?;
        }
        Ok(())
    }

    async fn answer(&self, ctx: &mut Context) -> Result<Response, Error> {
        self.admit(ctx).await?;
        let reply = self.handler.call(ctx).await;
        // Whatever the handler made of a body that did not end well.
        if let Some(error) = ctx.body_overflow() {
            return Err(error);
        }
        respond(ctx, reply?)
    }
}

impl Endpoint for RouteEndpoint {
    fn call<'a>(&'a self, ctx: &'a mut Context) -> BoxFuture<'a, Response> {
        Box::pin(async move {
            let answered = std::panic::AssertUnwindSafe(self.answer(ctx)).catch_unwind().await;
            match answered {
                Ok(Ok(response)) => response,
                Ok(Err(error)) => super::respond_error(error),
                Err(panic) => super::respond_error(panicked(&*panic)),
            }
        })
    }
}

/// Gives a reply its envelope or its stream.
fn respond(ctx: &mut Context, reply: Reply) -> Result<Response, Error> {
    let Reply { status, headers, content } = reply;
    let mut response = match content {
        Content::Raw(response) => *response,
        Content::Data(buffer) => {
            let mut response = Response::new(Body::from(ctx.stamp().finish(buffer)));
            *response.status_mut() = status;
            response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
            response
        }
        Content::Events(events) => {
            ctx.reserve_stream()?;
            let parts = SseParts {
                clock: Arc::clone(&ctx.shared.clock),
                settings: ctx.shared.settings.stream.clone(),
                shutdown: ctx.shutdown.clone(),
                cancel: ctx.cancel.take(),
                authority: ctx.take_authority(),
                _place: ctx.place.take(),
                request_id: ctx.request_id().as_str().to_owned(),
            };
            let mut response = Response::new(Body::new(SseBody::new(events, parts)));
            *response.status_mut() = status;
            let headers = response.headers_mut();
            headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("text/event-stream"));
            headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-cache, no-transform"));
            headers.insert(HeaderName::from_static("x-accel-buffering"), HeaderValue::from_static("no"));
            response
        }
    };
    if response.headers().is_empty() {
        *response.headers_mut() = headers;
    } else {
        let mut last = None;
        for (name, value) in headers {
            last = name.or(last);
            if let Some(name) = &last {
                response.headers_mut().append(name.clone(), value);
            }
        }
    }
    Ok(response)
}

/// 404.
pub(crate) struct NotFound;

impl Endpoint for NotFound {
    fn call<'a>(&'a self, ctx: &'a mut Context) -> BoxFuture<'a, Response> {
        let message = format!("Route {} {} not found", shown(ctx.method().as_str()), shown(ctx.path()));
        let response = super::respond_error(Error::not_found(message));
        Box::pin(std::future::ready(response))
    }
}

/// The guard's refusal.
pub(crate) struct Refused;

impl Endpoint for Refused {
    fn call<'a>(&'a self, ctx: &'a mut Context) -> BoxFuture<'a, Response> {
        let error = ctx.refusal.take().unwrap_or_else(|| Error::internal("a refusal without its reason"));
        Box::pin(std::future::ready(super::respond_error(error)))
    }
}

/// 405 with `Allow`.
pub(crate) struct NotAllowed(pub(crate) HeaderValue);

impl Endpoint for NotAllowed {
    fn call<'a>(&'a self, ctx: &'a mut Context) -> BoxFuture<'a, Response> {
        let message = format!("{} does not take {}", shown(ctx.path()), shown(ctx.method().as_str()));
        let error = Error::new(Code::MethodNotAllowed).with_message(message).with_header(header::ALLOW, self.0.clone());
        Box::pin(std::future::ready(super::respond_error(error)))
    }
}

/// 204 with `Allow`.
pub(crate) struct Options(pub(crate) HeaderValue);

impl Endpoint for Options {
    fn call<'a>(&'a self, _ctx: &'a mut Context) -> BoxFuture<'a, Response> {
        let mut response = Response::new(Body::empty());
        *response.status_mut() = StatusCode::NO_CONTENT;
        response.headers_mut().insert(header::ALLOW, self.0.clone());
        Box::pin(std::future::ready(response))
    }
}

/// A value that a client chose, cut to a length that fits a message.
fn shown(text: &str) -> &str {
    const LONGEST: usize = 200;
    match text.char_indices().nth(LONGEST) {
        Some((end, _)) => &text[..end],
        None => text,
    }
}
