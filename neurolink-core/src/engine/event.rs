use std::pin::Pin;

use futures_core::Stream;
use serde::Serialize;
use serde_json::Value;

use super::{FinishReason, Usage};
use crate::Error;

/// The events of an answer; dropping it cancels the work.
pub type EventStream = Pin<Box<dyn Stream<Item = Result<StreamEvent, Error>> + Send>>;

/// One event of a streamed answer, as the original's client reads it.
#[derive(Clone, Debug, Serialize)]
#[serde(tag = "type", rename_all = "kebab-case")]
#[non_exhaustive]
pub enum StreamEvent {
    /// A piece of the answer.
    Text {
        /// The text.
        content: String,
    },
    /// A piece of the reasoning.
    Thinking {
        /// The text.
        thinking: String,
    },
    /// A tool is called.
    ToolCall {
        /// The call.
        #[serde(rename = "toolCall")]
        tool_call: ToolCall,
    },
    /// A tool has answered.
    ToolResult {
        /// The answer.
        #[serde(rename = "toolResult")]
        tool_result: ToolResult,
    },
    /// Facts about the answer; the last one says why it ended.
    Metadata {
        /// The facts.
        metadata: Metadata,
    },
}

/// Facts about an answer.
#[derive(Clone, Debug, Default, Serialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct Metadata {
    /// The provider that answered.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub provider: Option<String>,
    /// The model that answered.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub model: Option<String>,
    /// The tokens it took.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub usage: Option<Usage>,
    /// Why it ended.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub finish_reason: Option<FinishReason>,
}

/// A call of a tool.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct ToolCall {
    /// The tool.
    pub tool_name: String,
    /// Names this call; its result has the same.
    pub tool_call_id: String,
    /// The arguments.
    pub args: Value,
}

impl ToolCall {
    /// A call.
    pub fn new(tool_name: impl Into<String>, tool_call_id: impl Into<String>, args: Value) -> Self {
        Self { tool_name: tool_name.into(), tool_call_id: tool_call_id.into(), args }
    }
}

/// How a tool call ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
#[non_exhaustive]
pub enum ToolOutcome {
    /// With an output.
    Success,
    /// With an error.
    Failure,
}

/// The answer of a tool.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct ToolResult {
    /// The tool.
    pub tool_name: String,
    /// The call this answers.
    pub id: String,
    /// How it ended.
    pub status: ToolOutcome,
    /// The output of a success.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub output: Option<Value>,
    /// The message of a failure.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub error: Option<String>,
}

impl ToolResult {
    /// A result: an output, or a message for the client.
    pub fn new(tool_name: impl Into<String>, id: impl Into<String>, result: Result<Value, super::ToolError>) -> Self {
        let (status, output, error) = match result {
            Ok(output) => (ToolOutcome::Success, Some(output), None),
            Err(error) => (ToolOutcome::Failure, None, Some(error.to_string())),
        };
        Self { tool_name: tool_name.into(), id: id.into(), status, output, error }
    }
}

impl StreamEvent {
    /// A piece of text.
    pub fn text(content: impl Into<String>) -> Self {
        Self::Text { content: content.into() }
    }

    /// The end of an answer: what it took and why it ended.
    #[must_use]
    pub fn finish(usage: Usage, reason: FinishReason) -> Self {
        Self::Metadata { metadata: Metadata { usage: Some(usage), finish_reason: Some(reason), ..Metadata::default() } }
    }

    pub(crate) const fn is_finish(&self) -> bool {
        matches!(self, Self::Metadata { metadata } if metadata.finish_reason.is_some())
    }
}
