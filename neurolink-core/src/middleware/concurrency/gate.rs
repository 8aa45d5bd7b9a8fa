use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};
use std::time::Duration;

use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use super::gates::Entry;

/// Lets so many in at one time, and so many wait, in the order in which they came.
pub(super) struct Gate {
    free: Arc<Semaphore>,
    queue: usize,
    waiting: AtomicUsize,
}

/// A place inside of a gate; dropping it lets the next one in.
pub(crate) struct Place {
    // Given back before the entry is looked at.
    _permit: OwnedSemaphorePermit,
    _entry: Option<Entry>,
}

impl Place {
    /// The place of a gate that is there as long as somebody uses it.
    pub(super) fn at(self, entry: Entry) -> Self {
        Self { _entry: Some(entry), ..self }
    }
}

impl Gate {
    pub(super) fn new(most: u32, queue: u32) -> Self {
        let fits = |number: u32| usize::try_from(number).unwrap_or(usize::MAX);
        let free = Arc::new(Semaphore::new(fits(most).min(Semaphore::MAX_PERMITS)));
        Self { free, queue: fits(queue), waiting: AtomicUsize::new(0) }
    }

    /// A place, if there is one or becomes free in time.
    pub(super) async fn enter(&self, wait: Duration) -> Option<Place> {
        let free = Arc::clone(&self.free);
        let permit = match free.try_acquire_owned() {
            Ok(permit) => permit,
            Err(_) => {
                let _waiting = self.queue()?;
                tokio::time::timeout(wait, Arc::clone(&self.free).acquire_owned()).await.ok()?.ok()?
            }
        };
        Some(Place { _permit: permit, _entry: None })
    }

    /// A place in the queue, if it is not full.
    fn queue(&self) -> Option<Waiting<'_>> {
        let one_more = |waiting| (waiting < self.queue).then_some(waiting + 1);
        self.waiting.fetch_update(Relaxed, Relaxed, one_more).ok().map(|_| Waiting(self))
    }
}

struct Waiting<'a>(&'a Gate);

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        self.0.waiting.fetch_sub(1, Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use futures_util::FutureExt as _;

    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    #[tokio::test(start_paused = true)]
    async fn so_many_are_inside_and_a_place_that_is_given_back_is_free() {
        let gate = Gate::new(2, 0);
        let first = gate.enter(SECOND).await.expect("a place");
        let _second = gate.enter(SECOND).await.expect("a place");
        assert!(gate.enter(SECOND).await.is_none());
        drop(first);
        assert!(gate.enter(SECOND).await.is_some());
    }

    #[tokio::test(start_paused = true)]
    async fn the_queue_keeps_its_order_and_ends() {
        let gate = Gate::new(1, 2);
        let inside = gate.enter(SECOND).await.expect("a place");
        let (mut first, mut second) = (Box::pin(gate.enter(SECOND)), Box::pin(gate.enter(SECOND)));
        assert!(first.as_mut().now_or_never().is_none() && second.as_mut().now_or_never().is_none());
        assert!(gate.enter(SECOND).now_or_never().expect("at once").is_none(), "the queue is full");
        drop(inside);
        assert!(second.as_mut().now_or_never().is_none(), "the first is first");
        let first = first.now_or_never().expect("at once").expect("a place");
        assert!(gate.enter(Duration::ZERO).await.is_none(), "nobody overtakes who waits");
        drop(first);
        assert!(second.await.is_some());
    }

    #[tokio::test(start_paused = true)]
    async fn who_waited_too_long_or_went_away_leaves_the_queue() {
        let gate = Gate::new(1, 1);
        let _inside = gate.enter(SECOND).await.expect("a place");
        let since = tokio::time::Instant::now();
        assert!(gate.enter(SECOND).await.is_none());
        assert_eq!(since.elapsed(), SECOND);
        assert!(gate.enter(SECOND).now_or_never().is_none(), "waits, and goes away");
        assert_eq!(gate.waiting.load(Relaxed), 0);
    }
}
