//! The same onion around routes that a host's framework serves.

use std::panic::AssertUnwindSafe;
use std::sync::{Arc, Mutex, PoisonError};

use bytes::Bytes;
use futures_util::FutureExt as _;
use http_body::Body as HttpBody;

use super::facts::{Facts, Unanswered};
use super::table::REFUSED;
use super::{App, AppBuilder, ConnInfo, Context, guard};
use crate::security::Reporter;
use crate::stack::{BodyAccess, Endpoint, Stack, panicked};
use crate::{Body, BoxError, BoxFuture, ConfigError, Error, Request, Response, Settings};

/// A stack that stands around a host's own routes: the same middleware, the same decisions.
///
/// Only heads cross, unless a middleware asks for bodies; the host's bodies, its 404 and its 405 stay its own.
/// Every path in the scope of an authenticator needs a user, except those the stack says are public.
///
/// ```
/// use neurolink_core::{Settings, Stack};
///
/// let protected = Stack::builder().public(["/login"]).build()?.protect(Settings::default())?;
/// # Ok::<(), neurolink_core::ConfigError>(())
/// ```
#[derive(Clone, Debug)]
pub struct Protected {
    app: App,
    body: BodyAccess,
}

/// A body on its way through the onion: the host's own, untouched, or one that a middleware has or could have read.
#[derive(Debug)]
pub enum Crossing<B> {
    /// The host's body, as it was.
    Kept(B),
    /// A body of the core.
    Core(Body),
}

impl Stack {
    /// Compiles the stack to stand around a host's routes.
    ///
    /// # Errors
    /// All mistakes of the settings and the stack at once.
    pub fn protect(self, settings: Settings) -> Result<Protected, ConfigError> {
        let body = self.body();
        Ok(Protected { app: AppBuilder::native(self, settings).build()?, body })
    }
}

impl Protected {
    /// Reports decisions that belong to no request.
    #[must_use]
    pub fn reporter(&self) -> Reporter {
        self.app.reporter()
    }

    /// Whether a middleware reads request bodies: they then have to cross.
    #[must_use]
    pub const fn reads_request(&self) -> bool {
        matches!(self.body, BodyAccess::Request | BodyAccess::Both)
    }

    /// Whether a middleware reads response bodies: they then have to cross.
    #[must_use]
    pub const fn reads_response(&self) -> bool {
        matches!(self.body, BodyAccess::Response | BodyAccess::Both)
    }

    /// Runs the onion around `native`, which gets the request as the middleware left it, with [`Facts`] in its extensions.
    ///
    /// The target must be the original one, as it stood in the request line.
    /// A body that did not cross is [`Body::unavailable`], on the way in and on the way out.
    pub async fn wrap<F, Fut>(&self, request: Request, conn: ConnInfo, native: F) -> Response
    where
        F: FnOnce(Request) -> Fut + Send,
        Fut: Future<Output = Response> + Send,
    {
        let shared = &*self.app.shared;
        // On the heap, for it is large, and what answers a request is moved about.
        let mut ctx = Box::new(Context::new(&self.app, request, conn));
        ctx.native = true;
        match guard::check(shared, &ctx) {
            Ok(_) => ctx.target = shared.native(ctx.path()),
            Err(error) => ctx.refuse(error),
        }
        let target = &shared.targets[ctx.target];
        ctx.deadline = Some(ctx.started + target.timeout);
        if ctx.target == REFUSED {
            return ctx.run(shared, &*target.endpoint).await;
        }
        ctx.run(shared, &Native(Mutex::new(Some(native)))).await
    }
}

impl Protected {
    /// Runs the onion around a host whose bodies are not the core's: they cross only if a middleware asks for them.
    ///
    /// See [`wrap`](Self::wrap).
    pub async fn around<B, R, F, Fut>(
        &self,
        request: http::Request<B>,
        conn: ConnInfo,
        native: F,
    ) -> http::Response<Crossing<R>>
    where
        B: HttpBody<Data = Bytes> + Send + 'static,
        B::Error: Into<BoxError>,
        R: HttpBody<Data = Bytes> + Send + 'static,
        R::Error: Into<BoxError>,
        F: FnOnce(http::Request<Crossing<B>>) -> Fut + Send,
        Fut: Future<Output = http::Response<R>> + Send,
    {
        let reads_response = self.reads_response();
        let (parts, body) = request.into_parts();
        let (body, kept) = match self.reads_request() {
            true => (Body::new(body), None),
            false => (Body::unavailable(), Some(body)),
        };
        let kept_response = Mutex::new(None);
        let request = Request::from_parts(parts, body);
        let response = self.wrap(request, conn, |request| {
            let kept_response = &kept_response;
            async move {
                let (parts, body) = request.into_parts();
                let body = kept.map_or_else(|| Crossing::Core(body), Crossing::Kept);
                let response = native(http::Request::from_parts(parts, body)).await;
                if reads_response {
                    return response.map(Body::new);
                }
                let (parts, body) = response.into_parts();
                *kept_response.lock().unwrap_or_else(PoisonError::into_inner) = Some(body);
                Response::from_parts(parts, Body::unavailable())
            }
        });
        let response = response.await;
        let kept = kept_response.into_inner().unwrap_or_else(PoisonError::into_inner);
        response.map(|body| match kept {
            Some(kept) if body.is_unavailable() => Crossing::Kept(kept),
            _ => Crossing::Core(body),
        })
    }
}

/// The host's service, called once.
struct Native<F>(Mutex<Option<F>>);

impl<F, Fut> Endpoint for Native<F>
where
    F: FnOnce(Request) -> Fut + Send,
    Fut: Future<Output = Response> + Send,
{
    fn call<'a>(&'a self, ctx: &'a mut Context) -> BoxFuture<'a, Response> {
        let native = self.0.lock().unwrap_or_else(PoisonError::into_inner).take();
        let Some(native) = native else {
            return Box::pin(std::future::ready(super::respond_error(Error::internal("the native service ran twice"))));
        };
        let facts = Arc::new(Facts::of(ctx));
        let request = native_request(ctx, Arc::clone(&facts));
        let unanswered = Unanswered::new(facts);
        Box::pin(async move {
            match AssertUnwindSafe(async { native(request).await }).catch_unwind().await {
                Ok(response) => {
                    unanswered.answered();
                    response
                }
                Err(panic) => super::respond_error(panicked(&*panic)),
            }
        })
    }
}

/// The request for the host: a copy of the head, so that the middleware still sees it on the way out.
fn native_request(ctx: &mut Context, facts: Arc<Facts>) -> Request {
    let body = if ctx.body_taken { Body::empty() } else { std::mem::take(&mut ctx.body) };
    let mut request = Request::new(body);
    *request.method_mut() = ctx.parts.method.clone();
    *request.uri_mut() = ctx.parts.uri.clone();
    *request.version_mut() = ctx.parts.version;
    *request.headers_mut() = ctx.parts.headers.clone();
    *request.extensions_mut() = std::mem::take(&mut ctx.parts.extensions);
    request.extensions_mut().insert(facts);
    request
}
