use std::sync::Arc;

use super::table::Shared;
use super::{AppBuilder, ConnInfo, Context, Plan};
use crate::http::give_headers_back;
use crate::server::{EventSender, Shutdown};
use crate::{Engine, Request, Response};

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
    pub(crate) life: Arc<Life>,
}

/// What an app has of the server that runs it: in one place, for every request has a part in it.
#[derive(Clone, Default)]
pub(crate) struct Life {
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
    pub fn handle(&self, request: Request, conn: ConnInfo) -> impl Future<Output = Response> + Send + use<> {
        // On the heap, for it is large, and what answers a request is moved about.
        let mut ctx = Box::new(Context::new(self, request, conn));
        async move {
            ctx.find_target();
            let shared = Arc::clone(&ctx.shared);
            let response = ctx.run(&shared, &*shared.targets[ctx.target].endpoint).await;
            give_headers_back(std::mem::take(&mut ctx.parts.headers));
            response
        }
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
        let life = Life { shutdown: Some(shutdown), events: self.life.events.clone() };
        Self { shared: Arc::clone(&self.shared), life: Arc::new(life) }
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
        let life = Life { events: Some(events), shutdown: self.life.shutdown.clone() };
        Self { shared: Arc::clone(&self.shared), life: Arc::new(life) }
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
