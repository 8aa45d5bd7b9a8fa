use std::sync::Arc;
use std::time::Duration;

use futures_util::{FutureExt as _, StreamExt as _};
use neurolink_core::engine::{Call, FinishReason, Generate, Generation, Message, Role, StreamEvent, ToolOutcome};
use neurolink_core::{Code, Engine as _, ManualClock};
use tokio::time::Instant;

use super::engine::OfflineEngine;

fn engine() -> OfflineEngine {
    let clock = ManualClock::at(Duration::from_millis(1_700_000_000_005));
    OfflineEngine::new().with_clock(Arc::new(clock))
}

async fn generate(request: Generate) -> Generation {
    engine().generate(request, &Call::default()).await.expect("an answer")
}

async fn events(request: Generate) -> Vec<StreamEvent> {
    let stream = engine().stream(request, &Call::default()).await.expect("a stream");
    stream.map(|event| event.expect("an event")).collect().await
}

fn text(events: &[StreamEvent]) -> Vec<&str> {
    let mut texts = Vec::new();
    for event in events {
        if let StreamEvent::Text { content } = event {
            texts.push(content.as_str());
        }
    }
    texts
}

fn requests() -> Vec<Generate> {
    let message = |role, content: &str| Message { role, content: content.into() };
    let mut all: Vec<Generate> =
        ["", "hello there", "hello  there", "Hello there", "calculate 1+1", "echo a"].map(Generate::text).into();
    let mut more = |change: &dyn Fn(&mut Generate)| {
        let mut request = Generate::text("hello there");
        change(&mut request);
        all.push(request);
    };
    more(&|request| request.system_prompt = Some(String::new()));
    more(&|request| request.system_prompt = Some("be brief".into()));
    more(&|request| request.system_prompt = Some("be short".into()));
    more(&|request| request.history = vec![message(Role::User, "be brief")]);
    more(&|request| request.history = vec![message(Role::Assistant, "be brief")]);
    more(&|request| {
        request.history = vec![message(Role::User, "be"), message(Role::User, "brief")];
    });
    more(&|request| {
        request.history = vec![message(Role::User, "brief"), message(Role::User, "be")];
    });
    more(&|request| request.input.images = vec!["a".into()]);
    more(&|request| request.input.files = vec!["a".into()]);
    more(&|request| request.model = Some("offline/chunks-50".into()));
    all
}

#[tokio::test]
async fn equal_requests_get_equal_answers_and_different_ones_different_answers() {
    let mut answers = Vec::new();
    for request in requests() {
        let answer = generate(request.clone()).await.content;
        assert!(answer.starts_with("[offline engine, no model] "), "{answer}");
        assert_eq!(answer, generate(request.clone()).await.content);
        assert!(!answers.contains(&answer), "{request:?}");
        answers.push(answer);
    }
}

#[tokio::test]
async fn a_stream_says_what_generate_says_and_ends_with_one_metadata_event() {
    for mut request in requests() {
        for most in [None, Some(1), Some(3), Some(1000)] {
            request.max_tokens = most;
            let whole = generate(request.clone()).await;
            let events = events(request.clone()).await;
            assert_eq!(text(&events).concat(), whole.content);
            assert!(text(&events).iter().all(|chunk| chunk.split_whitespace().count() == 1));
            let metadata: Vec<_> = events
                .iter()
                .filter_map(|event| match event {
                    StreamEvent::Metadata { metadata } => Some(metadata),
                    _ => None,
                })
                .collect();
            assert_eq!(metadata.len(), 1);
            assert_eq!(metadata[0].usage, whole.usage);
            assert_eq!(metadata[0].finish_reason, Some(whole.finish_reason));
            assert!(matches!(events.last(), Some(StreamEvent::Metadata { .. })));
        }
    }
}

#[tokio::test]
async fn the_most_tokens_cut_the_answer() {
    let mut request = Generate::text("one two three");
    request.system_prompt = Some("be brief".into());
    request.max_tokens = Some(5);
    let answer = generate(request.clone()).await;
    assert_eq!(answer.content, "[offline engine, no model] You");
    assert_eq!(answer.finish_reason, FinishReason::Length);
    let usage = answer.usage.expect("usage");
    assert_eq!((usage.input, usage.output), (5, 5));
    request.max_tokens = None;
    let whole = generate(request.clone()).await;
    request.max_tokens = Some(whole.usage.expect("usage").output);
    assert_eq!(generate(request).await.finish_reason, FinishReason::Stop);
}

#[tokio::test]
async fn texts_call_tools_and_the_answer_uses_the_result() {
    for (text, tool, result) in [
        ("what time is it", "time", "2023-11-14T22:13:20.005Z"),
        ("What Time Is It, please?", "time", "2023-11-14T22:13:20.005Z"),
        ("Calculate (1 + 2) * 3", "calculate", ": 9."),
        ("calculate 1/0", "calculate", "failed: division by zero"),
        (" ECHO two  words ", "echo", ": two  words."),
    ] {
        let answer = generate(Generate::text(text)).await;
        assert_eq!(answer.tool_calls[0].name, tool);
        assert!(answer.content.contains(result), "{}", answer.content);
        let events = events(Generate::text(text)).await;
        let [StreamEvent::ToolCall { tool_call }, StreamEvent::ToolResult { tool_result }, ..] = &events[..] else {
            panic!("{events:?}");
        };
        assert_eq!((tool_call.tool_name.as_str(), &tool_call.args), (tool, &answer.tool_calls[0].arguments));
        assert_eq!(tool_call.tool_call_id, tool_result.id);
        assert_eq!(tool_result.status == ToolOutcome::Failure, text.contains("1/0"));
    }
    for text in ["echo", "echoes", "calculate", "calculate ", "what time", "é echo x", "ech€"] {
        assert!(generate(Generate::text(text)).await.tool_calls.is_empty(), "{text}");
    }
}

#[tokio::test]
async fn only_allowed_tools_are_called() {
    let mut request = Generate::text("echo hi");
    request.tools = Some(vec!["time".into()]);
    assert!(generate(request.clone()).await.tool_calls.is_empty());
    request.tools = Some(vec!["echo".into()]);
    assert_eq!(generate(request).await.tool_calls.len(), 1);
}

#[tokio::test]
async fn fifty_chunks_are_fifty() {
    let mut request = Generate::text("echo x");
    request.model = Some("offline/chunks-50".into());
    assert_eq!(text(&events(request.clone()).await).len(), 50);
    assert_eq!(generate(request).await.model, "offline/chunks-50");
}

#[tokio::test(start_paused = true)]
async fn the_slow_model_sends_a_chunk_every_100_ms() {
    let mut request = Generate::text("hi");
    request.model = Some("offline/slow-100ms".into());
    let begun = Instant::now();
    let mut stream = engine().stream(request.clone(), &Call::default()).await.expect("a stream");
    for chunk in 1..=3 {
        stream.next().await.expect("an event").expect("a chunk");
        assert_eq!(begun.elapsed().as_millis() / 10, chunk * 10);
    }
    drop(stream);
    let begun = Instant::now();
    let answer = generate(request).await;
    let tokens = u128::from(answer.usage.expect("usage").output);
    assert_eq!(begun.elapsed().as_millis() / 100, tokens);
}

#[tokio::test(start_paused = true)]
async fn a_cancelled_call_ends_the_slow_model() {
    let mut request = Generate::text("hi");
    request.model = Some("offline/slow-100ms".into());
    let call = Call::default();
    let mut stream = engine().stream(request.clone(), &call).await.expect("a stream");
    stream.next().await.expect("an event").expect("a chunk");
    call.cancellation.cancel();
    assert!(stream.next().now_or_never().expect("at once").is_none());
    let error = engine().generate(request, &call).now_or_never().expect("at once");
    assert_eq!(error.expect_err("cancelled").code(), Code::Timeout);
}

#[tokio::test]
async fn unknown_names_are_refused_all_at_once_and_not_repeated() {
    let mut request = Generate::text("hi");
    request.provider = Some("secret-provider".into());
    request.model = Some("secret-model".into());
    let error = engine().generate(request, &Call::default()).await.expect_err("refused");
    assert_eq!(error.code(), Code::ValidationError);
    let details = error.details().expect("details").to_string();
    assert!(details.contains("offline/chunks-50") && details.contains("\"provider\""), "{details}");
    assert!(!details.contains("secret"), "{details}");
}

#[tokio::test]
async fn the_embedder_knows_its_model() {
    let engine = engine();
    let embedder = engine.embedder().expect("an embedder");
    let texts = ["a".to_owned(), "b".to_owned()];
    let vectors = embedder.embed(&texts, None, &Call::default()).await.expect("vectors");
    let named = embedder.embed(&texts, Some(embedder.default_model()), &Call::default()).await;
    assert_eq!(vectors, named.expect("vectors"));
    let error = embedder.embed(&texts, Some("x"), &Call::default()).await.expect_err("refused");
    assert_eq!(error.code(), Code::ValidationError);
}

#[tokio::test]
async fn one_word_is_a_word_and_two_are_words() {
    for (prompt, told) in [("brief", "(system prompt of 1 word, "), ("be brief", "(system prompt of 2 words, ")] {
        let mut request = Generate::text("hello");
        request.system_prompt = Some(prompt.into());
        let answer = generate(request).await;
        assert!(answer.content.contains(told), "{}", answer.content);
    }
}
