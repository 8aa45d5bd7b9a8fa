use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll};

use bytes::Bytes;
use http_body::{Body as HttpBody, Frame, SizeHint};
use neurolink_core::{Body, BoxError};

/// A request's body that can be had back as long as nobody has read of it.
pub(crate) struct Parked {
    body: Option<Body>,
    slot: Slot,
    end: bool,
    hint: SizeHint,
}

/// Where a body is until it is read.
#[derive(Clone)]
pub(crate) struct Slot(Arc<Mutex<Option<Body>>>);

impl Parked {
    pub(crate) fn new(body: Body) -> (Self, Slot) {
        let (end, hint) = (body.is_end_stream(), body.size_hint());
        let slot = Slot(Arc::new(Mutex::new(Some(body))));
        (Self { body: None, slot: slot.clone(), end, hint }, slot)
    }
}

impl Slot {
    fn take(&self) -> Option<Body> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).take()
    }

    /// The body, untouched; what has been read of is no body any more.
    pub(crate) fn into_body(self) -> Body {
        self.take().unwrap_or(Body::unavailable())
    }
}

impl HttpBody for Parked {
    type Data = Bytes;
    type Error = BoxError;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BoxError>>> {
        if self.body.is_none() {
            self.body = self.slot.take();
        }
        self.body.as_mut().map_or(Poll::Ready(None), |body| Pin::new(body).poll_frame(cx))
    }

    fn is_end_stream(&self) -> bool {
        self.body.as_ref().map_or(self.end, HttpBody::is_end_stream)
    }

    fn size_hint(&self) -> SizeHint {
        self.body.as_ref().map_or(self.hint, HttpBody::size_hint)
    }
}
