//! What a server serves: an engine that generates, and what else it can do.

mod event;
mod request;

use async_trait::async_trait;
use serde::Serialize;
use serde_json::Value;
use tokio_util::sync::CancellationToken;

pub use event::{EventStream, Metadata, StreamEvent, ToolCall, ToolOutcome, ToolResult};
pub use request::{CalledTool, FinishReason, Generate, Generation, Input, Message, Role, Usage};

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

/// What an engine knows of the request it works for.
#[derive(Clone, Debug, Default)]
#[non_exhaustive]
pub struct Call {
    /// The id of the request, for logs.
    pub request_id: String,
    /// The authenticated user; what a caller claims to be never comes here.
    pub user_id: Option<String>,
    /// Fires when the client is gone or the deadline has passed.
    pub cancellation: CancellationToken,
}

impl Call {
    /// A call of no user.
    pub fn new(request_id: impl Into<String>) -> Self {
        Self { request_id: request_id.into(), ..Self::default() }
    }
}

/// Turns text into vectors.
#[async_trait]
pub trait Embedder: Send + Sync {
    /// The model used when none is asked for.
    fn default_model(&self) -> &str;

    /// One vector for each text, in order.
    ///
    /// # Errors
    /// What went wrong.
    async fn embed(&self, texts: &[String], model: Option<&str>, call: &Call) -> Result<Vec<Vec<f32>>, Error>;
}

/// Tools that clients may list and call.
#[async_trait]
pub trait Tools: Send + Sync {
    /// The tools there are, in a stable order.
    fn list(&self) -> Vec<ToolInfo>;

    /// Calls a tool; the name is one of [`Tools::list`].
    ///
    /// # Errors
    /// A message for the client: a failing tool is an answer, not a failing server.
    async fn call(&self, name: &str, arguments: Value, call: &Call) -> Result<Value, ToolError>;
}

/// A tool's description.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct ToolInfo {
    /// The name.
    pub name: String,
    /// What it does.
    pub description: String,
    /// A JSON schema of its arguments.
    pub input_schema: Value,
    /// Where it comes from, such as `built-in` or an MCP server's name.
    pub source: String,
}

impl ToolInfo {
    /// A built-in tool.
    pub fn new(name: impl Into<String>, description: impl Into<String>, input_schema: Value) -> Self {
        Self { name: name.into(), description: description.into(), input_schema, source: "built-in".into() }
    }

    /// Whether its schema has a parameter of this name.
    #[must_use]
    pub fn has_parameter(&self, name: &str) -> bool {
        self.input_schema.get("properties").is_some_and(|properties| properties.get(name).is_some())
    }
}

/// Why a tool failed, in words for the client.
#[derive(Clone, Debug, thiserror::Error)]
#[error("{message}")]
pub struct ToolError {
    message: String,
}

impl ToolError {
    /// A failure with a message that a client may read.
    pub fn new(message: impl Into<String>) -> Self {
        Self { message: message.into() }
    }
}
