//! A body that holds something until its end.

use std::pin::Pin;
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use http_body::{Body as HttpBody, Frame, SizeHint};

use super::Body;
use crate::BoxError;

struct Held<T> {
    body: Body,
    held: Option<T>,
}

impl Body {
    /// Drops `held` when the last byte is read, the body fails or nobody wants it any more; at once if it is whole.
    pub(crate) fn until_end<T: Send + Unpin + 'static>(self, held: T) -> Self {
        if self.is_stream() { Self::new(Held { body: self, held: Some(held) }) } else { self }
    }
}

impl<T: Unpin> HttpBody for Held<T> {
    type Data = Bytes;
    type Error = BoxError;

    fn poll_frame(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, BoxError>>> {
        let frame = ready!(Pin::new(&mut self.body).poll_frame(cx));
        if !matches!(frame, Some(Ok(_))) {
            self.held = None;
        }
        Poll::Ready(frame)
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        HttpBody::size_hint(&self.body)
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use futures_util::StreamExt as _;

    use super::*;

    #[tokio::test]
    async fn what_is_held_goes_with_the_last_byte() {
        let held = Arc::new(());
        let full = http_body_util::Full::new(Bytes::from_static(b"abc"));
        let mut body = Body::new(full).until_end(Arc::clone(&held));
        assert_eq!((HttpBody::size_hint(&body).exact(), Arc::strong_count(&held)), (Some(3), 2));
        assert_eq!(body.next().await.expect("a chunk").expect("good"), "abc");
        assert!(body.next().await.is_none());
        assert_eq!(Arc::strong_count(&held), 1);
    }

    #[tokio::test]
    async fn a_whole_body_and_one_that_nobody_wants_hold_nothing() {
        let held = Arc::new(());
        let whole = Body::from("abc").until_end(Arc::clone(&held));
        assert_eq!(Arc::strong_count(&held), 1);
        let chunks = futures_util::stream::pending::<Result<Bytes, BoxError>>();
        drop(Body::from_stream(chunks).until_end(Arc::clone(&held)));
        assert_eq!(Arc::strong_count(&held), 1);
        drop(whole);
    }
}
