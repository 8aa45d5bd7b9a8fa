use neurolink_core::engine::{Call, Generate, Input, Message, Role};
use neurolink_core::{Error, Json};
use serde_json::Value;

use crate::check::{At, Object, Problems, read};
use crate::document::Document;

/// The most texts of one call.
const MOST_TEXTS: usize = 2048;

/// Reads the body of `/agent/execute` and `/agent/stream`.
///
/// What a caller claims in `userId`, and `stream` and `context`, change nothing.
pub(crate) fn generate(body: Option<Json<Document>>, call: &Call) -> Result<Generate, Error> {
    read(body, |body, problems| {
        let mut request = Generate::default();
        request.input = input(body.take("input", problems), problems);
        request.provider = body.optional_string("provider", problems);
        request.model = body.optional_string("model", problems);
        request.system_prompt = body.optional_string("systemPrompt", problems);
        let session = body.optional_string("sessionId", problems).map(|id| call.session(&id));
        request.session = session.transpose().map(Option::flatten).unwrap_or_else(|invalid| {
            problems.add("sessionId", invalid.to_string(), "invalid_string");
            None
        });
        body.optional_string("userId", problems);
        let temperature = body.optional("temperature", problems);
        request.temperature = temperature.and_then(|at| at.number(0.0, 2.0, problems));
        let most = body.optional("maxTokens", problems);
        request.max_tokens = most.and_then(|at| at.count(problems));
        request.tools = body.optional_strings("tools", problems);
        let enabled = body.optional("enableTools", problems).and_then(|at| at.value);
        if enabled == Some(Value::Bool(false)) {
            request.tools = Some(Vec::new());
        }
        request.history = history(body, problems);
        request
    })
}

/// A text, or an object of text, images and files.
fn input(at: At, problems: &mut Problems) -> Input {
    match &at.value {
        Some(Value::String(_)) => Input::new(at.string(problems).unwrap_or_default(), Vec::new(), Vec::new()),
        Some(Value::Object(_)) => {
            let Some(mut parts) = at.object(problems) else { return Input::default() };
            let text = parts.take("text", problems).string(problems).unwrap_or_default();
            let images = parts.optional_strings("images", problems).unwrap_or_default();
            let files = parts.optional_strings("files", problems).unwrap_or_default();
            Input::new(text, images, files)
        }
        _ => {
            problems.add(&at.path, "expected a string, or an object with `text`", "invalid_union");
            Input::default()
        }
    }
}

fn history(body: &mut Object, problems: &mut Problems) -> Vec<Message> {
    let items = body.optional("history", problems).and_then(|at| at.array(problems));
    let mut messages = Vec::new();
    for item in items.into_iter().flatten() {
        let Some(mut item) = item.object(problems) else { continue };
        let role = item.take("role", problems);
        let role_path = role.path.clone();
        let role = role.string(problems).and_then(|name| {
            let role = role_of(&name);
            if role.is_none() {
                let message = "expected one of user, assistant, system, tool";
                problems.add(&role_path, message, "invalid_value");
            }
            role
        });
        let content = item.take("content", problems).string(problems);
        if let (Some(role), Some(content)) = (role, content) {
            messages.push(Message { role, content });
        }
    }
    messages
}

fn role_of(name: &str) -> Option<Role> {
    match name {
        "user" => Some(Role::User),
        "assistant" => Some(Role::Assistant),
        "system" => Some(Role::System),
        "tool" => Some(Role::Tool),
        _ => None,
    }
}

/// The body of `/agent/embed` and `/agent/embed-many`.
pub(crate) struct Embed {
    pub(crate) texts: Vec<String>,
    pub(crate) provider: Option<String>,
    pub(crate) model: Option<String>,
}

/// Reads one text (`text`) or many (`texts`); a provider must be one of `providers`.
pub(crate) fn embed(body: Option<Json<Document>>, many: bool, providers: &[String]) -> Result<Embed, Error> {
    read(body, |body, problems| {
        let texts = if many {
            texts(body.take("texts", problems), problems)
        } else {
            body.take("text", problems).filled_string(problems).into_iter().collect()
        };
        let provider = body.optional_string("provider", problems);
        if provider.as_ref().is_some_and(|provider| !providers.contains(provider)) {
            let message = format!("expected one of {}", providers.join(", "));
            problems.add("provider", message, "invalid_value");
        }
        Embed { texts, provider, model: body.optional_string("model", problems) }
    })
}

fn texts(at: At, problems: &mut Problems) -> Vec<String> {
    let path = at.path.clone();
    let Some(items) = at.array(problems) else { return Vec::new() };
    if items.len() == 0 {
        problems.add(&path, "expected at least 1 text", "too_small");
    } else if items.len() > MOST_TEXTS {
        problems.add(&path, format!("expected at most {MOST_TEXTS} texts"), "too_big");
    }
    items.filter_map(|item| item.filled_string(problems)).collect()
}
