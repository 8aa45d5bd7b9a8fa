use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::SessionKey;

/// What to generate.
#[derive(Clone, Debug, Default)]
#[non_exhaustive]
pub struct Generate {
    /// What the user says.
    pub input: Input,
    /// The provider to use, if the engine has several.
    pub provider: Option<String>,
    /// The model to use.
    pub model: Option<String>,
    /// Instructions that stand before the conversation.
    pub system_prompt: Option<String>,
    /// The conversation so far, oldest first.
    pub history: Vec<Message>,
    /// Randomness, 0 to 2.
    pub temperature: Option<f64>,
    /// The most tokens to answer with.
    pub max_tokens: Option<u64>,
    /// The conversation this belongs to, of the authenticated user.
    pub session: Option<SessionKey>,
    /// The tools that may be used; `None` leaves it to the engine.
    pub tools: Option<Vec<String>>,
}

impl Generate {
    /// A request of a text and nothing else.
    pub fn text(text: impl Into<String>) -> Self {
        Self { input: Input { text: text.into(), ..Input::default() }, ..Self::default() }
    }
}

/// What the user says.
#[derive(Clone, Debug, Default)]
#[non_exhaustive]
pub struct Input {
    /// The text.
    pub text: String,
    /// Images, as URLs or data URLs.
    pub images: Vec<String>,
    /// Files, as URLs or data URLs.
    pub files: Vec<String>,
}

impl Input {
    /// An input of these parts.
    #[must_use]
    pub const fn new(text: String, images: Vec<String>, files: Vec<String>) -> Self {
        Self { text, images, files }
    }
}

/// Who said something.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
#[non_exhaustive]
pub enum Role {
    /// Instructions.
    System,
    /// The person.
    User,
    /// The engine.
    Assistant,
    /// A tool.
    Tool,
}

/// One turn of a conversation.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Message {
    /// Who said it.
    pub role: Role,
    /// What was said.
    pub content: String,
}

/// A whole answer.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct Generation {
    /// The text.
    pub content: String,
    /// The provider that answered.
    pub provider: String,
    /// The model that answered.
    pub model: String,
    /// The tokens it took.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub usage: Option<Usage>,
    /// The tools that were called.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub tool_calls: Vec<CalledTool>,
    /// Why it ended.
    pub finish_reason: FinishReason,
}

/// A tool call in a whole answer.
#[derive(Clone, Debug, Serialize)]
#[non_exhaustive]
pub struct CalledTool {
    /// The tool.
    pub name: String,
    /// What it was called with.
    pub arguments: Value,
}

impl Generation {
    /// An answer that ended by itself.
    pub fn new(content: impl Into<String>, provider: impl Into<String>, model: impl Into<String>) -> Self {
        Self {
            content: content.into(),
            provider: provider.into(),
            model: model.into(),
            usage: None,
            tool_calls: Vec::new(),
            finish_reason: FinishReason::Stop,
        }
    }

    /// Adds a tool call.
    pub fn push_tool_call(&mut self, name: impl Into<String>, arguments: Value) {
        self.tool_calls.push(CalledTool { name: name.into(), arguments });
    }
}

/// Why an answer ended.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum FinishReason {
    /// By itself.
    #[default]
    Stop,
    /// At the limit of tokens.
    Length,
    /// To let a tool run.
    ToolCalls,
    /// By a content filter.
    ContentFilter,
}

/// Tokens in, out and in all; on the wire under both names that clients know.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Usage {
    /// Tokens of the request.
    pub input: u64,
    /// Tokens of the answer.
    pub output: u64,
}

impl Usage {
    /// Tokens in all.
    #[must_use]
    pub const fn total(&self) -> u64 {
        self.input.saturating_add(self.output)
    }
}

impl Serialize for Usage {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        use serde::ser::SerializeStruct;
        let mut usage = serializer.serialize_struct("Usage", 6)?;
        usage.serialize_field("input", &self.input)?;
        usage.serialize_field("output", &self.output)?;
        usage.serialize_field("total", &self.total())?;
        usage.serialize_field("promptTokens", &self.input)?;
        usage.serialize_field("completionTokens", &self.output)?;
        usage.serialize_field("totalTokens", &self.total())?;
        usage.end()
    }
}
