use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};

/// Failures in a row that open it.
const FAILURES: u32 = 5;

/// Leaves a store alone that fails again and again.
#[derive(Default)]
pub(super) struct Breaker {
    failures: AtomicU32,
    open: AtomicBool,
    probing: AtomicBool,
}

impl Breaker {
    pub(super) fn is_open(&self) -> bool {
        self.open.load(Ordering::Acquire)
    }

    /// An answer came.
    pub(super) fn succeeded(&self) {
        // Read first: in good times nobody writes.
        if self.failures.load(Ordering::Relaxed) != 0 {
            self.failures.store(0, Ordering::Relaxed);
        }
    }

    /// No answer came; whether that opened it.
    pub(super) fn failed(&self) -> bool {
        let failures = self.failures.fetch_add(1, Ordering::Relaxed).saturating_add(1);
        failures >= FAILURES && !self.open.swap(true, Ordering::AcqRel)
    }

    pub(super) fn close(&self) {
        self.failures.store(0, Ordering::Relaxed);
        self.open.store(false, Ordering::Release);
    }

    /// Whether the caller is the one who probes now.
    pub(super) fn begin_probing(&self) -> bool {
        !self.probing.load(Ordering::Acquire) && !self.probing.swap(true, Ordering::AcqRel)
    }

    pub(super) fn end_probing(&self) {
        self.probing.store(false, Ordering::Release);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn five_failures_in_a_row_open_it_and_are_told_once() {
        let breaker = Breaker::default();
        for _ in 0..4 {
            assert!(!breaker.failed());
        }
        breaker.succeeded();
        for _ in 0..4 {
            assert!(!breaker.failed() && !breaker.is_open());
        }
        assert!(breaker.failed() && breaker.is_open());
        assert!(!breaker.failed(), "it was open");
        breaker.close();
        assert!(!breaker.is_open() && !breaker.failed());
    }

    #[test]
    fn one_probes_at_a_time() {
        let breaker = Breaker::default();
        assert!(breaker.begin_probing() && !breaker.begin_probing());
        breaker.end_probing();
        assert!(breaker.begin_probing());
    }
}
