//! A body that is handed on as it comes, and ends with an error above its limit.

use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use http_body::{Body as HttpBody, Frame, SizeHint};

use super::Body;
use crate::BoxError;

/// Whether more came than may.
#[derive(Debug)]
pub(crate) struct Overflow {
    happened: Arc<AtomicBool>,
    limit: usize,
    /// That of the same body when it was taken further outside.
    outer: Option<Box<Overflow>>,
}

impl Overflow {
    /// The limit that was overrun.
    pub(crate) fn limit(&self) -> Option<usize> {
        let outer = || self.outer.as_ref()?.limit();
        self.happened.load(Relaxed).then_some(self.limit).or_else(outer)
    }

    /// This one, and `outer` still holds.
    pub(crate) fn within(self, outer: Option<Self>) -> Self {
        Self { outer: outer.map(Box::new), ..self }
    }
}

struct Limited {
    body: Body,
    left: usize,
    over: Arc<AtomicBool>,
}

impl Body {
    /// The body with a limit, if its length is not known to be within it; `usize::MAX` is none.
    pub(crate) fn limited(self, limit: usize) -> (Self, Option<Overflow>) {
        let length = HttpBody::size_hint(&self).exact();
        if limit == usize::MAX || length.is_some_and(|length| length <= limit as u64) {
            return (self, None);
        }
        let happened = Arc::new(AtomicBool::new(false));
        let limited = Limited { body: self, left: limit, over: Arc::clone(&happened) };
        (Self::new(limited), Some(Overflow { happened, limit, outer: None }))
    }
}

impl HttpBody for Limited {
    type Data = Bytes;
    type Error = BoxError;

    fn poll_frame(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, BoxError>>> {
        if self.over.load(Relaxed) {
            return Poll::Ready(None);
        }
        let frame = ready!(Pin::new(&mut self.body).poll_frame(cx));
        let length = frame.as_ref().and_then(|frame| frame.as_ref().ok()?.data_ref().map(Bytes::len)).unwrap_or(0);
        match self.left.checked_sub(length) {
            Some(left) => {
                self.left = left;
                Poll::Ready(frame)
            }
            None => {
                self.over.store(true, Relaxed);
                Poll::Ready(Some(Err("the request's body is larger than its limit".into())))
            }
        }
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
    use futures_util::StreamExt as _;

    use super::*;

    fn chunks(parts: &[&'static str]) -> Body {
        let parts: Vec<_> = parts.iter().map(|part| Ok::<_, BoxError>(Bytes::from_static(part.as_bytes()))).collect();
        Body::from_stream(futures_util::stream::iter(parts))
    }

    #[tokio::test]
    async fn a_body_is_whole_at_its_limit_and_ends_with_an_error_above_it() {
        let (body, overflow) = chunks(&["ab", "cd"]).limited(4);
        assert!(body.map(|chunk| chunk.expect("a chunk")).collect::<Vec<_>>().await.concat() == b"abcd");
        assert_eq!(overflow.expect("a limit").limit(), None);

        let (mut body, overflow) = chunks(&["ab", "cd", "never"]).limited(3);
        assert_eq!(body.next().await.expect("a chunk").expect("good"), "ab");
        assert!(body.next().await.expect("an end").is_err());
        assert!(body.next().await.is_none());
        assert_eq!(overflow.expect("a limit").limit(), Some(3));
    }

    #[test]
    fn a_length_that_is_known_to_fit_needs_no_limit() {
        assert!(Body::from("abc").limited(3).1.is_none());
        assert!(chunks(&["abc"]).limited(usize::MAX).1.is_none());
        assert!(Body::from("abc").limited(2).1.is_some());
    }
}
