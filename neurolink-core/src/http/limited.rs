//! A body that is handed on as it comes, and ends with an error above its limit.

use std::pin::Pin;
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use http_body::{Body as HttpBody, Frame, SizeHint};

use super::Body;
use super::fault::{BodyFault, Fault};
use crate::BoxError;

struct Limited {
    body: Body,
    limit: usize,
    left: usize,
    over: bool,
    fault: Fault,
}

impl Body {
    /// Whether its length is known to be within a limit; `usize::MAX` is none.
    pub(crate) fn is_within(&self, limit: usize) -> bool {
        limit == usize::MAX || HttpBody::size_hint(self).exact().is_some_and(|length| length <= limit as u64)
    }

    /// The body with a limit, if it is not known to be within it.
    pub(crate) fn limited(self, limit: usize, fault: &Fault) -> Self {
        if self.is_within(limit) {
            return self;
        }
        Self::new(Limited { body: self, limit, left: limit, over: false, fault: fault.clone() })
    }
}

impl HttpBody for Limited {
    type Data = Bytes;
    type Error = BoxError;

    fn poll_frame(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, BoxError>>> {
        if self.over {
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
                self.over = true;
                Poll::Ready(Some(Err(self.fault.note(BodyFault::TooLarge(self.limit)).into())))
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
    use crate::Code;

    fn chunks(parts: &[&'static str]) -> Body {
        let parts: Vec<_> = parts.iter().map(|part| Ok::<_, BoxError>(Bytes::from_static(part.as_bytes()))).collect();
        Body::from_stream(futures_util::stream::iter(parts))
    }

    #[tokio::test]
    async fn a_body_is_whole_at_its_limit_and_ends_with_an_error_above_it() {
        let fault = Fault::default();
        let body = chunks(&["ab", "cd"]).limited(4, &fault);
        assert!(body.map(|chunk| chunk.expect("a chunk")).collect::<Vec<_>>().await.concat() == b"abcd");
        assert!(fault.error().is_none());

        let mut body = chunks(&["ab", "cd", "never"]).limited(3, &fault);
        assert_eq!(body.next().await.expect("a chunk").expect("good"), "ab");
        assert!(body.next().await.expect("an end").is_err());
        assert!(body.next().await.is_none());
        assert_eq!(fault.error().expect("a fault").code(), Code::PayloadTooLarge);
    }

    #[test]
    fn a_length_that_is_known_to_fit_needs_no_limit() {
        assert!(Body::from("abc").is_within(3));
        assert!(chunks(&["abc"]).is_within(usize::MAX));
        assert!(!Body::from("abc").is_within(2) && !chunks(&["abc"]).is_within(3));
        assert!(!Body::from("abc").limited(3, &Fault::default()).is_stream());
    }
}
