//! An engine in 25 lines: any endpoint that speaks OpenAI's chat completions.
//!
//! `OPENAI_BASE_URL=http://127.0.0.1:11434/v1 OPENAI_API_KEY=none cargo run --example openai_engine`

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
        let model = request.model.unwrap_or_else(|| "gpt-4o-mini".into());
        let mut messages = vec![json!({ "role": "system", "content": request.system_prompt.unwrap_or_default() })];
        messages.extend(request.history.iter().map(|turn| json!(turn)));
        messages.push(json!({ "role": "user", "content": request.input.text }));
        let body = json!({ "model": model, "messages": messages, "max_tokens": request.max_tokens });
        let sent = self.http.post(format!("{}/chat/completions", self.base)).bearer_auth(&self.key).json(&body).send();
        let answer: Value =
            sent.await.and_then(reqwest::Response::error_for_status).or_internal()?.json().await.or_internal()?;
        let content = answer["choices"][0]["message"]["content"].as_str().unwrap_or_default();
        let mut generation = Generation::new(content, "openai", model);
        let tokens = |name: &str| answer["usage"][name].as_u64().unwrap_or(0);
        generation.usage = Some(Usage { input: tokens("prompt_tokens"), output: tokens("completion_tokens") });
        Ok(generation)
    }

    async fn stream(&self, request: Generate, call: &Call) -> Result<EventStream, Error> {
        let whole = self.generate(request, call).await?;
        let finish = StreamEvent::finish(whole.usage.unwrap_or_default(), FinishReason::Stop);
        Ok(Box::pin(futures_util::stream::iter([Ok(StreamEvent::text(whole.content)), Ok(finish)])))
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
