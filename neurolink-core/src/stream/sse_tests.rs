use futures_util::StreamExt;
use tokio_util::sync::CancellationToken;

use super::*;
use crate::{Body, ManualClock};

fn parts(settings: StreamSettings) -> SseParts {
    SseParts {
        clock: Arc::new(ManualClock::at(Duration::from_millis(1234))),
        settings,
        shutdown: None,
        cancel: None,
        authority: Authority::default(),
        _place: None,
        request_id: "r".into(),
    }
}

async fn text(events: EventStream) -> String {
    let body = Body::new(SseBody::new(events, parts(StreamSettings::default())));
    let chunks: Vec<_> = body.map(|chunk| chunk.expect("a chunk")).collect().await;
    String::from_utf8(chunks.concat()).expect("UTF-8")
}

#[tokio::test]
async fn events_are_framed_and_the_end_has_one_metadata_event_and_done() {
    let events = vec![
        Ok(StreamEvent::text("a\n\"b\"")),
        Ok(StreamEvent::finish(Usage { input: 1, output: 2 }, FinishReason::Length)),
        Ok(StreamEvent::finish(Usage::default(), FinishReason::Stop)),
    ];
    let wire = text(Box::pin(futures_util::stream::iter(events))).await;
    assert_eq!(
        wire,
        "data: {\"type\":\"text\",\"content\":\"a\\n\\\"b\\\"\",\"timestamp\":1234}\n\n\
         data: {\"type\":\"metadata\",\"metadata\":{\"usage\":{\"input\":1,\"output\":2,\"total\":3,\
         \"promptTokens\":1,\"completionTokens\":2,\"totalTokens\":3},\"finishReason\":\"length\"},\"timestamp\":1234}\n\n\
         data: [DONE]\n\n"
    );
}

#[tokio::test]
async fn an_error_is_generic_and_ends_the_stream() {
    let events = vec![
        Ok(StreamEvent::text("a")),
        Err(Error::not_found("provider key sk-123 is invalid")),
        Ok(StreamEvent::text("never")),
    ];
    let wire = text(Box::pin(futures_util::stream::iter(events))).await;
    assert!(wire.contains("\"code\":\"STREAM_ERROR\""), "{wire}");
    assert!(!wire.contains("sk-123") && !wire.contains("never"), "{wire}");
    assert!(wire.ends_with("data: [DONE]\n\n"));
}

#[tokio::test]
async fn a_panic_in_the_engine_becomes_an_error_event() {
    let events = futures_util::stream::iter(0..2).map(|n| {
        assert!(n == 0, "secret text of a panic");
        Ok(StreamEvent::text("a"))
    });
    let wire = text(Box::pin(events)).await;
    assert!(wire.contains("\"code\":\"INTERNAL_ERROR\""), "{wire}");
    assert!(!wire.contains("secret text"), "{wire}");
}

// Shows V59.
#[tokio::test(start_paused = true)]
async fn a_silent_engine_gets_comments_and_then_a_timeout() {
    let settings = StreamSettings {
        keep_alive: Duration::from_secs(15),
        idle_timeout: Duration::from_secs(40),
        ..StreamSettings::default()
    };
    let body = Body::new(SseBody::new(Box::pin(futures_util::stream::pending()), parts(settings)));
    let chunks: Vec<_> = body.map(|chunk| chunk.expect("a chunk")).collect().await;
    let wire = String::from_utf8(chunks.concat()).expect("UTF-8");
    assert_eq!(wire.matches(": keep-alive\n\n").count(), 2);
    assert!(wire.contains("\"code\":\"TIMEOUT\""), "{wire}");
}

#[tokio::test]
async fn dropping_the_body_fires_the_token_and_reading_it_to_the_end_does_not() {
    let token = CancellationToken::new();
    let with_guard = || SseParts { cancel: Some(token.clone().drop_guard()), ..parts(StreamSettings::default()) };
    let body = Body::new(SseBody::new(Box::pin(futures_util::stream::empty()), with_guard()));
    assert_eq!(body.count().await, 1);
    assert!(!token.is_cancelled());
    drop(SseBody::new(Box::pin(futures_util::stream::pending()), with_guard()));
    assert!(token.is_cancelled());
}

#[tokio::test]
async fn a_shutdown_past_its_grace_ends_the_stream_with_an_event() {
    let (handle, shutdown) = Shutdown::new();
    let parts = SseParts { shutdown: Some(shutdown), ..parts(StreamSettings::default()) };
    let body = Body::new(SseBody::new(Box::pin(futures_util::stream::pending()), parts));
    handle.advance(Phase::Ending);
    let chunks: Vec<_> = body.map(|chunk| chunk.expect("a chunk")).collect().await;
    let wire = String::from_utf8(chunks.concat()).expect("UTF-8");
    assert!(wire.contains("\"code\":\"DRAINING\"") && wire.ends_with("data: [DONE]\n\n"), "{wire}");
}

/// What a body of an engine that says nothing more ends with.
async fn ends_with(parts: SseParts, events: EventStream) -> (String, Duration) {
    let begun = Instant::now();
    let body = Body::new(SseBody::new(events, parts));
    let chunks: Vec<_> = body.map(|chunk| chunk.expect("a chunk")).collect().await;
    (String::from_utf8(chunks.concat()).expect("UTF-8"), begun.elapsed())
}

fn until(expires: Duration) -> Authority {
    Authority { expires: Some(expires), ..Authority::default() }
}

/// An event a second, for ever.
fn ticking() -> EventStream {
    Box::pin(futures_util::stream::unfold((), |()| async {
        tokio::time::sleep(Duration::from_secs(1)).await;
        Some((Ok(StreamEvent::text("tick")), ()))
    }))
}

#[tokio::test(start_paused = true)]
async fn the_longest_duration_ends_a_stream_that_is_never_idle() {
    let token = CancellationToken::new();
    let settings = StreamSettings { max_duration: Duration::from_secs(100), ..StreamSettings::default() };
    let parts = SseParts { cancel: Some(token.clone().drop_guard()), ..parts(settings) };
    let (wire, took) = ends_with(parts, ticking()).await;
    assert!(wire.contains("\"code\":\"TIMEOUT\"") && wire.ends_with("data: [DONE]\n\n"), "{wire}");
    assert!((100..=101).contains(&took.as_secs()), "{took:?}");
    assert!(token.is_cancelled(), "whoever works for it is told to stop");
}

#[tokio::test(start_paused = true)]
async fn a_stream_ends_with_the_credential_whether_the_engine_speaks_or_not() {
    for events in [ticking(), Box::pin(futures_util::stream::pending()) as EventStream] {
        let parts =
            SseParts { authority: until(Duration::from_millis(1234 + 60_000)), ..parts(StreamSettings::default()) };
        let (wire, took) = ends_with(parts, events).await;
        assert!(wire.contains("\"code\":\"AUTH_EXPIRED\"") && wire.contains("\"status\":401"), "{wire}");
        assert!(wire.contains("\"retryable\":false") && wire.ends_with("data: [DONE]\n\n"), "{wire}");
        assert!((60..=61).contains(&took.as_secs()), "{took:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_clock_that_is_put_forward_ends_the_credential_too() {
    let clock = Arc::new(ManualClock::at(Duration::from_secs(10)));
    let parts = SseParts {
        clock: Arc::<ManualClock>::clone(&clock),
        authority: until(Duration::from_secs(100)),
        ..parts(StreamSettings::default())
    };
    let mut body = Body::new(SseBody::new(ticking(), parts));
    assert!(String::from_utf8_lossy(&body.next().await.expect("an event").expect("good")).contains("tick"));
    clock.advance(Duration::from_secs(90));
    let end = body.next().await.expect("an event").expect("good");
    assert!(String::from_utf8_lossy(&end).contains("AUTH_EXPIRED"), "{end:?}");
}

#[tokio::test(start_paused = true)]
async fn the_time_of_a_slow_reader_is_not_the_engines() {
    let settings = StreamSettings {
        keep_alive: Duration::from_secs(15),
        idle_timeout: Duration::from_secs(40),
        write_stall: Duration::from_secs(1000),
        ..StreamSettings::default()
    };
    let mut body = Body::new(SseBody::new(Box::pin(futures_util::stream::pending()), parts(settings)));
    let (mut wire, mut comments) = (String::new(), 0);
    let begun = Instant::now();
    while let Some(chunk) = body.next().await {
        wire.push_str(&String::from_utf8_lossy(&chunk.expect("a chunk")));
        comments += 1;
        // The reader is away for longer than the engine may be.
        tokio::time::sleep(Duration::from_secs(100)).await;
    }
    assert!(wire.contains("\"code\":\"TIMEOUT\""), "{wire}");
    // Each comment is due at once when the reader comes back, and none of that time counts.
    assert!(comments > 2 && begun.elapsed() > Duration::from_secs(300), "{comments} in {:?}", begun.elapsed());
}

#[tokio::test(start_paused = true)]
async fn an_engine_whose_reader_takes_nothing_is_ended_and_the_stream_is_cut() {
    let token = CancellationToken::new();
    let parts = SseParts { cancel: Some(token.clone().drop_guard()), ..parts(StreamSettings::default()) };
    let dropped = CancellationToken::new();
    let guard = dropped.clone().drop_guard();
    let events = Box::pin(ticking().inspect(move |_| _ = &guard));
    let mut body = Body::new(SseBody::new(events, parts));
    body.next().await.expect("an event").expect("good");
    let begun = Instant::now();
    // Nobody polls the body, and no work is left for the engine all the same.
    dropped.cancelled().await;
    token.cancelled().await;
    assert_eq!(begun.elapsed().as_secs(), 30);
    assert!(body.next().await.expect("an end").is_err(), "the connection is cut");
    assert!(body.next().await.is_none());
}

#[tokio::test(start_paused = true)]
async fn a_reader_who_waits_for_the_engine_is_not_slow() {
    let events = Box::pin(futures_util::stream::once(async {
        tokio::time::sleep(Duration::from_secs(90)).await;
        Ok(StreamEvent::text("late"))
    }));
    let settings = StreamSettings { keep_alive: Duration::ZERO, ..StreamSettings::default() };
    let (wire, _) = ends_with(parts(settings), events).await;
    assert!(wire.contains("late") && wire.ends_with("data: [DONE]\n\n"), "{wire}");
}

#[tokio::test(start_paused = true)]
async fn a_stream_ends_within_a_minute_of_a_revocation() {
    let begun = Instant::now();
    let still_good = move || -> crate::BoxFuture<'static, bool> {
        Box::pin(async move {
            tokio::time::sleep(Duration::from_secs(5)).await;
            begun.elapsed() < Duration::from_secs(70)
        })
    };
    let authority = Authority { expires: None, still_good: smallvec::smallvec![Box::new(still_good) as _] };
    let parts = SseParts { authority, ..parts(StreamSettings::default()) };
    let (wire, took) = ends_with(parts, Box::pin(futures_util::stream::pending())).await;
    assert!(wire.contains("\"code\":\"AUTH_EXPIRED\""), "{wire}");
    assert!((70..=130).contains(&took.as_secs()), "{took:?}");
}
