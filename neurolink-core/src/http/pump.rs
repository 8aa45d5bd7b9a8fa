//! Bodies that cannot leave their thread: a slot for one piece, fed in the request's own task.
//!
//! Nothing is spawned, nothing outlives the request, and the client is not read faster than the core asks.

use std::fmt;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use futures_core::Stream;

use super::Body;
use super::slot::{Filler, slot};

/// What feeds a body out of a source that need not be `Send`; see [`Body::pumped`].
pub struct Pump<S> {
    source: S,
    slot: Option<Filler>,
}

impl Body {
    /// A body for the core and what feeds it from `source`, of the length that the head declares.
    pub fn pumped<S>(source: S, length: Option<u64>) -> (Self, Pump<S>) {
        let (filler, pieces) = slot();
        (Self::with_length(pieces, length), Pump { source, slot: Some(filler) })
    }
}

impl<S, E> Pump<S>
where
    S: Stream<Item = Result<Bytes, E>> + Unpin,
    E: fmt::Display,
{
    /// Whether the source came to its end.
    #[must_use]
    pub const fn is_done(&self) -> bool {
        self.slot.is_none()
    }

    /// Moves one chunk. The slot has room first: a chunk is read only when the core wants one.
    fn poll_move(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        // Without a slot all is here.
        let Some(slot) = &self.slot else { return Poll::Pending };
        ready!(slot.poll_room(cx));
        let chunk = ready!(Pin::new(&mut self.source).poll_next(cx));
        let more = matches!(chunk, Some(Ok(_)));
        if let Some(chunk) = chunk {
            slot.fill(chunk.map_err(|error| error.to_string().into()), cx);
        }
        if !more && let Some(slot) = self.slot.take() {
            slot.end(cx);
        }
        Poll::Ready(())
    }

    /// Polls what reads and, by turns, what feeds it, until neither gets on.
    ///
    /// A framework may give up on a connection after an error of its body, so that error is answered in the same poll.
    pub fn poll_with<T>(
        pump: &mut Option<Self>,
        cx: &mut Context<'_>,
        mut reader: impl FnMut(&mut Context<'_>) -> Poll<T>,
    ) -> Poll<T> {
        loop {
            if let Poll::Ready(read) = reader(cx) {
                return Poll::Ready(read);
            }
            let Some(pump) = pump else { return Poll::Pending };
            ready!(pump.poll_move(cx));
        }
    }
}

impl<S> fmt::Debug for Pump<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Pump").field("done", &self.slot.is_none()).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;
    use std::rc::Rc;

    use futures_util::StreamExt as _;

    use super::*;

    /// Chunks of a source that cannot cross threads, and how many were read.
    fn source(
        chunks: &[Result<&'static str, &'static str>],
    ) -> (impl Stream<Item = Result<Bytes, String>> + Unpin, Rc<Cell<usize>>) {
        let read = Rc::new(Cell::new(0));
        let counted = Rc::clone(&read);
        let chunks: Vec<_> = chunks.iter().map(|chunk| chunk.map(Bytes::from).map_err(ToString::to_string)).collect();
        (futures_util::stream::iter(chunks).inspect(move |_| counted.set(counted.get() + 1)), read)
    }

    #[tokio::test]
    async fn a_body_is_fed_while_it_is_read() {
        let (source, _) = source(&[Ok("ab"), Ok("cd")]);
        let (body, pump) = Body::pumped(source, Some(4));
        let mut pump = Some(pump);
        let mut whole = std::pin::pin!(body.collect::<Vec<_>>());
        let chunks = std::future::poll_fn(|cx| Pump::poll_with(&mut pump, cx, |cx| whole.as_mut().poll(cx))).await;
        assert_eq!(chunks.into_iter().map(|chunk| chunk.expect("a chunk")).collect::<Vec<_>>().concat(), b"abcd");
    }

    #[tokio::test]
    async fn an_error_is_seen_in_the_same_poll_and_nothing_is_read_ahead() {
        let (source, read) = source(&[Ok("ab"), Err("torn"), Ok("never")]);
        let (mut body, pump) = Body::pumped(source, None);
        let mut pump = Some(pump);
        let mut next =
            async || std::future::poll_fn(|cx| Pump::poll_with(&mut pump, cx, |cx| body.poll_next_unpin(cx))).await;
        assert_eq!(next().await.expect("a chunk").expect("good"), "ab");
        assert_eq!(read.get(), 1);
        assert!(next().await.expect("a chunk").is_err());
        assert_eq!(read.get(), 2);
    }
}
