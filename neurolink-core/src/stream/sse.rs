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
use tokio_util::task::AbortOnDropHandle;

use super::watchdog::{Found, Work, after};
use super::{Authority, Place};
use crate::config::StreamSettings;
use crate::engine::{EventStream, FinishReason, StreamEvent, Usage};
use crate::server::{Phase, Shutdown};
use crate::{BoxError, BoxFuture, Clock, Code, Error};

/// Events that are ready at once share a chunk up to this size, in bytes.
const CHUNK: usize = 4 * 1024;

/// How often a stream asks whether its credential was revoked: an answer may be missed once within a minute.
const ASK_EVERY: Duration = Duration::from_secs(25);

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
    pub(crate) _place: Option<Box<Place>>,
    /// For the log.
    pub(crate) request_id: String,
}

/// A body that frames events: `data: {json}\n\n`, at the end one metadata event and `data: [DONE]\n\n`.
///
/// It asks the engine for an event only when the connection asks for bytes, so a slow reader slows the engine.
pub(crate) struct SseBody {
    work: Work,
    parts: SseParts,
    finished: bool,
    /// The end is written.
    done: bool,
    /// Wakes at the next moment to look at: keep-alive, idle engine or end of time. An engine that is never idle needs none.
    timer: Option<Pin<Box<Sleep>>>,
    /// Since when the engine is waited for, and how long before: the time that the reader takes is not the engine's.
    waiting: Option<Instant>,
    waited: Duration,
    last_bytes: Instant,
    /// When the longest duration is over, when the credential is, and when somebody is asked whether it is still good.
    longest: Instant,
    expires: Option<Instant>,
    asks: Option<Instant>,
    asking: Option<BoxFuture<'static, bool>>,
    ending: Option<BoxFuture<'static, ()>>,
    watchdog: Option<AbortOnDropHandle<()>>,
}

impl SseBody {
    /// Begins a stream.
    ///
    /// # Panics
    /// Outside of a tokio runtime.
    pub(crate) fn new(events: EventStream, mut parts: SseParts) -> Self {
        let now = Instant::now();
        let longest = after(now, parts.settings.max_duration);
        let expires = parts.authority.expires;
        let expires = expires.map(|expires| after(now, expires.saturating_sub(parts.clock.now())));
        let asks = parts.authority.can_be_revoked().then(|| after(now, ASK_EVERY));
        let ending = parts.shutdown.clone().map(|shutdown| -> BoxFuture<'static, ()> {
            Box::pin(async move { shutdown.reached(Phase::Ending).await })
        });
        let work = Work::new(events, parts.cancel.take());
        let ends = expires.map_or(longest, |expires| expires.min(longest));
        let watchdog = Some(work.watch(ends, parts.settings.write_stall));
        Self {
            work,
            timer: None,
            parts,
            finished: false,
            done: false,
            waiting: None,
            waited: Duration::ZERO,
            last_bytes: now,
            longest,
            expires,
            asks,
            asking: None,
            ending,
            watchdog,
        }
    }

    /// Waits for the next moment to look at; ready when it is now.
    fn poll_timer(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        let settings = &self.parts.settings;
        let since = *self.waiting.get_or_insert_with(Instant::now);
        let mut next = after(since, settings.idle_timeout.saturating_sub(self.waited)).min(self.longest);
        if !settings.keep_alive.is_zero() {
            next = next.min(after(self.last_bytes, settings.keep_alive));
        }
        for moment in [self.expires, self.asks].into_iter().flatten() {
            next = next.min(moment);
        }
        let timer = self.timer.get_or_insert_with(|| Box::pin(sleep_until(next)));
        if timer.deadline() != next {
            timer.as_mut().reset(next);
        }
        timer.as_mut().poll(cx)
    }

    /// Why the stream may not go on.
    fn over(&mut self, cx: &mut Context<'_>) -> Option<Code> {
        let now = Instant::now();
        if self.ending.as_mut().is_some_and(|ending| ending.as_mut().poll(cx).is_ready()) {
            return Some(Code::Draining);
        }
        if self.has_expired(now, cx) {
            return Some(Code::AuthExpired);
        }
        (now >= self.longest).then_some(Code::Timeout)
    }

    /// Whether the caller may no longer listen.
    fn has_expired(&mut self, now: Instant, cx: &mut Context<'_>) -> bool {
        let authority = &self.parts.authority;
        // The clock on the wall may have been put forward.
        let over = authority.expires.is_some_and(|expires| self.parts.clock.now() >= expires);
        if over || self.expires.is_some_and(|expires| now >= expires) {
            return true;
        }
        if self.asks.is_some_and(|asks| now >= asks) {
            self.asks = Some(after(now, ASK_EVERY));
            self.asking.get_or_insert_with(|| authority.ask());
        }
        match self.asking.as_mut().map(|asking| asking.as_mut().poll(cx)) {
            Some(Poll::Ready(good)) => {
                self.asking = None;
                !good
            }
            Some(Poll::Pending) | None => false,
        }
    }

    /// Writes the error and the end; the engine is dropped.
    fn fail(&mut self, error: &Error, out: &mut BytesMut) {
        let request_id = &self.parts.request_id;
        // The end of the server is nobody's failure.
        if error.status().is_server_error() && error.code() != Code::Draining {
            tracing::error!(target: "neurolink::stream", %request_id, code = %error.code(), "stream failed: {}", error.log_text());
        } else {
            tracing::info!(target: "neurolink::stream", %request_id, code = %error.code(), "stream ended");
        }
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
        self.work.cancel();
        self.end(out);
    }

    fn end(&mut self, out: &mut BytesMut) {
        out.put_slice(b"data: [DONE]\n\n");
        self.done = true;
        self.watchdog = None;
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
    fn fill(&mut self, events: &mut EventStream, cx: &mut Context<'_>, out: &mut BytesMut) -> bool {
        while out.len() < CHUNK && !self.done {
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
            (self.waiting, self.waited) = (None, Duration::ZERO);
            if let Err(error) = self.write(&event, out) {
                self.fail(&Error::new(Code::StreamError).with_source(error), out);
            }
        }
        false
    }

    fn poll_bytes(&mut self, cx: &mut Context<'_>) -> Poll<Option<Result<Bytes, BoxError>>> {
        if self.done {
            self.work.complete();
            return Poll::Ready(None);
        }
        let mut events = match self.work.take() {
            Found::Events(events) => Some(events),
            Found::Nothing => None,
            Found::Stalled => {
                self.done = true;
                return Poll::Ready(Some(Err("the reader of the stream took nothing for too long".into())));
            }
        };
        let mut out = BytesMut::new();
        match (self.over(cx), &mut events) {
            (Some(code), _) => self.fail(&Error::new(code), &mut out),
            // The watchdog has ended it.
            (None, None) => self.fail(&Error::new(Code::Timeout), &mut out),
            (None, Some(running)) => {
                while !self.done && self.fill(running, cx, &mut out) && out.is_empty() {
                    if self.poll_timer(cx).is_pending() {
                        self.work.put(events, false);
                        return Poll::Pending;
                    }
                    self.tick(cx, &mut out);
                }
            }
        }
        self.work.put(events.filter(|_| !self.done), !self.done);
        self.last_bytes = Instant::now();
        Poll::Ready(Some(Ok(out.freeze())))
    }

    fn tick(&mut self, cx: &mut Context<'_>, out: &mut BytesMut) {
        let since = self.waiting.take();
        self.waited += since.map(|since| since.elapsed()).unwrap_or_default();
        if let Some(code) = self.over(cx) {
            self.fail(&Error::new(code), out);
        } else if self.waited >= self.parts.settings.idle_timeout {
            self.fail(&Error::new(Code::Timeout), out);
        } else if !self.parts.settings.keep_alive.is_zero()
            && self.last_bytes.elapsed() >= self.parts.settings.keep_alive
        {
            out.put_slice(b": keep-alive\n\n");
        }
    }
}

impl http_body::Body for SseBody {
    type Data = Bytes;
    type Error = BoxError;

    fn poll_frame(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, BoxError>>> {
        self.poll_bytes(cx).map(|bytes| bytes.map(|bytes| bytes.map(Frame::data)))
    }
}

impl Drop for SseBody {
    fn drop(&mut self) {
        // The reader has left, or has everything.
        self.work.cancel();
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
#[path = "sse_tests.rs"]
mod tests;
