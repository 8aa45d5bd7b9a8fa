//! What one connection is doing: its version, its requests, its writes. Its timer reads it, nobody is woken by it.

use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU8, AtomicU64, AtomicUsize, Ordering::Relaxed};
use std::task::{Context, Poll, ready};
use std::time::Duration;

use bytes::Bytes;
use http::header::CONNECTION;
use http::{Request, Response};
use http_body::{Body, Frame, SizeHint};
use hyper::body::Incoming;
use hyper::service::Service;
use neurolink_core::http::UnreadBody;
use pin_project_lite::pin_project;
use tokio::time::Instant;

use crate::gather::Gathered;
use crate::heads::begins_head;

/// The version that the first bytes told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Version {
    Unknown,
    Http1,
    Http2,
}

/// The state of one connection.
#[derive(Debug, Default)]
pub(crate) struct Pulse {
    version: AtomicU8,
    /// Requests whose answer is not wholly handed to hyper.
    active: AtomicUsize,
    /// Requests that have begun and answers that have ended.
    turns: AtomicUsize,
    /// Writes that took something; whether the last one did not.
    written: AtomicUsize,
    blocked: AtomicBool,
    /// Bodies whose last piece the peer has not made room for, by the look since which that is so.
    held: [AtomicUsize; LOOKS],
    looks: AtomicUsize,
    /// Bytes written.
    bytes: AtomicUsize,
    /// The last answer was given before its request had come, or to a head that hyper refused.
    unread: AtomicBool,
    /// When the head began that is on its way, in milliseconds of this value's life, and one; 0 if none is.
    head: AtomicU64,
    born: Born,
}

/// When a connection began.
#[derive(Debug)]
struct Born(Instant);

impl Default for Born {
    fn default() -> Self {
        Self(Instant::now())
    }
}

/// This look, the last one, and one that is free to become the next.
const LOOKS: usize = 3;
/// Fewer bytes than this between two looks are no answer that is taken slowly, but pings and the like.
const LITTLE: usize = 1024;

/// What [`Pulse::is_idle`] saw the last time.
#[derive(Debug, Default)]
pub(crate) struct Seen {
    turns: usize,
    written: usize,
    bytes: usize,
    /// Bytes written since the time before.
    taken: usize,
}

impl Pulse {
    pub(crate) fn version(&self) -> Version {
        match self.version.load(Relaxed) {
            0 => Version::Unknown,
            1 => Version::Http1,
            _ => Version::Http2,
        }
    }

    pub(crate) fn set_version(&self, version: Version) {
        self.version.store(version as u8, Relaxed);
    }

    pub(crate) fn write(&self, result: &Poll<io::Result<usize>>) {
        if let Poll::Ready(written) = result {
            self.written.fetch_add(1, Relaxed);
            self.bytes.fetch_add(*written.as_ref().unwrap_or(&0), Relaxed);
        }
        self.blocked.store(result.is_pending(), Relaxed);
    }

    /// These bytes came; over HTTP/1, between requests, they begin the next head, unless that never becomes one.
    pub(crate) fn read(&self, bytes: &[u8]) {
        let between = self.active.load(Relaxed) == 0 && self.version() == Version::Http1;
        if between && begins_head(bytes) && !self.unread.swap(true, Relaxed) {
            let life = u64::try_from(self.born.0.elapsed().as_millis()).unwrap_or(u64::MAX - 1);
            self.head.store(life + 1, Relaxed);
        }
    }

    /// Whether the peer may still be sending a request that is answered already.
    pub(crate) fn is_unread(&self) -> bool {
        self.unread.load(Relaxed)
    }

    /// Whether a head has begun to come, and no answer is on its way: then an answer to it can be told from others.
    pub(crate) fn has_half_a_head(&self) -> bool {
        self.is_unread() && self.active.load(Relaxed) == 0 && !self.blocked.load(Relaxed)
    }

    /// Since when a head of HTTP/1 is on its way, and nothing else.
    pub(crate) fn head_since(&self) -> Option<Instant> {
        let life = self.head.load(Relaxed).checked_sub(1).filter(|_| self.has_half_a_head())?;
        Some(self.born.0 + Duration::from_millis(life))
    }

    /// Whether no request has come yet.
    pub(crate) fn is_new(&self) -> bool {
        self.turns.load(Relaxed) == 0
    }

    /// Whether there was no request since the last time, and no answer that the peer is still taking.
    ///
    /// A few bytes count only when the peer holds them up: an HTTP/2 connection pings as long as it lives.
    pub(crate) fn is_idle(&self, last: &mut Seen) -> bool {
        let (turns, written, bytes) = (self.turns.load(Relaxed), self.written.load(Relaxed), self.bytes.load(Relaxed));
        let now = Seen { turns, written, bytes, taken: bytes.wrapping_sub(last.bytes) };
        let taking = now.taken >= LITTLE || (self.blocked.load(Relaxed) && now.written != last.written);
        let idle = self.active.load(Relaxed) == 0 && now.turns == last.turns && !taking;
        *last = now;
        idle
    }
}

impl Pulse {
    /// Whether the peer has made no room for some answer since before the last time this was asked,
    /// and has taken next to nothing of any: a large piece may take its time.
    pub(crate) fn is_stalled(&self, seen: &Seen) -> bool {
        let look = self.looks.fetch_add(1, Relaxed);
        seen.taken < LITTLE && self.held[(look + LOOKS - 1) % LOOKS].load(Relaxed) > 0
    }
}

/// An answer that is held up by the peer, if it is.
struct Held {
    pulse: Arc<Pulse>,
    look: Option<usize>,
}

impl Held {
    fn new(pulse: Arc<Pulse>) -> Self {
        Self { pulse, look: None }
    }

    /// A piece was given away: until the next is asked for, the peer is to make room.
    fn hold(&mut self) {
        let look = self.pulse.looks.load(Relaxed) % LOOKS;
        self.pulse.held[look].fetch_add(1, Relaxed);
        self.look = Some(look);
    }

    fn release(&mut self) {
        if let Some(look) = self.look.take() {
            self.pulse.held[look].fetch_sub(1, Relaxed);
        }
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        self.release();
    }
}

/// A request in progress.
struct Active(Arc<Pulse>);

impl Active {
    fn new(pulse: &Arc<Pulse>) -> Self {
        pulse.turns.fetch_add(1, Relaxed);
        pulse.active.fetch_add(1, Relaxed);
        pulse.unread.store(false, Relaxed);
        pulse.head.store(0, Relaxed);
        Self(Arc::clone(pulse))
    }
}

impl Drop for Active {
    fn drop(&mut self) {
        // The silence is counted from its end on.
        self.0.turns.fetch_add(1, Relaxed);
        self.0.active.fetch_sub(1, Relaxed);
    }
}

/// A service whose requests are counted.
pub(crate) struct Counted<S> {
    service: S,
    pulse: Arc<Pulse>,
}

impl<S> Counted<S> {
    pub(crate) const fn new(service: S, pulse: Arc<Pulse>) -> Self {
        Self { service, pulse }
    }
}

impl<S, B> Service<Request<Incoming>> for Counted<S>
where
    S: Service<Request<Incoming>, Response = Response<B>>,
    B: Body<Data = Bytes>,
{
    type Response = Response<CountedBody<B>>;
    type Error = S::Error;
    type Future = Counting<S::Future>;

    fn call(&self, request: Request<Incoming>) -> Self::Future {
        let pulse = Arc::clone(&self.pulse);
        let asked = request.version();
        Counting { active: Some(Active::new(&pulse)), pulse, asked, answer: self.service.call(request) }
    }
}

pin_project! {
    pub(crate) struct Counting<F> {
        active: Option<Active>,
        pulse: Arc<Pulse>,
        asked: http::Version,
        #[pin]
        answer: F,
    }
}

impl<F, B, E> Future for Counting<F>
where
    F: Future<Output = Result<Response<B>, E>>,
    B: Body<Data = Bytes>,
{
    type Output = Result<Response<CountedBody<B>>, E>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let this = self.project();
        let answer = ready!(this.answer.poll(cx));
        let active = this.active.take();
        if let Ok(response) = &answer {
            this.pulse.unread.store(response.extensions().get::<UnreadBody>().is_some(), Relaxed);
        }
        Poll::Ready(answer.map(|mut response| {
            let close = response.headers().get(CONNECTION).is_some_and(|value| value == "close");
            if close && *this.asked == http::Version::HTTP_10 {
                // Beside the `close` of an answer of HTTP/1.1 hyper tells such a client `keep-alive` too.
                *response.version_mut() = http::Version::HTTP_10;
            }
            response.map(|body| {
                let mut held = Held::new(Arc::clone(this.pulse));
                held.hold();
                CountedBody { body: Gathered::new(body), held, _active: active }
            })
        }))
    }
}

pin_project! {
    /// A body that counts as a request until hyper has all of it.
    pub(crate) struct CountedBody<B: Body> {
        #[pin]
        body: Gathered<B>,
        held: Held,
        _active: Option<Active>,
    }
}

impl<B: Body<Data = Bytes>> Body for CountedBody<B> {
    type Data = B::Data;
    type Error = B::Error;

    fn poll_frame(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<B::Data>, B::Error>>> {
        let this = self.project();
        this.held.release();
        let polled = this.body.poll_frame(cx);
        if matches!(polled, Poll::Ready(Some(Ok(_)))) {
            this.held.hold();
        }
        polled
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}
