//! Room for one piece of a body on its way to whoever reads it.

use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker};

use bytes::Bytes;
use futures_core::Stream;

use crate::BoxError;

pub(super) type Piece = Result<Bytes, BoxError>;

/// The two ends of a slot.
pub(super) fn slot() -> (Filler, Taker) {
    let shared = Arc::new(Mutex::new(State::default()));
    (Filler(Arc::clone(&shared)), Taker(shared))
}

/// Puts pieces in; without it the body is at its end.
pub(super) struct Filler(Shared);

/// Takes them out; without it nobody wants them.
pub(super) struct Taker(Shared);

type Shared = Arc<Mutex<State>>;

#[derive(Default)]
struct State {
    piece: Option<Piece>,
    has_ended: bool,
    is_unwanted: bool,
    taker: Option<Waker>,
    filler: Option<Waker>,
}

fn lock(shared: &Shared) -> MutexGuard<'_, State> {
    shared.lock().unwrap_or_else(PoisonError::into_inner)
}

fn keep(place: &mut Option<Waker>, waker: &Waker) {
    match place {
        Some(kept) => kept.clone_from(waker),
        None => *place = Some(waker.clone()),
    }
}

impl Filler {
    /// Whether there is room, which there never is again when nobody wants a piece.
    pub(super) fn poll_room(&self, cx: &Context<'_>) -> Poll<()> {
        let mut state = lock(&self.0);
        if state.piece.is_none() && !state.is_unwanted {
            return Poll::Ready(());
        }
        keep(&mut state.filler, cx.waker());
        Poll::Pending
    }

    /// Puts a piece in. Who waits for it in the task that is at work is not woken: it is about to be polled.
    pub(super) fn fill(&self, piece: Piece, cx: &Context<'_>) {
        let taker = {
            let mut state = lock(&self.0);
            state.piece = Some(piece);
            state.taker.take_if(|taker| !taker.will_wake(cx.waker()))
        };
        taker.into_iter().for_each(Waker::wake);
    }

    /// Ends the body; who waits for a piece in the task that is at work is not woken either.
    pub(super) fn end(self, cx: &Context<'_>) {
        lock(&self.0).taker.take_if(|taker| taker.will_wake(cx.waker()));
    }
}

impl Drop for Filler {
    fn drop(&mut self) {
        let taker = {
            let mut state = lock(&self.0);
            state.has_ended = true;
            state.taker.take()
        };
        taker.into_iter().for_each(Waker::wake);
    }
}

impl Stream for Taker {
    type Item = Piece;

    fn poll_next(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Piece>> {
        let mut state = lock(&self.0);
        if let Some(piece) = state.piece.take() {
            let filler = state.filler.take();
            drop(state);
            filler.into_iter().for_each(Waker::wake);
            return Poll::Ready(Some(piece));
        }
        if state.has_ended {
            return Poll::Ready(None);
        }
        keep(&mut state.taker, cx.waker());
        Poll::Pending
    }
}

impl Drop for Taker {
    fn drop(&mut self) {
        let (piece, filler) = {
            let mut state = lock(&self.0);
            state.is_unwanted = true;
            (state.piece.take(), state.filler.take())
        };
        drop(piece);
        filler.into_iter().for_each(Waker::wake);
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use futures_util::StreamExt as _;

    use super::*;

    #[derive(Default)]
    struct Woken(AtomicUsize);

    impl std::task::Wake for Woken {
        fn wake(self: Arc<Self>) {
            self.0.fetch_add(1, Ordering::Relaxed);
        }
    }

    fn task() -> (Arc<Woken>, Waker) {
        let woken = Arc::new(Woken::default());
        (Arc::clone(&woken), Waker::from(woken))
    }

    fn piece() -> Piece {
        Ok(Bytes::from_static(b"x"))
    }

    #[test]
    fn each_end_wakes_the_other_but_not_the_task_that_is_at_work() {
        let (filler, mut taker) = slot();
        let ((feeding, feeder), (reading, reader)) = (task(), task());
        let (mut feeder, mut reader) = (Context::from_waker(&feeder), Context::from_waker(&reader));
        assert!(taker.poll_next_unpin(&mut reader).is_pending());
        assert!(filler.poll_room(&feeder).is_ready());
        filler.fill(piece(), &feeder);
        assert_eq!(reading.0.load(Ordering::Relaxed), 1);
        assert!(filler.poll_room(&feeder).is_pending());
        assert!(matches!(taker.poll_next_unpin(&mut reader), Poll::Ready(Some(Ok(_)))));
        assert_eq!(feeding.0.load(Ordering::Relaxed), 1);
        assert!(taker.poll_next_unpin(&mut feeder).is_pending());
        filler.fill(piece(), &feeder);
        assert!(matches!(taker.poll_next_unpin(&mut feeder), Poll::Ready(Some(Ok(_)))));
        assert!(taker.poll_next_unpin(&mut feeder).is_pending());
        filler.end(&feeder);
        assert!(matches!(taker.poll_next_unpin(&mut feeder), Poll::Ready(None)));
        assert_eq!(feeding.0.load(Ordering::Relaxed), 1);
    }

    #[test]
    fn the_end_comes_behind_the_last_piece_and_a_taker_that_is_gone_wants_nothing() {
        let (filler, mut taker) = slot();
        let (woken, waker) = task();
        let mut cx = Context::from_waker(&waker);
        assert!(taker.poll_next_unpin(&mut cx).is_pending());
        filler.fill(piece(), &cx);
        drop(filler);
        assert_eq!(woken.0.load(Ordering::Relaxed), 1);
        assert!(matches!(taker.poll_next_unpin(&mut cx), Poll::Ready(Some(Ok(_)))));
        assert!(matches!(taker.poll_next_unpin(&mut cx), Poll::Ready(None)));
        let (filler, taker) = slot();
        filler.fill(piece(), &cx);
        assert!(filler.poll_room(&cx).is_pending());
        drop(taker);
        assert_eq!(woken.0.load(Ordering::Relaxed), 2);
        assert!(filler.poll_room(&cx).is_pending());
    }
}
