use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use futures_util::{FutureExt as _, StreamExt as _};
use http::{Method, header};
use neurolink_core::engine::{Call, Embedder, EventStream, Generate, Generation, StreamEvent};
use neurolink_core::{App, Body, ConnInfo, Engine, Error};
use neurolink_routes::WithRoutes as _;
use serde_json::{Value, json};

use crate::support::*;

const EXECUTE: &str = "/api/agent/execute";
const STREAM: &str = "/api/agent/stream";

fn text(events: &[Value]) -> String {
    events.iter().filter_map(|event| event["content"].as_str()).collect()
}

#[tokio::test]
async fn execute_answers_with_usage_and_reason() {
    let data = post_json(&app(), EXECUTE, json!({"input": "hello there", "systemPrompt": "be brief"})).await.data();
    assert!(data["content"].as_str().expect("text").contains("hello there"));
    assert_eq!((&data["provider"], &data["model"]), (&json!("offline"), &json!("offline-echo")));
    assert_eq!(data["finishReason"], "stop");
    let usage = &data["usage"];
    assert_eq!((&usage["input"], &usage["promptTokens"]), (&json!(4), &json!(4)));
    assert_eq!(usage["total"], usage["totalTokens"]);
    assert!(data.get("toolCalls").is_none());
    let called = post_json(&app(), EXECUTE, json!({"input": {"text": "calculate 6 * 7"}})).await.data();
    assert_eq!(called["toolCalls"], json!([{"name": "calculate", "arguments": {"expression": "6 * 7"}}]));
}

#[tokio::test]
async fn a_stream_says_what_execute_says() {
    let app = app();
    for input in ["hello there", "echo parrots", "calculate 1/0"] {
        for most in [json!(3), json!(1000)] {
            let request = json!({"input": input, "maxTokens": most});
            let whole = post_json(&app, EXECUTE, request.clone()).await.data();
            let events = post_json(&app, STREAM, request).await.events();
            assert_eq!(text(&events), whole["content"]);
            let metadata: Vec<_> = events.iter().filter(|event| event["type"] == "metadata").collect();
            assert_eq!(metadata.len(), 1);
            assert_eq!(metadata[0]["metadata"]["usage"], whole["usage"]);
            assert_eq!(metadata[0]["metadata"]["finishReason"], whole["finishReason"]);
            assert!(events.iter().all(|event| event["timestamp"].is_u64()));
        }
    }
    let events = post_json(&app, STREAM, json!({"input": "echo parrots"})).await.events();
    assert_eq!(events[0]["toolCall"]["toolName"], "echo");
    assert_eq!(events[1]["toolResult"]["output"], json!({"text": "parrots"}));
    assert_eq!(events[1]["toolResult"]["status"], "success");
}

#[tokio::test]
async fn fifty_chunks_are_fifty_events() {
    let events = post_json(&app(), STREAM, json!({"input": "x", "model": "offline/chunks-50"})).await.events();
    assert_eq!(events.iter().filter(|event| event["type"] == "text").count(), 50);
    assert_eq!(events.len(), 51);
}

// Shows O-D5.
#[tokio::test]
async fn every_field_reaches_the_engine_and_the_rest_is_ignored() {
    let app =
        App::builder(Custom { mood: Mood::Fine, tools: None }).middleware(Auth).agent_routes().build().expect("valid");
    let body = json!({
        "input": {"text": "t", "images": ["i"], "files": ["f"], "other": 1},
        "provider": "p",
        "model": "m",
        "systemPrompt": "s",
        "sessionId": "session",
        "userId": "mallory",
        "temperature": 2,
        "maxTokens": 8.0,
        "tools": ["a"],
        "enableTools": true,
        "stream": true,
        "context": {"a": 1},
        "history": [{"role": "assistant", "content": "c", "other": 1}],
        "unknown": {"x": []},
    });
    let of = async |body: &Value| {
        let response = raw(&app, Method::POST, EXECUTE, "ada", &body.to_string()).await;
        assert_eq!(response.status(), 200);
        let bytes = response.into_body().into_full().expect("whole");
        let answer: Value = serde_json::from_slice(&bytes).expect("JSON");
        serde_json::from_str::<Value>(answer["data"]["content"].as_str().expect("text")).expect("JSON")
    };
    assert_eq!(
        of(&body).await,
        json!({
            "user": "ada",
            "session": [null, "ada", "session"],
            "tools": ["a"],
            "temperature": 2.0,
            "maxTokens": 8,
            "history": [{"role": "assistant", "content": "c"}],
            "images": ["i"],
            "files": ["f"],
            "text": "t",
            "system": "s",
            "provider": "p",
            "model": "m",
        })
    );
    let quiet = of(&json!({"input": "", "enableTools": false, "tools": ["a"]})).await;
    assert_eq!((&quiet["tools"], &quiet["text"]), (&json!([]), &json!("")));
}

// Shows S1-34.
#[tokio::test]
async fn all_problems_of_a_body_are_told_at_once_and_no_value() {
    let body = json!({
        "input": {"text": 1, "images": ["a", 2], "files": "hunter2"},
        "provider": 1,
        "model": null,
        "systemPrompt": [],
        "sessionId": {},
        "userId": 1,
        "temperature": 2.1,
        "maxTokens": 0,
        "tools": [1],
        "history": [{"role": "hunter2", "content": 1}, "hunter2", {"content": "x"}],
    });
    let expected = pairs(&[
        ("input.text", "invalid_type"),
        ("input.images.1", "invalid_type"),
        ("input.files", "invalid_type"),
        ("provider", "invalid_type"),
        ("model", "invalid_type"),
        ("systemPrompt", "invalid_type"),
        ("sessionId", "invalid_type"),
        ("userId", "invalid_type"),
        ("temperature", "too_big"),
        ("maxTokens", "too_small"),
        ("tools.0", "invalid_type"),
        ("history.0.role", "invalid_value"),
        ("history.0.content", "invalid_type"),
        ("history.1", "invalid_type"),
        ("history.2.role", "invalid_type"),
    ]);
    for path in [EXECUTE, STREAM] {
        let answer = post_json(&app(), path, body.clone()).await;
        assert_eq!(answer.invalid("Invalid request body"), expected);
        assert!(!answer.body.contains("hunter2"), "{}", answer.body);
    }
}

#[tokio::test]
async fn of_a_session_the_engine_gets_the_key_of_the_authenticated_user() {
    let engine = || Custom { mood: Mood::Fine, tools: None };
    let users = App::builder(engine()).middleware(Auth).agent_routes().build().expect("valid");
    let anybody = App::builder(engine()).agent_routes().build().expect("valid");
    let session = async |app: &App, user: &str, id: &str| {
        let body = json!({"input": "x", "sessionId": id, "userId": "eve", "tenant": "evil"}).to_string();
        let response = raw(app, Method::POST, EXECUTE, user, &body).await;
        let bytes = response.into_body().into_full().expect("whole");
        let answer: Value = serde_json::from_slice(&bytes).expect("JSON");
        let told = answer["data"]["content"].as_str().map(serde_json::from_str::<Value>);
        told.map_or_else(|| answer["error"]["code"].clone(), |told| told.expect("JSON")["session"].clone())
    };
    assert_eq!(session(&users, "ada", "s").await, json!([null, "ada", "s"]));
    assert_eq!(session(&users, "bob", "s").await, json!([null, "bob", "s"]));
    let (made, long) = ("0123456789abcdef".repeat(2), "x".repeat(129));
    assert_eq!(session(&anybody, "", &made).await, json!([null, null, made]));
    for chosen in ["s", "", &long] {
        assert_eq!(session(&anybody, "", chosen).await, Value::Null, "{chosen}");
    }
    for none in ["", &long, "a\nb"] {
        assert_eq!(session(&users, "ada", none).await, "VALIDATION_ERROR", "{none}");
    }
}

#[tokio::test]
async fn single_problems_have_their_codes() {
    for (body, path, code) in [
        (r#"{}"#, "input", "invalid_union"),
        (r#"{"input":7}"#, "input", "invalid_union"),
        (r#"{"input":null}"#, "input", "invalid_union"),
        (r#"{"input":{}}"#, "input.text", "invalid_type"),
        (r#"{"input":"x","temperature":-0.1}"#, "temperature", "too_small"),
        (r#"{"input":"x","temperature":"1"}"#, "temperature", "invalid_type"),
        (r#"{"input":"x","maxTokens":1.5}"#, "maxTokens", "invalid_type"),
        (r#"{"input":"x","history":{}}"#, "history", "invalid_type"),
        (r#"{"input":"x","input":"y"}"#, "input", "duplicate_key"),
        (r#"{"input":{"text":"x","text":"y"}}"#, "input.text", "duplicate_key"),
        (r#"{"input":"x","model":"no"}"#, "model", "invalid_value"),
        (r#"{"input":"x","provider":"openai"}"#, "provider", "invalid_value"),
        (r#"["input"]"#, "", "invalid_type"),
        ("null", "", "invalid_type"),
        ("", "", "invalid_type"),
    ] {
        for route in [EXECUTE, STREAM] {
            let answer = post(&app(), route, body).await;
            assert_eq!(answer.invalid("Invalid request body"), pairs(&[(path, code)]), "{body}");
        }
    }
    assert_eq!(post(&app(), EXECUTE, "{").await.error(400)["code"], "INVALID_JSON");
    assert_eq!(post(&app(), EXECUTE, r#"{"input":"x","x":1,"x":2}"#).await.status, 200);
}

#[tokio::test]
async fn another_type_is_415() {
    let request = http::Request::post(EXECUTE)
        .header(header::HOST, "localhost")
        .header(header::CONTENT_TYPE, "text/plain")
        .body(Body::from("{}"))
        .expect("a request");
    let response = app().handle(request, ConnInfo::default()).await;
    assert_eq!(response.status(), 415);
}

// Shows O-D8.
#[tokio::test]
async fn a_failing_engine_is_a_generic_500() {
    let app = App::builder(Custom { mood: Mood::Failing, tools: None }).all_routes().build().expect("valid");
    for path in [EXECUTE, STREAM] {
        let answer = post_json(&app, path, json!({"input": "x"})).await;
        assert_eq!(answer.error(500)["code"], "INTERNAL_ERROR");
        assert!(!answer.body.contains("sk-123"));
    }
}

#[tokio::test]
async fn providers_are_named() {
    let data = get(&app(), "/api/agent/providers").await.data();
    assert_eq!(data, json!({"providers": ["offline"], "total": 1}));
}

#[tokio::test]
async fn texts_become_vectors() {
    let app = app();
    let one = post_json(&app, "/api/agent/embed", json!({"text": "a", "provider": "offline"})).await.data();
    assert_eq!((&one["provider"], &one["model"]), (&json!("offline"), &json!("offline-embed")));
    assert_eq!(one["dimension"], 256);
    let request = json!({"texts": ["a", "b", "c"], "model": "offline-embed"});
    let many = post_json(&app, "/api/agent/embed-many", request).await.data();
    assert_eq!((&many["count"], &many["dimension"]), (&json!(3), &json!(256)));
    for (text, vector) in ["a", "b", "c"].iter().zip(many["embeddings"].as_array().unwrap()) {
        let alone = post_json(&app, "/api/agent/embed", json!({"text": text})).await.data();
        assert_eq!(*vector, alone["embedding"], "{text}");
    }
    assert_ne!(many["embeddings"][0], many["embeddings"][2]);
}

#[tokio::test]
async fn embeddings_are_checked() {
    let texts = |count: usize| json!({"texts": vec!["a"; count]});
    for (body, expected) in [
        (json!({}), &[("text", "invalid_type")][..]),
        (json!({"text": ""}), &[("text", "too_small")]),
        (
            json!({"text": 1, "provider": "openai", "model": 1}),
            &[("text", "invalid_type"), ("provider", "invalid_value"), ("model", "invalid_type")],
        ),
        (json!({"text": "a", "model": "other"}), &[("model", "invalid_value")]),
    ] {
        let answer = post_json(&app(), "/api/agent/embed", body).await;
        assert_eq!(answer.invalid("Invalid request body"), pairs(expected));
    }
    for (body, expected) in [
        (json!({"texts": "a"}), &[("texts", "invalid_type")][..]),
        (texts(0), &[("texts", "too_small")]),
        (texts(2049), &[("texts", "too_big")]),
        (json!({"texts": ["a", "", 1]}), &[("texts.1", "too_small"), ("texts.2", "invalid_type")]),
    ] {
        let answer = post_json(&app(), "/api/agent/embed-many", body).await;
        assert_eq!(answer.invalid("Invalid request body"), pairs(expected));
    }
    assert_eq!(post_json(&app(), "/api/agent/embed-many", texts(2048)).await.data()["count"], 2048);
}

#[tokio::test]
async fn without_an_embedder_there_are_no_embeddings() {
    let app = App::builder(Custom { mood: Mood::Fine, tools: None }).all_routes().build().expect("valid");
    for path in ["/api/agent/embed", "/api/agent/embed-many"] {
        assert_eq!(post_json(&app, path, json!({"text": "a"})).await.status, 404);
    }
}

/// Gives one vector, however many texts there are.
struct Short;

#[async_trait::async_trait]
impl Engine for Short {
    fn name(&self) -> &str {
        "short"
    }

    async fn generate(&self, _: Generate, _: &Call) -> Result<Generation, Error> {
        std::future::pending().await
    }

    async fn stream(&self, _: Generate, _: &Call) -> Result<EventStream, Error> {
        std::future::pending().await
    }

    fn embedder(&self) -> Option<&dyn Embedder> {
        Some(self)
    }
}

#[async_trait::async_trait]
impl Embedder for Short {
    fn default_model(&self) -> &str {
        "short-1"
    }

    async fn embed(&self, _: &[String], _: Option<&str>, _: &Call) -> Result<Vec<Vec<f32>>, Error> {
        Ok(vec![vec![1.0]])
    }
}

#[tokio::test]
async fn a_missing_vector_is_a_500_and_never_a_shorter_answer() {
    let app = App::builder(Short).agent_routes().build().expect("valid");
    let of = async |texts: Value| post_json(&app, "/api/agent/embed-many", json!({"texts": texts})).await;
    assert_eq!(of(json!(["a"])).await.data()["model"], "short-1");
    assert_eq!(of(json!(["a", "b"])).await.error(500)["code"], "EXECUTION_FAILED");
}

/// Streams for ever and says when it is dropped.
struct Endless(Arc<AtomicBool>);

struct SetOnDrop(Arc<AtomicBool>);

impl Drop for SetOnDrop {
    fn drop(&mut self) {
        self.0.store(true, Ordering::SeqCst);
    }
}

#[async_trait::async_trait]
impl Engine for Endless {
    fn name(&self) -> &str {
        "endless"
    }

    async fn generate(&self, _: Generate, _: &Call) -> Result<Generation, Error> {
        let _guard = SetOnDrop(Arc::clone(&self.0));
        std::future::pending().await
    }

    async fn stream(&self, _: Generate, _: &Call) -> Result<EventStream, Error> {
        let guard = SetOnDrop(Arc::clone(&self.0));
        Ok(Box::pin(futures_util::stream::repeat_with(move || {
            let _kept = &guard;
            Ok(StreamEvent::text("x"))
        })))
    }
}

// Shows V61.
#[tokio::test]
async fn a_client_that_leaves_stops_the_engine() {
    let dropped = Arc::new(AtomicBool::new(false));
    let app = App::builder(Endless(Arc::clone(&dropped))).agent_routes().build().expect("valid");
    let response = raw(&app, Method::POST, STREAM, "", r#"{"input":"x"}"#).await;
    let mut body = response.into_body();
    body.next().await.expect("a chunk").expect("bytes");
    assert!(!dropped.load(Ordering::SeqCst));
    drop(body);
    assert!(dropped.swap(false, Ordering::SeqCst));
    {
        let mut request = std::pin::pin!(raw(&app, Method::POST, EXECUTE, "", r#"{"input":"x"}"#));
        assert!(request.as_mut().now_or_never().is_none());
    }
    assert!(dropped.load(Ordering::SeqCst));
}

#[tokio::test(start_paused = true)]
async fn the_slow_model_streams_chunk_by_chunk() {
    let request = r#"{"input":"x","model":"offline/slow-100ms"}"#;
    let response = raw(&app(), Method::POST, STREAM, "", request).await;
    let begun = tokio::time::Instant::now();
    let mut body = response.into_body();
    for chunk in 1..=3_u128 {
        let bytes = body.next().await.expect("a chunk").expect("bytes");
        assert_eq!(String::from_utf8_lossy(&bytes).matches("\"type\":\"text\"").count(), 1);
        assert_eq!(begun.elapsed().as_millis() / 100, chunk);
    }
}
