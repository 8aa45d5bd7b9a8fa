use std::fmt::Write as _;

use neurolink_core::engine::{FinishReason, Generate, Generation, StreamEvent, ToolCall, ToolError, ToolResult, Usage};
use serde_json::{Value, json};

use super::digest::Digest;
use super::model::Model;
use super::tokens;
use super::tools::OfflineTools;

/// The id of the one call an answer may hold.
const CALL_ID: &str = "call_1";

/// Chunks of the model that benchmarks use.
const CHUNKS: usize = 50;

/// A whole answer, before it is given as a whole or in pieces.
pub(crate) struct Answer {
    model: Model,
    tool: Option<Called>,
    content: String,
    usage: Usage,
    reason: FinishReason,
}

/// A tool that the text asked for, and what it gave.
struct Called {
    name: &'static str,
    arguments: Value,
    result: Result<Value, ToolError>,
}

impl Answer {
    /// Works out the answer; equal requests get equal answers, as long as nobody asks for the time.
    pub(crate) fn new(request: &Generate, model: Model, tools: &OfflineTools) -> Self {
        let tool = match model {
            Model::Chunks => None,
            Model::Echo | Model::Slow => called(request, tools),
        };
        let whole = match model {
            Model::Chunks => chunks(request),
            Model::Echo | Model::Slow => told(request, tool.as_ref()),
        };
        let most = request.max_tokens.and_then(|most| usize::try_from(most).ok());
        let mut left = tokens::split(&whole);
        let content: String = left.by_ref().take(most.unwrap_or(usize::MAX)).collect();
        let reason = match left.next() {
            Some(_) => FinishReason::Length,
            None => FinishReason::Stop,
        };
        let content = content.trim_end().to_owned();
        let usage = Usage { input: input_tokens(request), output: tokens::count(&content) };
        Self { model, tool, content, usage, reason }
    }

    /// How many pieces of text it streams.
    pub(crate) const fn pieces(&self) -> u64 {
        self.usage.output
    }

    pub(crate) fn into_generation(self, provider: &str) -> Generation {
        let mut generation = Generation::new(self.content, provider, self.model.name());
        generation.usage = Some(self.usage);
        generation.finish_reason = self.reason;
        if let Some(tool) = self.tool {
            generation.push_tool_call(tool.name, tool.arguments);
        }
        generation
    }

    pub(crate) fn into_events(self) -> Vec<StreamEvent> {
        let mut events = Vec::new();
        if let Some(Called { name, arguments, result }) = self.tool {
            let tool_call = ToolCall::new(name, CALL_ID, arguments);
            let tool_result = ToolResult::new(name, CALL_ID, result);
            events.push(StreamEvent::ToolCall { tool_call });
            events.push(StreamEvent::ToolResult { tool_result });
        }
        events.extend(tokens::split(&self.content).map(StreamEvent::text));
        events.push(StreamEvent::finish(self.usage, self.reason));
        events
    }
}

/// Calls the tool that the text asks for, if the request allows it.
fn called(request: &Generate, tools: &OfflineTools) -> Option<Called> {
    let text = request.input.text.trim();
    let (name, arguments) = if after(text, "what time is it").is_some() {
        ("time", json!({}))
    } else if let Some(expression) = rest(text, "calculate") {
        ("calculate", json!({ "expression": expression }))
    } else {
        ("echo", json!({ "text": rest(text, "echo")? }))
    };
    if request.tools.as_ref().is_some_and(|allowed| !allowed.iter().any(|own| own == name)) {
        return None;
    }
    let result = tools.run(name, &arguments);
    Some(Called { name, arguments, result })
}

/// What follows `start`, whatever the case of its letters.
fn after<'a>(text: &'a str, start: &str) -> Option<&'a str> {
    let (head, tail) = text.split_at_checked(start.len())?;
    head.eq_ignore_ascii_case(start).then_some(tail)
}

/// What follows `word` and a space.
fn rest<'a>(text: &'a str, word: &str) -> Option<&'a str> {
    let tail = after(text, word)?;
    let rest = tail.trim_start();
    (rest.len() < tail.len() && !rest.is_empty()).then_some(rest)
}

fn told(request: &Generate, tool: Option<&Called>) -> String {
    let mut answer = String::from("[offline engine, no model] ");
    let text = request.input.text.trim();
    // Writing to a string does not fail.
    let _ = match tool {
        Some(Called { name, result: Ok(output), .. }) => {
            write!(answer, "The tool {name} answered: {}.", shown(output))
        }
        Some(Called { name, result: Err(error), .. }) => {
            write!(answer, "The tool {name} failed: {error}.")
        }
        None if text.is_empty() => write!(answer, "You said nothing."),
        None => write!(answer, "You said: {text}"),
    };
    let _ = write!(answer, " (");
    if let Some(prompt) = &request.system_prompt {
        let _ = match tokens::count(prompt) {
            1 => write!(answer, "system prompt of 1 word, "),
            words => write!(answer, "system prompt of {words} words, "),
        };
    }
    let _ = match request.history.len() {
        0 => Ok(()),
        1 => write!(answer, "1 message before, "),
        many => write!(answer, "{many} messages before, "),
    };
    let _ = write!(answer, "request {:016x})", digest(request));
    answer
}

/// The text of a tool's output: that of its only field, if it has just one.
fn shown(output: &Value) -> String {
    let only = output
        .as_object()
        .filter(|fields| fields.len() == 1)
        .and_then(|fields| fields.values().next())
        .unwrap_or(output);
    only.as_str().map_or_else(|| only.to_string(), str::to_owned)
}

fn chunks(request: &Generate) -> String {
    let mut text = format!("[offline engine, no model] {:016x}", digest(request));
    for number in tokens::split(&text.clone()).count() + 1..=CHUNKS {
        let _ = write!(text, " chunk-{number}");
    }
    text
}

/// Tells requests apart that differ in what is said.
fn digest(request: &Generate) -> u64 {
    let mut digest = Digest::new(0);
    digest.field(request.system_prompt.as_deref().unwrap_or_default());
    digest.field(if request.system_prompt.is_some() { "1" } else { "" });
    digest.field(&request.history.len().to_string());
    for message in &request.history {
        digest.field(&format!("{:?}", message.role));
        digest.field(&message.content);
    }
    digest.field(&request.input.text);
    for parts in [&request.input.images, &request.input.files] {
        digest.field(&parts.len().to_string());
        parts.iter().for_each(|part| digest.field(part));
    }
    digest.value()
}

fn input_tokens(request: &Generate) -> u64 {
    let history: u64 = request.history.iter().map(|message| tokens::count(&message.content)).sum();
    tokens::count(request.system_prompt.as_deref().unwrap_or_default()) + history + tokens::count(&request.input.text)
}
