//! What one connection is doing: its version, its requests, its writes. Its timer reads it, nobody is woken by it.

use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU8, AtomicUsize, Ordering::Relaxed};
use std::task::{Context, Poll, ready};

use http::{Request, Response};
use http_body::{Body, Frame, SizeHint};
use hyper::body::Incoming;
use hyper::service::Service;
use neurolink_core::http::UnreadBody;
use pin_project_lite::pin_project;

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
    begun: AtomicUsize,
    /// Writes that took something; whether the last one did not.
    written: AtomicUsize,
    blocked: AtomicBool,
    /// The last answer was given before its request had come.
    unread: AtomicBool,
}

/// What [`Pulse::is_idle`] saw the last time.
#[derive(Debug, Default)]
pub(crate) struct Seen {
    begun: usize,
    written: usize,
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

    pub(crate) fn write<T>(&self, result: &Poll<T>) {
        if result.is_ready() {
            self.written.fetch_add(1, Relaxed);
        }
        self.blocked.store(result.is_pending(), Relaxed);
    }

    /// Whether the peer may still be sending a request that is answered already.
    pub(crate) fn is_unread(&self) -> bool {
        self.unread.load(Relaxed)
    }

    /// Whether there was no request since the last time, and no answer that the peer is still taking.
    ///
    /// Writes count only when the peer holds them up: an HTTP/2 connection pings as long as it lives.
    pub(crate) fn is_idle(&self, last: &mut Seen) -> bool {
        let now = Seen { begun: self.begun.load(Relaxed), written: self.written.load(Relaxed) };
        let taking = self.blocked.load(Relaxed) && now.written != last.written;
        let idle = self.active.load(Relaxed) == 0 && now.begun == last.begun && !taking;
        *last = now;
        idle
    }
}

/// A request in progress.
struct Active(Arc<Pulse>);

impl Active {
    fn new(pulse: &Arc<Pulse>) -> Self {
        pulse.begun.fetch_add(1, Relaxed);
        pulse.active.fetch_add(1, Relaxed);
        Self(Arc::clone(pulse))
    }
}

impl Drop for Active {
    fn drop(&mut self) {
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
{
    type Response = Response<CountedBody<B>>;
    type Error = S::Error;
    type Future = Counting<S::Future>;

    fn call(&self, request: Request<Incoming>) -> Self::Future {
        Counting {
            active: Some(Active::new(&self.pulse)),
            pulse: Arc::clone(&self.pulse),
            answer: self.service.call(request),
        }
    }
}

pin_project! {
    pub(crate) struct Counting<F> {
        active: Option<Active>,
        pulse: Arc<Pulse>,
        #[pin]
        answer: F,
    }
}

impl<F, B, E> Future for Counting<F>
where
    F: Future<Output = Result<Response<B>, E>>,
{
    type Output = Result<Response<CountedBody<B>>, E>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let this = self.project();
        let answer = ready!(this.answer.poll(cx));
        let active = this.active.take();
        if let Ok(response) = &answer {
            this.pulse.unread.store(response.extensions().get::<UnreadBody>().is_some(), Relaxed);
        }
        Poll::Ready(answer.map(|response| response.map(|body| CountedBody { body, _active: active })))
    }
}

pin_project! {
    /// A body that counts as a request until hyper has all of it.
    pub(crate) struct CountedBody<B> {
        #[pin]
        body: B,
        _active: Option<Active>,
    }
}

impl<B: Body> Body for CountedBody<B> {
    type Data = B::Data;
    type Error = B::Error;

    fn poll_frame(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<B::Data>, B::Error>>> {
        self.project().body.poll_frame(cx)
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}
