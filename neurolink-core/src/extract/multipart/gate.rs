//! Hands a body on a piece at a time: the parser behind it would take all that has come, however much that is.

use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering::Relaxed};
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use futures_core::Stream;

use crate::{Body, BoxError};

/// The largest piece, in bytes.
pub(super) const PIECE: usize = 16 * 1024;

/// Lets pieces pass, one at a time.
#[derive(Debug, Default)]
pub(super) struct Gate {
    open: AtomicBool,
    ended: AtomicBool,
    passed: AtomicUsize,
}

impl Gate {
    /// Polls a parser with one piece after the other, until it has something or nothing more has come; `None` if the
    /// body is at its end, or more than `until` has passed, and it still has nothing.
    pub(super) fn poll<T>(
        &self,
        cx: &mut Context<'_>,
        until: usize,
        mut parser: impl FnMut(&mut Context<'_>) -> Poll<T>,
    ) -> Poll<Option<T>> {
        // First with what has passed before: nothing is waited for that is not needed.
        self.open.store(false, Relaxed);
        if let Poll::Ready(found) = parser(cx) {
            return Poll::Ready(Some(found));
        }
        loop {
            self.open.store(true, Relaxed);
            if let Poll::Ready(found) = parser(cx) {
                return Poll::Ready(Some(found));
            }
            if self.ended.load(Relaxed) || self.passed.load(Relaxed) > until {
                return Poll::Ready(None);
            }
            if self.open.load(Relaxed) {
                return Poll::Pending; // nothing has passed: the body wakes the task
            }
        }
    }

    /// How many bytes have passed, ever.
    pub(super) fn passed(&self) -> usize {
        self.passed.load(Relaxed)
    }

    /// Whether the body is at its end.
    pub(super) fn has_ended(&self) -> bool {
        self.ended.load(Relaxed)
    }
}

/// A body behind a gate.
pub(super) struct Gated {
    pub(super) body: Body,
    pub(super) rest: Bytes,
    pub(super) gate: Arc<Gate>,
}

impl Stream for Gated {
    type Item = Result<Bytes, BoxError>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        if !self.gate.open.load(Relaxed) {
            return Poll::Pending;
        }
        while self.rest.is_empty() {
            match ready!(Pin::new(&mut self.body).poll_next(cx)) {
                Some(Ok(piece)) => self.rest = piece,
                Some(Err(error)) => return Poll::Ready(Some(Err(error))),
                None => {
                    self.gate.ended.store(true, Relaxed);
                    return Poll::Ready(None);
                }
            }
        }
        let length = self.rest.len().min(PIECE);
        self.gate.open.store(false, Relaxed);
        self.gate.passed.fetch_add(length, Relaxed);
        Poll::Ready(Some(Ok(self.rest.split_to(length))))
    }
}
