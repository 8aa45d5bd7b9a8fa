use std::sync::Arc;
use std::sync::atomic::{AtomicU8, Ordering};

use tokio::sync::watch;

/// How far a server is on its way from serving to gone; later phases are greater.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[non_exhaustive]
pub enum Phase {
    /// Everything is served.
    Running,
    /// Readiness answers 503 so that a load balancer looks elsewhere; everything is still served.
    NotReady,
    /// No new connection is accepted; a request on an open one is served and the connection closes after it.
    Draining,
    /// A new request on an open connection is refused with 503; what runs may finish.
    Refusing,
    /// The grace is nearly over: streams end with a `DRAINING` event.
    Ending,
    /// Whatever is still open is cut.
    Forced,
}

impl Phase {
    const ALL: [Self; 6] = [Self::Running, Self::NotReady, Self::Draining, Self::Refusing, Self::Ending, Self::Forced];
}

/// The view of a shutdown that connections and streams have: one `watch`, cloned cheaply.
///
/// ```
/// use neurolink_core::server::{Phase, Shutdown};
///
/// # #[tokio::main(flavor = "current_thread")] async fn main() {
/// let (handle, shutdown) = Shutdown::new();
/// assert_eq!(shutdown.phase(), Phase::Running);
/// handle.advance(Phase::Draining);
/// shutdown.reached(Phase::NotReady).await; // already past it: returns at once
/// # }
/// ```
#[derive(Clone, Debug)]
pub struct Shutdown {
    /// Read by every request, so it is no lock.
    now: Arc<AtomicU8>,
    phase: watch::Receiver<Phase>,
}

/// The side that moves a [`Shutdown`] forward; phases never go back.
#[derive(Clone, Debug)]
pub struct ShutdownHandle {
    now: Arc<AtomicU8>,
    phase: Arc<watch::Sender<Phase>>,
}

impl Shutdown {
    /// A shutdown in [`Phase::Running`] and the handle that advances it.
    #[must_use]
    pub fn new() -> (ShutdownHandle, Self) {
        let (sender, phase) = watch::channel(Phase::Running);
        let now = Arc::new(AtomicU8::new(Phase::Running as u8));
        (ShutdownHandle { now: Arc::clone(&now), phase: Arc::new(sender) }, Self { now, phase })
    }

    /// The phase at this moment.
    #[must_use]
    pub fn phase(&self) -> Phase {
        let now = self.now.load(Ordering::Acquire);
        Phase::ALL.into_iter().rev().find(|phase| *phase as u8 <= now).unwrap_or(Phase::Running)
    }

    /// Waits until `phase` or a later one is reached; a handle that is gone counts as [`Phase::Running`] for ever.
    pub async fn reached(&self, phase: Phase) {
        let mut receiver = self.phase.clone();
        if receiver.wait_for(|now| *now >= phase).await.is_err() {
            std::future::pending::<()>().await;
        }
    }
}

impl ShutdownHandle {
    /// Moves to `phase` unless a later one is already reached.
    pub fn advance(&self, phase: Phase) {
        self.phase.send_if_modified(|now| {
            let forward = phase > *now;
            if forward {
                *now = phase;
                self.now.store(phase as u8, Ordering::Release);
            }
            forward
        });
    }

    /// A new view of this shutdown.
    #[must_use]
    pub fn subscribe(&self) -> Shutdown {
        Shutdown { now: Arc::clone(&self.now), phase: self.phase.subscribe() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn phases_only_move_forward() {
        let (handle, shutdown) = Shutdown::new();
        handle.advance(Phase::Refusing);
        handle.advance(Phase::NotReady);
        assert_eq!(shutdown.phase(), Phase::Refusing);
    }

    #[tokio::test]
    async fn waiting_ends_when_a_later_phase_is_reached() {
        let (handle, shutdown) = Shutdown::new();
        let waiter = tokio::spawn(async move { shutdown.reached(Phase::Draining).await });
        handle.advance(Phase::Forced);
        waiter.await.expect("the waiter ends");
    }
}
