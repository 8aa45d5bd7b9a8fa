use std::time::Duration;

use super::table::Algorithm;
use super::{Decision, Stamp, goes_on, millis};

/// At most a limit in each window, which begins with a key's first request.
///
/// Two windows may meet, so that twice the limit passes within one window's time.
pub(crate) struct FixedWindow {
    limit: u32,
    window: u64,
}

/// The window of a key.
#[derive(Clone, Copy, Default)]
pub(crate) struct Window {
    ends: u64,
    count: u32,
    limit: u32,
}

impl FixedWindow {
    pub(crate) fn new(limit: u32, window: Duration) -> Self {
        Self { limit, window: millis(window).max(1) }
    }

    /// Begins a new window if the last one is over.
    fn enter(&self, state: &mut Window, now: u64) {
        if !goes_on(state.ends, self.window, now) {
            (state.ends, state.count) = (now.saturating_add(self.window), 0);
        }
    }
}

impl Algorithm for FixedWindow {
    type State = Window;

    fn take(&self, state: &mut Window, share: u32, now: u64) -> Decision {
        self.enter(state, now);
        state.limit = self.limit.saturating_mul(share);
        let passes = state.count < state.limit;
        state.count += u32::from(passes);
        Decision {
            charged: passes.then_some(Stamp { at: state.ends, part: 0 }),
            remaining: state.limit.saturating_sub(state.count),
            resets: state.ends,
        }
    }

    #[cfg(feature = "rate-limit")]
    fn with_limit(&self, limit: u32) -> Self {
        Self { limit, ..*self }
    }

    #[cfg(feature = "rate-limit")]
    fn give_back(&self, state: &mut Window, stamp: Stamp, _now: u64) {
        if state.ends == stamp.at {
            state.count = state.count.saturating_sub(1);
        }
    }

    #[cfg(feature = "rate-limit")]
    fn charge_more(&self, state: &mut Window, more: u32, now: u64) {
        self.enter(state, now);
        state.count = state.count.saturating_add(more);
    }

    fn is_over(&self, state: &Window, now: u64) -> bool {
        state.ends <= now
    }

    fn weight(&self, state: &Window, _now: u64) -> Option<u64> {
        (state.count < state.limit).then_some(state.count.into())
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::{Counters as _, Table};
    use super::*;

    const MINUTE: Duration = Duration::from_secs(60);
    const START: Duration = Duration::from_secs(1_700_000_000);

    fn table(limit: u32) -> Table<FixedWindow> {
        Table::new(1000, FixedWindow::new(limit, MINUTE))
    }

    // Shows P-D32.
    #[test]
    fn the_limit_is_exact_and_waiting_helps() {
        let counters = table(3);
        for left in [2, 1, 0] {
            let taken = counters.take(b"a", 1, START);
            assert_eq!((taken.charge.is_some(), taken.remaining, taken.resets), (true, left, START + MINUTE));
        }
        let refused = counters.take(b"a", 1, START + Duration::from_secs(59));
        assert_eq!((refused.charge, refused.remaining), (None, 0));
        assert!(counters.take(b"a", 1, refused.resets).charge.is_some());
        assert!(counters.take(b"b", 1, START).charge.is_some());
    }

    #[test]
    fn what_is_given_back_can_be_taken_again_in_its_own_window_only() {
        let counters = table(1);
        let charge = counters.take(b"a", 1, START).charge.expect("one");
        counters.give_back(charge, START);
        assert!(counters.take(b"a", 1, START).charge.is_some());
        let next = counters.take(b"a", 1, START + MINUTE);
        assert!(next.charge.is_some());
        counters.give_back(charge, START + MINUTE);
        assert_eq!(counters.take(b"a", 1, START + MINUTE).charge, None, "another window's");
    }

    #[test]
    fn more_is_charged_to_the_window_in_which_it_is_known() {
        let counters = table(5);
        let charge = counters.take(b"a", 1, START).charge.expect("one");
        counters.charge_more(charge, 2, START);
        assert_eq!(counters.take(b"a", 1, START).remaining, 1);
        counters.charge_more(charge, 9, START + MINUTE);
        let refused = counters.take(b"a", 1, START + MINUTE);
        assert_eq!((refused.charge, refused.remaining, refused.resets), (None, 0, START + MINUTE * 2));
    }

    #[test]
    fn a_request_that_asks_late_does_not_begin_the_window_again() {
        let counters = table(1);
        assert!(counters.take(b"a", 1, START).charge.is_some());
        let earlier = START - Duration::from_secs(30);
        assert_eq!(counters.take(b"a", 1, earlier).charge, None);
        let hour_ago = START - Duration::from_secs(3600);
        assert!(counters.take(b"a", 1, hour_ago).charge.is_some(), "the clock has gone back");
    }

    proptest! {
        // Shows O-D19.
        #[test]
        fn never_more_than_the_limit_in_a_window_and_remaining_only_falls(
            limit in 1_u32..10,
            steps in proptest::collection::vec(0_u64..20_000, 1..60),
        ) {
            let counters = table(limit);
            let (mut now, mut in_window, mut window, mut last) = (START, 0, Duration::ZERO, limit);
            for step in steps {
                now += Duration::from_millis(step);
                let taken = counters.take(b"k", 1, now);
                if taken.resets != window {
                    prop_assert!(now >= window);
                    (window, in_window, last) = (taken.resets, 0, limit);
                }
                in_window += u32::from(taken.charge.is_some());
                prop_assert!(in_window <= limit);
                prop_assert!(taken.remaining <= last);
                last = taken.remaining;
            }
        }
    }
}
