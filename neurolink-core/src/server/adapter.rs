use std::sync::Arc;

use super::{Listener, Shutdown};
use crate::{App, BoxError, BoxFuture};

/// What makes a framework serve an app; a fifth framework enters by implementing it.
///
/// An adapter translates and decides nothing: it turns the framework's request into an `http::Request<Body>`
/// plus [`ConnInfo`](crate::ConnInfo), calls [`App::handle`], and turns the answer back.
pub trait Adapter: Send + Sync + 'static {
    /// The framework's name, such as `axum`.
    fn name(&self) -> &'static str;

    /// What its server can do.
    fn capabilities(&self) -> Capabilities {
        Capabilities::default()
    }

    /// Serves `app` on `listener` until `shutdown` has gone its way; the future ends when every connection is gone.
    ///
    /// It may be called again after it has ended.
    fn serve(&self, app: App, listener: Listener, shutdown: Shutdown) -> BoxFuture<'static, Result<(), ServeError>>;
}

/// What a framework's server can do; it chooses which expectation of a test applies, and skips none.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Capabilities {
    /// Speaks HTTP/2 by prior knowledge.
    pub http2_prior_knowledge: bool,
    /// A client that leaves cancels the handler.
    pub cancels_on_disconnect: bool,
}

impl Default for Capabilities {
    fn default() -> Self {
        Self { http2_prior_knowledge: true, cancels_on_disconnect: true }
    }
}

impl Capabilities {
    /// Says whether HTTP/2 is spoken by prior knowledge.
    #[must_use]
    pub const fn http2_prior_knowledge(mut self, yes: bool) -> Self {
        self.http2_prior_knowledge = yes;
        self
    }
}

/// Why serving ended badly.
#[derive(Debug, thiserror::Error)]
#[error("the {framework} server failed: {source}")]
pub struct ServeError {
    framework: &'static str,
    source: BoxError,
}

impl ServeError {
    /// An error of this framework's server.
    pub fn new(framework: &'static str, source: impl Into<BoxError>) -> Self {
        Self { framework, source: source.into() }
    }
}

impl<A: Adapter + ?Sized> Adapter for Arc<A> {
    fn name(&self) -> &'static str {
        (**self).name()
    }

    fn capabilities(&self) -> Capabilities {
        (**self).capabilities()
    }

    fn serve(&self, app: App, listener: Listener, shutdown: Shutdown) -> BoxFuture<'static, Result<(), ServeError>> {
        (**self).serve(app, listener, shutdown)
    }
}
