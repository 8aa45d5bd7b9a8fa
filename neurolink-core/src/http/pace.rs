//! How long the pieces of a request's body may take.

use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use tokio::time::{Instant, Sleep, sleep_until};

/// The time that a body has: for each piece, and for what has come to be enough. Only the time counts in which somebody
/// waits for it.
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
    /// How long the pieces were waited for.
    waited: Duration,
    /// Since when the next one is waited for, and when it is late.
    next: Option<(Instant, Instant)>,
    timer: Option<Pin<Box<Sleep>>>,
}

impl Pace {
    pub(crate) const fn new(timeout: Duration, least_rate: u32, deadline: Option<Instant>) -> Self {
        Self { timeout, least_rate, deadline, come: 0, waited: Duration::ZERO, next: None, timer: None }
    }

    /// So many bytes have come: the next piece has its own time.
    pub(crate) fn came(&mut self, bytes: usize) {
        self.come = self.come.saturating_add(bytes);
        if let Some((since, _)) = self.next.take() {
            self.waited += since.elapsed();
        }
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
        let (_, until) = *self.next.get_or_insert_with(|| {
            // Bytes that have come give as much time as they may take.
            let rate = f64::from(self.least_rate);
            let earned = (self.least_rate > 0).then(|| Duration::from_secs_f64(self.come as f64 / rate));
            let slow = earned
                .and_then(|earned| now.checked_add(self.timeout.saturating_add(earned).saturating_sub(self.waited)));
            let until = [slow, self.deadline].into_iter().flatten().fold(now + self.timeout, Instant::min);
            (now, until)
        });
        until
    }
}
