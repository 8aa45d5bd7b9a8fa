//! Tools that an engine offers to clients.

use std::error::Error;
use std::fmt;
use std::sync::Arc;

use async_trait::async_trait;
use serde::Serialize;
use serde_json::Value;

use super::Call;
use crate::BoxError;
use crate::error::Causes;

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
///
/// ```
/// use neurolink_core::engine::ToolError;
///
/// assert_eq!(ToolError::new("the file is empty").to_string(), "the file is empty");
/// // What went wrong inside is for the log.
/// let io = std::io::Error::other("/srv/key: permission denied");
/// assert_eq!(ToolError::internal(io).to_string(), "the tool failed");
/// ```
#[derive(Clone, Debug)]
pub struct ToolError {
    message: String,
    source: Option<Arc<dyn Error + Send + Sync>>,
}

impl ToolError {
    /// A failure with a message that a client may read.
    pub fn new(message: impl Into<String>) -> Self {
        Self { message: message.into(), source: None }
    }

    /// A failure whose cause is for the log only; the client reads that the tool failed.
    ///
    /// The tool routes log it; an engine that calls a tool itself does so by [`log`](Self::log).
    pub fn internal(source: impl Into<BoxError>) -> Self {
        Self { message: "the tool failed".into(), source: Some(source.into().into()) }
    }
}

impl ToolError {
    /// Tells the log what went wrong inside, if something did.
    pub fn log(&self, tool: &str, request_id: &str) {
        if self.source.is_some() {
            tracing::error!(target: "neurolink::error", request_id, tool, "a tool failed{}", Causes(self));
        }
    }
}

impl fmt::Display for ToolError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl Error for ToolError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        self.source.as_deref().map(|source| source as _)
    }
}
