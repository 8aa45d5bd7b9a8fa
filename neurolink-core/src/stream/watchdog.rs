//! What ends a stream that nobody reads: its body is looked at only when the connection asks for bytes.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::time::{Instant, sleep_until};
use tokio_util::sync::DropGuard;
use tokio_util::task::AbortOnDropHandle;

use crate::engine::EventStream;

/// A moment later, however long that is.
pub(super) fn after(from: Instant, time: Duration) -> Instant {
    const YEAR: Duration = Duration::from_secs(365 * 24 * 3600);
    from.checked_add(time.min(YEAR)).unwrap_or(from)
}

/// The engine's side of a stream, which its body and its watchdog share.
#[derive(Clone)]
pub(super) struct Work(Arc<Mutex<State>>);

struct State {
    /// Dropping it ends the engine's work. It is away while the body asks it.
    events: Option<EventStream>,
    /// Fires the request's token when it is dropped.
    cancel: Option<DropGuard>,
    /// Since when bytes lie with the reader, who has not come back for more.
    handed: Option<Instant>,
    stalled: bool,
    /// It was ended; events that come back are dropped.
    ended: bool,
}

/// What a body finds when the reader asks.
pub(super) enum Found {
    Events(EventStream),
    /// The reader stayed away for too long.
    Stalled,
    /// The engine's work is over.
    Nothing,
}

impl Work {
    pub(super) fn new(events: EventStream, cancel: Option<DropGuard>) -> Self {
        Self(Arc::new(Mutex::new(State { events: Some(events), cancel, handed: None, stalled: false, ended: false })))
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The reader is here.
    pub(super) fn take(&self) -> Found {
        let mut state = self.state();
        state.handed = None;
        match state.events.take() {
            Some(events) => Found::Events(events),
            None if state.stalled => Found::Stalled,
            None => Found::Nothing,
        }
    }

    /// Puts the events back; `handed` says that the reader has got bytes.
    pub(super) fn put(&self, events: Option<EventStream>, handed: bool) {
        let mut state = self.state();
        state.handed = handed.then(Instant::now);
        if !state.ended {
            state.events = events;
        }
    }

    /// The stream came to its own end: nobody has to be told to stop.
    pub(super) fn complete(&self) {
        drop(self.state().cancel.take().map(DropGuard::disarm));
    }

    /// The stream ends before its time: whoever works for it is told to stop.
    pub(super) fn cancel(&self) {
        // Not under the lock: dropping an engine's stream runs the engine's code.
        let (events, cancel) = {
            let mut state = self.state();
            state.ended = true;
            (state.events.take(), state.cancel.take())
        };
        drop((events, cancel));
    }

    /// Ends the work at `ends`, or when the reader takes nothing for `stall`; only as long as the handle lives.
    pub(super) fn watch(&self, ends: Instant, stall: Duration) -> AbortOnDropHandle<()> {
        let work = self.clone();
        AbortOnDropHandle::new(tokio::spawn(async move {
            loop {
                let since = work.state().handed.unwrap_or_else(Instant::now);
                sleep_until(ends.min(after(since, stall))).await;
                let now = Instant::now();
                let stalled = work.state().handed.is_some_and(|since| now >= after(since, stall));
                if stalled {
                    work.state().stalled = true;
                }
                if stalled || now >= ends {
                    return work.cancel();
                }
            }
        }))
    }
}
