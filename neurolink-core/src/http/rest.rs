//! What a request's body has left when it is answered: it is read to its end, or the connection is closed.
//!
//! Each framework has a rule of its own for that; a body that the core has read to its end needs none.

use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use http_body::{Body as HttpBody, Frame, SizeHint};
use http_body_util::BodyExt as _;

use super::Body;
use crate::BoxError;

/// The most bytes that are read of a body nobody wants.
const MOST: u64 = 64 * 1024;
/// How long they may take.
const WAIT: Duration = Duration::from_secs(1);

/// Where a lent body comes back to.
pub(crate) struct Rest(Arc<Mutex<State>>);

enum State {
    /// Somebody has it.
    Lent,
    /// It was read to its end, or it broke.
    Ended,
    /// It came back with something left.
    Left(Body),
}

struct Lent {
    body: Body,
    state: Arc<Mutex<State>>,
}

impl Body {
    /// A body to hand on, and where it comes back to when it is dropped; nothing for a body that is whole.
    pub(crate) fn lent(self) -> (Self, Option<Rest>) {
        if !self.is_stream() {
            return (self, None);
        }
        let state = Arc::new(Mutex::new(State::Lent));
        (Self::new(Lent { body: self, state: Arc::clone(&state) }), Some(Rest(state)))
    }
}

impl Rest {
    /// Reads what is left, if it is little and comes soon; `false` when something stays unread.
    ///
    /// `awaited` says that the client waits before it sends it (`Expect: 100-continue`): then nothing is read.
    pub(crate) async fn drain(self, awaited: bool) -> bool {
        let state = std::mem::replace(&mut *self.0.lock().unwrap_or_else(PoisonError::into_inner), State::Ended);
        match state {
            State::Lent | State::Ended => true,
            State::Left(body) if awaited || body.size_hint().lower() > MOST => false,
            State::Left(body) => tokio::time::timeout(WAIT, to_end(body)).await.unwrap_or(false),
        }
    }
}

async fn to_end(mut body: Body) -> bool {
    let mut total = 0;
    while let Some(frame) = body.frame().await {
        let Ok(frame) = frame else { return false };
        total += frame.data_ref().map_or(0, |data| data.len() as u64);
        if total > MOST {
            return false;
        }
    }
    true
}

impl HttpBody for Lent {
    type Data = Bytes;
    type Error = BoxError;

    fn poll_frame(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, BoxError>>> {
        let frame = std::task::ready!(Pin::new(&mut self.body).poll_frame(cx));
        if !matches!(frame, Some(Ok(_))) {
            self.body = Body::empty();
        }
        Poll::Ready(frame)
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

impl Drop for Lent {
    fn drop(&mut self) {
        let body = std::mem::take(&mut self.body);
        let state = if body.is_end_stream() { State::Ended } else { State::Left(body) };
        *self.state.lock().unwrap_or_else(PoisonError::into_inner) = state;
    }
}

#[cfg(test)]
mod tests {
    use futures_util::{StreamExt as _, stream};

    use super::*;

    fn chunks(count: usize, size: usize) -> Body {
        let chunks = std::iter::repeat_n(Bytes::from(vec![b'a'; size]), count);
        Body::from_stream(stream::iter(chunks.map(Ok::<_, BoxError>)))
    }

    #[tokio::test]
    async fn what_is_left_is_read_unless_it_is_too_much() {
        for (body, drained) in [(chunks(3, 10), true), (chunks(6, 16 * 1024), false)] {
            let (mut lent, rest) = body.lent();
            assert!(lent.next().await.is_some());
            drop(lent);
            assert_eq!(rest.expect("it streams").drain(false).await, drained);
        }
    }

    #[tokio::test]
    async fn what_is_too_much_or_not_sent_yet_is_not_waited_for() {
        for (length, awaited) in [(MOST + 1, false), (5, true)] {
            let body = Body::with_length(stream::pending::<Result<Bytes, BoxError>>(), Some(length));
            let (lent, rest) = body.lent();
            drop(lent);
            assert!(!rest.expect("it streams").drain(awaited).await);
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_body_that_does_not_come_is_given_up() {
        let (lent, rest) = Body::from_stream(stream::pending::<Result<Bytes, BoxError>>()).lent();
        drop(lent);
        assert!(!rest.expect("it streams").drain(false).await);
    }

    #[tokio::test]
    async fn a_body_that_was_read_or_is_still_held_is_left_alone() {
        let (lent, rest) = chunks(2, 1).lent();
        assert_eq!(lent.count().await, 2);
        assert!(rest.expect("it streams").drain(true).await);
        let (lent, rest) = chunks(2, 1).lent();
        assert!(rest.expect("it streams").drain(false).await);
        drop(lent);
        assert!(Body::from("whole").lent().1.is_none());
    }
}
