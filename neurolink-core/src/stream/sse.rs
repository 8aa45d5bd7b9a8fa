use std::panic::AssertUnwindSafe;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::{BufMut, Bytes, BytesMut};
use http_body::Frame;
use serde_json::json;
use tokio::time::{Instant, Sleep, sleep_until};
use tokio_util::sync::DropGuard;

use super::{Authority, Place};
use crate::config::StreamSettings;
use crate::engine::{EventStream, FinishReason, StreamEvent, Usage};
use crate::server::{Phase, Shutdown};
use crate::{BoxError, BoxFuture, Clock, Code, Error};

/// Events that are ready at once share a chunk up to this size, in bytes.
const CHUNK: usize = 4 * 1024;

/// How often a stream asks whether its credential was revoked.
const ASK_EVERY: Duration = Duration::from_secs(30);

/// What a stream needs beside its events.
pub(crate) struct SseParts {
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) settings: StreamSettings,
    pub(crate) shutdown: Option<Shutdown>,
    /// Fires the request's token when the body is dropped.
    pub(crate) cancel: Option<DropGuard>,
    /// What the caller's right to it rests on.
    pub(crate) authority: Authority,
    /// Counts it among the caller's streams.
    pub(crate) _place: Option<Place>,
    /// For the log.
    pub(crate) request_id: String,
}

/// A body that frames events: `data: {json}\n\n`, at the end one metadata event and `data: [DONE]\n\n`.
///
/// It asks the engine for an event only when the connection asks for bytes, so a slow reader slows the engine.
pub(crate) struct SseBody {
    events: Option<EventStream>,
    parts: SseParts,
    finished: bool,
    /// Wakes at the next moment to look at: keep-alive, idle engine or end of time. An engine that is never idle needs none.
    timer: Option<Pin<Box<Sleep>>>,
    last_event: Instant,
    last_bytes: Instant,
    ends: Instant,
    /// When the authority is asked again.
    asks: Instant,
    ending: Option<BoxFuture<'static, ()>>,
}

impl SseBody {
    pub(crate) fn new(events: EventStream, parts: SseParts) -> Self {
        let now = Instant::now();
        let ends = now + parts.settings.max_duration;
        let ending = parts.shutdown.clone().map(|shutdown| -> BoxFuture<'static, ()> {
            Box::pin(async move { shutdown.reached(Phase::Ending).await })
        });
        Self {
            events: Some(events),
            timer: None,
            parts,
            finished: false,
            last_event: now,
            last_bytes: now,
            ends,
            asks: now + ASK_EVERY,
            ending,
        }
    }

    /// Waits for the next moment to look at; ready when it is now.
    fn poll_timer(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        let idle = self.last_event + self.parts.settings.idle_timeout;
        let keep_alive = match self.parts.settings.keep_alive {
            Duration::ZERO => self.ends,
            every => self.last_bytes + every,
        };
        let next = idle.min(keep_alive).min(self.ends).min(self.authority_moment());
        let timer = self.timer.get_or_insert_with(|| Box::pin(sleep_until(next)));
        if timer.deadline() != next {
            timer.as_mut().reset(next);
        }
        timer.as_mut().poll(cx)
    }

    /// When the credential has to be looked at without an event.
    fn authority_moment(&self) -> Instant {
        let Authority { expires, still_good } = &self.parts.authority;
        let asks = if still_good.is_some() { self.asks } else { self.ends };
        // An end that no `Instant` can tell is behind that of the stream.
        let expires = expires.map(|expires| expires.saturating_sub(self.parts.clock.now()));
        let expires = expires.and_then(|left| Instant::now().checked_add(left)).unwrap_or(self.ends);
        asks.min(expires)
    }

    /// Whether the caller may no longer listen.
    fn has_expired(&mut self) -> bool {
        let Authority { expires, still_good } = &self.parts.authority;
        if expires.is_some_and(|expires| self.parts.clock.now() >= expires) {
            return true;
        }
        let Some(still_good) = still_good else { return false };
        let now = Instant::now();
        if now < self.asks {
            return false;
        }
        self.asks = now + ASK_EVERY;
        !still_good()
    }

    /// Writes the error and the end; the engine is dropped.
    fn fail(&mut self, error: &Error, out: &mut BytesMut) {
        tracing::error!(
            target: "neurolink::stream",
            request_id = %self.parts.request_id,
            code = %error.code(),
            "stream failed: {}", error.log_text()
        );
        let event = json!({
            "type": "error",
            "error": {
                "code": error.code().as_str(),
                "message": error.message(),
                "status": error.status().as_u16(),
                "retryable": error.is_retryable(),
            },
            "timestamp": self.millis(),
        });
        out.put_slice(b"data: ");
        // A `Value` of strings, numbers and booleans always serialises.
        let _ = serde_json::to_writer(out.writer(), &event);
        out.put_slice(b"\n\n");
        self.end(out);
    }

    fn end(&mut self, out: &mut BytesMut) {
        out.put_slice(b"data: [DONE]\n\n");
        self.events = None;
    }

    fn millis(&self) -> u64 {
        u64::try_from(self.parts.clock.now().as_millis()).unwrap_or(u64::MAX)
    }

    fn write(&self, event: &StreamEvent, out: &mut BytesMut) -> Result<(), serde_json::Error> {
        let start = out.len();
        out.put_slice(b"data: ");
        if let Err(error) = serde_json::to_writer((&mut *out).writer(), event) {
            out.truncate(start);
            return Err(error);
        }
        // The event is an object: its timestamp goes before the closing brace.
        out.truncate(out.len() - 1);
        out.put_slice(b",\"timestamp\":");
        let mut digits = [0; 20];
        out.put_slice(decimal(self.millis(), &mut digits));
        out.put_slice(b"}\n\n");
        Ok(())
    }

    /// Takes what the engine has ready; `true` when it has nothing more for now.
    fn fill(&mut self, cx: &mut Context<'_>, out: &mut BytesMut) -> bool {
        while out.len() < CHUNK {
            let Some(events) = &mut self.events else { return false };
            let polled = std::panic::catch_unwind(AssertUnwindSafe(|| events.as_mut().poll_next(cx)));
            let event = match polled {
                Ok(Poll::Pending) => return true,
                Ok(Poll::Ready(Some(Ok(event)))) => event,
                Ok(Poll::Ready(Some(Err(error)))) => {
                    let error = match error.code() {
                        Code::Unavailable | Code::Timeout | Code::StreamError => error,
                        _ => Error::new(Code::StreamError).with_source(error),
                    };
                    self.fail(&error, out);
                    return false;
                }
                Ok(Poll::Ready(None)) => {
                    if !self.finished {
                        let finish = StreamEvent::finish(Usage::default(), FinishReason::Stop);
                        let _ = self.write(&finish, out);
                    }
                    self.end(out);
                    return false;
                }
                Err(panic) => {
                    self.fail(&crate::stack::panicked(&*panic), out);
                    return false;
                }
            };
            // One metadata event says why it ended; a second one would tell the client nothing new.
            let finish = event.is_finish();
            if finish && std::mem::replace(&mut self.finished, true) {
                continue;
            }
            self.last_event = Instant::now();
            if let Err(error) = self.write(&event, out) {
                self.fail(&Error::new(Code::StreamError).with_source(error), out);
            }
        }
        false
    }

    fn poll_bytes(&mut self, cx: &mut Context<'_>) -> Poll<Option<Bytes>> {
        if self.events.is_none() {
            return Poll::Ready(None);
        }
        let mut out = BytesMut::new();
        if self.ending.as_mut().is_some_and(|ending| ending.as_mut().poll(cx).is_ready()) {
            self.fail(&Error::new(Code::Draining), &mut out);
        } else if Instant::now() >= self.ends {
            self.fail(&Error::new(Code::Timeout), &mut out);
        } else if self.has_expired() {
            self.fail(&Error::new(Code::AuthExpired), &mut out);
        } else {
            while self.fill(cx, &mut out) && out.is_empty() {
                std::task::ready!(self.poll_timer(cx));
                self.tick(&mut out);
            }
        }
        self.last_bytes = Instant::now();
        Poll::Ready(Some(out.freeze()))
    }

    fn tick(&mut self, out: &mut BytesMut) {
        let now = Instant::now();
        if now >= self.ends || now >= self.last_event + self.parts.settings.idle_timeout {
            self.fail(&Error::new(Code::Timeout), out);
        } else if self.has_expired() {
            self.fail(&Error::new(Code::AuthExpired), out);
        } else if !self.parts.settings.keep_alive.is_zero() && now >= self.last_bytes + self.parts.settings.keep_alive {
            out.put_slice(b": keep-alive\n\n");
        }
    }
}

impl http_body::Body for SseBody {
    type Data = Bytes;
    type Error = BoxError;

    fn poll_frame(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, BoxError>>> {
        let bytes = std::task::ready!(self.poll_bytes(cx));
        if bytes.is_none() {
            // The stream came to its end: nobody has to be told to stop.
            drop(self.parts.cancel.take().map(DropGuard::disarm));
        }
        Poll::Ready(bytes.map(|bytes| Ok(Frame::data(bytes))))
    }
}

fn decimal(mut value: u64, digits: &mut [u8; 20]) -> &[u8] {
    let mut at = digits.len();
    loop {
        at -= 1;
        // The remainder of a division by ten fits a byte.
        digits[at] = b'0' + u8::try_from(value % 10).unwrap_or(0);
        value /= 10;
        if value == 0 {
            return &digits[at..];
        }
    }
}

#[cfg(test)]
mod tests {
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
        whole(Body::new(SseBody::new(events, parts(StreamSettings::default())))).await
    }

    async fn whole(body: Body) -> String {
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

    #[tokio::test(start_paused = true)]
    async fn a_silent_engine_gets_comments_and_then_a_timeout() {
        let settings = StreamSettings {
            keep_alive: Duration::from_secs(15),
            idle_timeout: Duration::from_secs(40),
            ..StreamSettings::default()
        };
        let body = Body::new(SseBody::new(Box::pin(futures_util::stream::pending()), parts(settings)));
        let wire = whole(body).await;
        assert_eq!(wire.matches(": keep-alive\n\n").count(), 2);
        assert!(wire.contains("\"code\":\"TIMEOUT\""), "{wire}");
    }

    #[tokio::test(start_paused = true)]
    async fn a_silent_stream_ends_when_its_credential_does() {
        let begun = Instant::now();
        let expires = Some(Duration::from_millis(1234) + Duration::from_secs(7));
        let clock = Arc::new(ManualClock::at(Duration::from_millis(1234)));
        let authority = Authority { expires, still_good: None };
        let parts = SseParts { clock: clock.clone(), authority, ..parts(StreamSettings::default()) };
        let body = Body::new(SseBody::new(Box::pin(futures_util::stream::pending()), parts));
        tokio::spawn(async move {
            tokio::time::sleep(Duration::from_millis(6900)).await;
            clock.advance(Duration::from_secs(7));
        });
        let wire = whole(body).await;
        assert!(wire.starts_with("data: {") && wire.contains("\"code\":\"AUTH_EXPIRED\""), "{wire}");
        assert!(wire.ends_with("data: [DONE]\n\n"), "{wire}");
        assert!(begun.elapsed() < Duration::from_secs(8), "{:?}", begun.elapsed());
    }

    #[tokio::test(start_paused = true)]
    async fn a_stream_ends_within_a_minute_of_a_revocation() {
        let begun = Instant::now();
        let still_good = move || begun.elapsed() < Duration::from_secs(70);
        let authority = Authority { expires: None, still_good: Some(Box::new(still_good)) };
        let parts = SseParts { authority, ..parts(StreamSettings::default()) };
        let wire = whole(Body::new(SseBody::new(Box::pin(futures_util::stream::pending()), parts))).await;
        assert!(wire.contains("\"code\":\"AUTH_EXPIRED\""), "{wire}");
        assert!((70..=130).contains(&begun.elapsed().as_secs()), "{:?}", begun.elapsed());
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
        let wire = whole(body).await;
        assert!(wire.contains("\"code\":\"DRAINING\"") && wire.ends_with("data: [DONE]\n\n"), "{wire}");
    }
}
