//! The compiled application: one table of what answers, each with its own chain.

use std::any::{Any, TypeId};
use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use http::{HeaderName, HeaderValue, Method, StatusCode, header};

use super::host::Hosts;
use super::observer::Observer;
use super::pattern::Scope;
use super::plan::Plan;
use super::probes::Probes;
use super::proxies::Proxies;
use crate::extract::{ErasedHandler, Needs};
use crate::http::BodyBudget;
#[cfg(feature = "rate-limit")]
use crate::middleware::Settling;
use crate::security::SecurityLog;
use crate::stack::{Endpoint, Scoped, Step};
use crate::stream::OpenStreams;
use crate::{Body, BoxFuture, Clock, Code, Context, Engine, Error, Response, Settings};

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
    pub(crate) security_log: SecurityLog,
    pub(crate) budget: Arc<BodyBudget>,
    pub(crate) streams: Arc<OpenStreams>,
    #[cfg(feature = "rate-limit")]
    pub(crate) settling: Arc<Settling>,
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

/// A route's handler.
pub(crate) struct RouteEndpoint(pub(crate) Box<dyn ErasedHandler>);

impl Endpoint for RouteEndpoint {
    fn call<'a>(&'a self, ctx: &'a mut Context) -> BoxFuture<'a, Response> {
        self.0.answer(ctx)
    }
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
    fn call<'a>(&'a self, ctx: &'a mut Context) -> BoxFuture<'a, Response> {
        Box::pin(async move {
            // Nobody reads a body here; its limit is the largest of the path's routes.
            if let Err(error) = ctx.admit(&Needs::default()).await {
                return error.into();
            }
            let mut response = Response::new(Body::empty());
            *response.status_mut() = StatusCode::NO_CONTENT;
            response.headers_mut().insert(header::ALLOW, self.0.clone());
            response
        })
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
