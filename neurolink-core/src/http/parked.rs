//! A request's body that can be had back as long as nobody has read of it.

use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll};

use bytes::Bytes;
use http_body::{Body as HttpBody, Frame, SizeHint};

use super::Body;
use crate::BoxError;

/// Where a parked body is until it is read.
#[derive(Clone)]
pub(crate) struct Slot(Arc<Mutex<Option<Body>>>);

/// What is handed on instead of the body.
struct Parked {
    body: Option<Body>,
    slot: Slot,
    end: bool,
    hint: SizeHint,
}

impl Body {
    /// A body to hand on, and the slot that gives the original back if that was not read.
    pub(crate) fn parked(self) -> (Self, Slot) {
        let (end, hint) = (self.is_end_stream(), HttpBody::size_hint(&self));
        if end {
            return (Self::empty(), Slot(Arc::new(Mutex::new(Some(self)))));
        }
        let slot = Slot(Arc::new(Mutex::new(Some(self))));
        (Self::new(Parked { body: None, slot: slot.clone(), end, hint }), slot)
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

    fn poll_frame(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, BoxError>>> {
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

#[cfg(test)]
mod tests {
    use futures_util::StreamExt as _;

    use super::*;

    #[tokio::test]
    async fn a_body_comes_back_whole_unless_it_was_read() {
        let (handed_on, slot) = Body::from("abc").parked();
        assert_eq!(HttpBody::size_hint(&handed_on).exact(), Some(3));
        drop(handed_on);
        assert_eq!(slot.into_body().into_full().expect("whole"), "abc");

        let (mut handed_on, slot) = Body::from("abc").parked();
        assert_eq!(handed_on.next().await.expect("a chunk").expect("good"), "abc");
        assert!(slot.into_body().is_unavailable());
    }
}
