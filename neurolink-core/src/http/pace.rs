//! How long the pieces of a request's body may take.

use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use tokio::time::{Instant, Sleep, sleep_until};

/// The time that a body has: for each piece, and for what has come to be enough.
///
/// It looks at the clock only where it has to wait, and has one timer for all pieces, which is made for the first that does.
#[derive(Debug)]
pub(crate) struct Pace {
    /// For each piece, and in front of the least rate.
    timeout: Duration,
    /// The fewest bytes in a second, after the first `timeout`; 0 for any.
    least_rate: u32,
    deadline: Option<Instant>,
    come: usize,
    /// When the first piece was waited for.
    begun: Option<Instant>,
    /// When the next one is late.
    until: Option<Instant>,
    timer: Option<Pin<Box<Sleep>>>,
}

impl Pace {
    pub(crate) const fn new(timeout: Duration, least_rate: u32, deadline: Option<Instant>) -> Self {
        Self { timeout, least_rate, deadline, come: 0, begun: None, until: None, timer: None }
    }

    /// So many bytes have come: the next piece has its own time.
    pub(crate) const fn came(&mut self, bytes: usize) {
        self.come = self.come.saturating_add(bytes);
        self.until = None;
    }

    /// How many bytes have come.
    pub(crate) const fn come(&self) -> usize {
        self.come
    }

    /// Waits for what is not there until it is late.
    ///
    /// A timer fires late on a busy machine, so each poll looks at the time too: the guard of the onion does, and a
    /// body that is late has to be told before a handler that is.
    pub(crate) fn poll_late(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        let now = Instant::now();
        let until = self.until(now);
        if now >= until {
            return Poll::Ready(());
        }
        let timer = self.timer.get_or_insert_with(|| Box::pin(sleep_until(until)));
        if timer.deadline() > until {
            timer.as_mut().reset(until);
        }
        loop {
            ready!(timer.as_mut().poll(cx));
            if timer.deadline() >= until {
                return Poll::Ready(());
            }
            // It was for a piece that has come.
            timer.as_mut().reset(until);
        }
    }

    fn until(&mut self, now: Instant) -> Instant {
        let begun = *self.begun.get_or_insert(now);
        *self.until.get_or_insert_with(|| {
            // Bytes that have come give as much time as they may take.
            let rate = f64::from(self.least_rate);
            let earned = (self.least_rate > 0).then(|| Duration::from_secs_f64(self.come as f64 / rate));
            let slow = earned.and_then(|earned| (begun + self.timeout).checked_add(earned));
            [slow, self.deadline].into_iter().flatten().fold(now + self.timeout, Instant::min)
        })
    }
}
