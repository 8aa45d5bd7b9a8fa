//! The engine itself, and how to ask it for what else it can do.

use async_trait::async_trait;

use super::{Call, Embedder, EventStream, Generate, Generation, Tools};
use crate::Error;

/// An AI engine behind the server.
///
/// The optional accessors say what else it can do: routes, readiness and documentation follow what is there at build.
///
/// ```
/// use neurolink_core::engine::{Call, EventStream, Generate, Generation, StreamEvent};
/// use neurolink_core::{Engine, Error};
///
/// struct Parrot;
///
/// #[async_trait::async_trait]
/// impl Engine for Parrot {
///     fn name(&self) -> &str { "parrot" }
///
///     async fn generate(&self, request: Generate, _call: &Call) -> Result<Generation, Error> {
///         Ok(Generation::new(request.input.text, "parrot", "parrot-1"))
///     }
///
///     async fn stream(&self, request: Generate, _call: &Call) -> Result<EventStream, Error> {
///         let events = vec![Ok(StreamEvent::text(request.input.text))];
///         Ok(Box::pin(futures_util::stream::iter(events)))
///     }
/// }
/// ```
#[async_trait]
pub trait Engine: Send + Sync + 'static {
    /// The provider's name, such as `openai`.
    fn name(&self) -> &str;

    /// Answers a request as a whole.
    ///
    /// # Errors
    /// What went wrong; an [`Error::internal`] never shows its cause to the client.
    async fn generate(&self, request: Generate, call: &Call) -> Result<Generation, Error>;

    /// Answers a request piece by piece; dropping the stream cancels the work.
    ///
    /// # Errors
    /// What is wrong before the first event; the client then gets a status and no stream.
    async fn stream(&self, request: Generate, call: &Call) -> Result<EventStream, Error>;

    /// The providers it can use.
    fn providers(&self) -> Vec<String> {
        vec![self.name().to_owned()]
    }

    /// Whether it can take work now; asked at most once a second for all callers, and given one second.
    async fn ready(&self) -> bool {
        true
    }

    /// Turns text into vectors.
    fn embedder(&self) -> Option<&dyn Embedder> {
        None
    }

    /// Tools that clients may list and call.
    fn tools(&self) -> Option<&dyn Tools> {
        None
    }
}
