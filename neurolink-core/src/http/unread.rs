//! What becomes of a request's body that nobody has read to its end.
//!
//! The next request of the connection begins behind it, so either the rest is there and is skipped, or the answer says
//! `Connection: close`. The answer never waits for a client that is slow to send.

use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll};

use bytes::Bytes;
use http_body::{Body as HttpBody, Frame, SizeHint};

use super::Body;
use crate::BoxError;

/// Marks an answer that was given before the request's body had come, in its extensions.
///
/// Its connection closes. A server that reads on for a moment before it does so spares a client that is still sending
/// the reset that would destroy the answer (RFC 9112, section 9.6).
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct UnreadBody;

/// The most that is skipped, in bytes.
const MOST: u64 = 64 * 1024;
/// How often in a row the connection is given a turn in which nothing comes.
const TURNS: u32 = 3;

/// Where the rest of a body is when whoever had it lets go of it.
pub(crate) struct Unread(Arc<Mutex<State>>);

enum State {
    InUse,
    Left(Rest),
    Ended,
    Broken,
}

struct Rest {
    body: Body,
    /// How many bytes are still to come, if that was declared.
    length: Option<u64>,
    begun: bool,
}

struct Tracked {
    rest: Option<Rest>,
    hint: SizeHint,
    state: Arc<Mutex<State>>,
}

fn lock(state: &Mutex<State>) -> MutexGuard<'_, State> {
    state.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Body {
    /// The body, and what knows whether it was read; a body that is all here is no matter.
    pub(crate) fn tracked(self) -> (Self, Option<Unread>) {
        if !self.is_stream() {
            return (self, None);
        }
        let hint = HttpBody::size_hint(&self);
        let state = Arc::new(Mutex::new(State::InUse));
        let rest = Rest { body: self, length: hint.exact(), begun: false };
        (Self::new(Tracked { rest: Some(rest), hint, state: Arc::clone(&state) }), Some(Unread(state)))
    }
}

impl Unread {
    /// Skips what is left and already there; says whether the connection can go on.
    ///
    /// `awaited` says that the client sends its body only when it is asked for it.
    pub(crate) async fn skip(self, awaited: bool) -> bool {
        let state = std::mem::replace(&mut *lock(&self.0), State::Ended);
        let rest = match state {
            // Somebody reads on, such as a handler whose answer streams it back.
            State::InUse | State::Ended => return true,
            State::Broken => return false,
            State::Left(rest) => rest,
        };
        let asks = awaited && !rest.begun;
        !asks && rest.length.is_none_or(|length| length <= MOST) && rest.skip().await
    }
}

impl Rest {
    /// Reads to the end without waiting for the client.
    async fn skip(mut self) -> bool {
        let (mut total, mut turns) = (0, 0);
        loop {
            let frame = std::future::poll_fn(|cx| match Pin::new(&mut self.body).poll_frame(cx) {
                Poll::Ready(frame) => Poll::Ready(Some(frame)),
                Poll::Pending if turns == TURNS => Poll::Ready(None),
                Poll::Pending => {
                    // What has arrived comes up with the connection's next turn, which is in this very task.
                    turns += 1;
                    cx.waker().wake_by_ref();
                    Poll::Pending
                }
            });
            match frame.await {
                Some(None) => return true,
                Some(Some(Ok(frame))) => total += frame.data_ref().map_or(0, Bytes::len) as u64,
                Some(Some(Err(_))) | None => return false,
            }
            if total > MOST {
                return false;
            }
            turns = 0;
        }
    }
}

impl HttpBody for Tracked {
    type Data = Bytes;
    type Error = BoxError;

    fn poll_frame(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, BoxError>>> {
        let Some(rest) = &mut self.rest else { return Poll::Ready(None) };
        rest.begun = true;
        let frame = std::task::ready!(Pin::new(&mut rest.body).poll_frame(cx));
        let over = match &frame {
            Some(Ok(frame)) => {
                let read = frame.data_ref().map_or(0, Bytes::len) as u64;
                rest.length = rest.length.map(|length| length.saturating_sub(read));
                None
            }
            Some(Err(_)) => Some(State::Broken),
            None => Some(State::Ended),
        };
        if let Some(over) = over {
            self.rest = None;
            *lock(&self.state) = over;
        }
        Poll::Ready(frame)
    }

    fn size_hint(&self) -> SizeHint {
        self.hint
    }
}

impl Drop for Tracked {
    fn drop(&mut self) {
        if let Some(rest) = self.rest.take() {
            *lock(&self.state) = State::Left(rest);
        }
    }
}

#[cfg(test)]
mod tests {
    use futures_util::{StreamExt as _, stream};

    use super::*;

    type Chunk = Result<Bytes, BoxError>;

    fn chunk(length: usize) -> Chunk {
        Ok(Bytes::from(vec![b'x'; length]))
    }

    /// Whether the connection can go on after so many chunks were read.
    async fn goes_on(body: Body, read: usize, awaited: bool) -> bool {
        let (mut body, unread) = body.tracked();
        for _ in 0..read {
            let _ = body.next().await;
        }
        drop(body);
        unread.expect("a stream").skip(awaited).await
    }

    fn chunks(chunks: Vec<Chunk>) -> Body {
        Body::from_stream(stream::iter(chunks))
    }

    /// A body of which nothing more comes.
    fn stuck(first: Vec<Chunk>, length: Option<u64>) -> Body {
        Body::with_length(stream::iter(first).chain(stream::pending()), length)
    }

    #[tokio::test]
    async fn what_is_there_is_skipped_up_to_its_most() {
        assert!(goes_on(chunks(vec![chunk(10), chunk(10)]), 0, false).await);
        assert!(goes_on(chunks(vec![chunk(10), chunk(10)]), 3, false).await, "read to its end");
        assert!(goes_on(chunks(vec![chunk(64 * 1024)]), 0, false).await);
        assert!(!goes_on(chunks(vec![chunk(64 * 1024), chunk(1)]), 0, false).await);
    }

    #[tokio::test]
    async fn what_is_not_there_is_not_waited_for() {
        assert!(!goes_on(stuck(vec![chunk(10)], Some(20)), 0, false).await);
        assert!(!goes_on(stuck(vec![], None), 0, false).await);
        assert!(!goes_on(stuck(vec![], Some(64 * 1024 + 1)), 0, false).await);
    }

    #[tokio::test]
    async fn a_broken_body_and_one_that_is_awaited_end_the_connection() {
        assert!(!goes_on(chunks(vec![chunk(1), Err("torn".into())]), 2, false).await);
        assert!(!goes_on(chunks(vec![chunk(1), Err("torn".into())]), 0, false).await);
        assert!(!goes_on(chunks(vec![chunk(1)]), 0, true).await, "reading would ask for it");
        assert!(goes_on(chunks(vec![chunk(1), chunk(1)]), 1, true).await, "it was asked for already");
    }

    #[tokio::test]
    async fn a_body_that_somebody_still_reads_is_left_alone() {
        let (mut body, unread) = chunks(vec![chunk(1), chunk(2)]).tracked();
        assert!(unread.expect("a stream").skip(false).await);
        assert_eq!(body.next().await.expect("a chunk").expect("good").len(), 1);
    }

    #[test]
    fn a_body_that_is_here_is_not_tracked() {
        assert!(Body::from("abc").tracked().1.is_none());
    }
}
