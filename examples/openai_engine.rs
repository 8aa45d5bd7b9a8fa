//! An engine of any endpoint that speaks OpenAI's chat completions; its `impl Engine` has at most 25 lines.
//!
//! `OPENAI_BASE_URL=http://127.0.0.1:11434/v1 OPENAI_API_KEY=none cargo run --example openai_engine`

use futures_util::{Stream, TryStreamExt as _, future::ready, stream::try_unfold};
use neurolink::engine::{Call, EventStream, FinishReason, Generate, Generation, StreamEvent, Usage};
use neurolink::{Engine, Error, ResultExt as _, create_server};
use serde_json::{Value, json};

struct OpenAi {
    http: reqwest::Client,
    base: String,
    key: String,
}

#[async_trait::async_trait]
impl Engine for OpenAi {
    fn name(&self) -> &str {
        "openai"
    }

    async fn generate(&self, request: Generate, _call: &Call) -> Result<Generation, Error> {
        let answer: Value = self.ask(&request, false).await?.json().await.or_internal()?;
        let content = answer["choices"][0]["message"]["content"].as_str().unwrap_or_default();
        let mut generation = Generation::new(content, self.name(), model(&request));
        generation.usage = usage(&answer);
        Ok(generation)
    }

    async fn stream(&self, request: Generate, _call: &Call) -> Result<EventStream, Error> {
        let pieces = pieces(self.ask(&request, true).await?);
        Ok(Box::pin(pieces.try_filter_map(|piece| ready(Ok(event(&piece))))))
    }
}

impl OpenAi {
    async fn ask(&self, request: &Generate, stream: bool) -> Result<reqwest::Response, Error> {
        let system = request.system_prompt.iter().map(|prompt| json!({ "role": "system", "content": prompt }));
        let before = request.history.iter().map(|turn| json!(turn));
        let said = json!({ "role": "user", "content": request.input.text });
        let messages: Vec<Value> = system.chain(before).chain([said]).collect();
        let mut body = json!({ "model": model(request), "messages": messages, "max_tokens": request.max_tokens });
        if stream {
            body["stream"] = true.into();
            body["stream_options"] = json!({ "include_usage": true });
        }
        let sent = self.http.post(format!("{}/chat/completions", self.base)).bearer_auth(&self.key).json(&body).send();
        sent.await.and_then(reqwest::Response::error_for_status).or_internal()
    }
}

fn model(request: &Generate) -> &str {
    request.model.as_deref().unwrap_or("gpt-4o-mini")
}

fn usage(answer: &Value) -> Option<Usage> {
    let tokens = |name: &str| answer["usage"][name].as_u64();
    Some(Usage { input: tokens("prompt_tokens")?, output: tokens("completion_tokens")? })
}

/// The pieces of a streamed answer, each as it comes: a line `data: {json}`, and `data: [DONE]` in the end.
fn pieces(response: reqwest::Response) -> impl Stream<Item = Result<Value, Error>> {
    try_unfold((response, Vec::new()), async |(mut response, mut read): (reqwest::Response, Vec<u8>)| {
        loop {
            if let Some(end) = read.iter().position(|byte| *byte == b'\n') {
                let line: Vec<u8> = read.drain(..=end).collect();
                match line.strip_prefix(b"data:").map(<[u8]>::trim_ascii) {
                    Some(b"[DONE]") => return Ok(None),
                    Some(piece) => return Ok(Some((serde_json::from_slice(piece).or_internal()?, (response, read)))),
                    None => {} // an empty line, or a comment
                }
            } else if let Some(chunk) = response.chunk().await.or_internal()? {
                read.extend_from_slice(&chunk);
            } else {
                return Err(Error::internal("the answer ended before it was done"));
            }
        }
    })
}

/// Text, or how many tokens it was, which comes last.
fn event(piece: &Value) -> Option<StreamEvent> {
    match piece["choices"][0]["delta"]["content"].as_str() {
        Some(text) if !text.is_empty() => Some(StreamEvent::text(text)),
        _ => usage(piece).map(|usage| StreamEvent::finish(usage, FinishReason::Stop)),
    }
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let base = std::env::var("OPENAI_BASE_URL").unwrap_or_else(|_| "http://127.0.0.1:11434/v1".into());
    let key = std::env::var("OPENAI_API_KEY").unwrap_or_default();
    let address = std::env::var("LISTEN").unwrap_or_else(|_| "127.0.0.1:3000".into());
    let engine = OpenAi { http: reqwest::Client::new(), base, key };
    let server = create_server(engine).bind(address).build()?;
    server.initialize()?;
    println!("listening on http://{}", server.start().await?);
    Ok(server.wait().await?)
}
