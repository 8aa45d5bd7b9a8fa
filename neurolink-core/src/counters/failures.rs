use std::time::Duration;

use super::table::Algorithm;
use super::{Charge, Decision, Stamp, Table, goes_on, millis};

/// At most so many failures in a window, which begins with the first attempt of them, or of those at work with it.
///
/// An attempt counts as one until it is judged, so that those at one time are not more than those one by one.
pub(crate) struct FailureWindow {
    limit: u32,
    window: u64,
}

/// The window of a key.
#[derive(Clone, Copy, Default)]
pub(crate) struct Attempts {
    ends: u64,
    failed: u32,
    /// Not judged yet.
    open: u32,
    limit: u32,
}

impl FailureWindow {
    pub(crate) fn new(limit: u32, window: Duration) -> Self {
        Self { limit, window: millis(window).max(1) }
    }

    /// Begins a new window if the last one is over.
    fn enter(&self, state: &mut Attempts, now: u64) {
        if !goes_on(state.ends, self.window, now) {
            *state = Attempts { ends: now.saturating_add(self.window), limit: state.limit, ..Attempts::default() };
        }
    }

    /// What there is for one who has used so many.
    fn decide(&self, state: &mut Attempts, share: u32, used: u32) -> Decision {
        state.limit = self.limit.saturating_mul(share);
        Decision {
            charged: (used < state.limit).then_some(Stamp { at: state.ends, part: 0 }),
            remaining: state.limit.saturating_sub(used),
            resets: state.ends,
        }
    }
}

impl Algorithm for FailureWindow {
    type State = Attempts;

    fn take(&self, state: &mut Attempts, share: u32, now: u64) -> Decision {
        self.enter(state, now);
        let used = state.failed.saturating_add(state.open);
        let decision = self.decide(state, share, used);
        state.open += u32::from(decision.charged.is_some());
        decision
    }

    #[cfg(feature = "rate-limit")]
    fn with_limit(&self, limit: u32) -> Self {
        Self { limit, ..*self }
    }

    fn give_back(&self, state: &mut Attempts, stamp: Stamp, _now: u64) {
        if state.ends != stamp.at {
            return;
        }
        state.open = state.open.saturating_sub(1);
        if (state.failed, state.open) == (0, 0) {
            state.ends = 0;
        }
    }

    fn charge_more(&self, state: &mut Attempts, more: u32, now: u64) {
        self.enter(state, now);
        state.failed = state.failed.saturating_add(more);
    }

    fn is_over(&self, state: &Attempts, now: u64) -> bool {
        state.ends <= now
    }

    fn weight(&self, state: &Attempts, _now: u64) -> Option<u64> {
        let used = state.failed.saturating_add(state.open);
        (used < state.limit).then_some(used.into())
    }
}

impl Table<FailureWindow> {
    /// What an attempt would get if those that nobody has judged yet were none.
    pub(crate) fn ask(&self, key: &[u8], share: u32, now: Duration) -> super::Taken {
        self.look_at(key, now, |window, state, now| {
            window.enter(state, now);
            window.decide(state, share, state.failed)
        })
    }

    /// An attempt has failed; a key that has lost its place meanwhile gets one.
    pub(crate) fn fail(&self, key: &[u8], share: u32, attempt: Charge, now: Duration) {
        self.act_on(key, now, |window, state, shared, now| {
            window.enter(state, now);
            if shared == attempt.shared && state.ends == attempt.stamp.at {
                state.open = state.open.saturating_sub(1);
            }
            state.failed = state.failed.saturating_add(1);
            state.limit = window.limit.saturating_mul(share);
        });
    }
}

#[cfg(test)]
mod tests {
    use super::super::Counters as _;
    use super::*;

    const MINUTE: Duration = Duration::from_secs(60);
    const START: Duration = Duration::from_secs(1_700_000_000);
    const LATER: Duration = START.saturating_add(Duration::from_secs(40));

    fn table() -> Table<FailureWindow> {
        Table::new(100, FailureWindow::new(2, MINUTE))
    }

    fn attempt(table: &Table<FailureWindow>, now: Duration) -> Charge {
        table.take(b"a", 1, now).charge.expect("there is room")
    }

    fn fail(table: &Table<FailureWindow>, now: Duration) {
        table.fail(b"a", 1, attempt(table, now), now);
    }

    #[test]
    fn attempts_that_are_open_count_as_failures_until_they_are_judged() {
        let table = table();
        let open = [attempt(&table, START), attempt(&table, START)];
        assert_eq!(table.take(b"a", 1, START).charge, None);
        for charge in open {
            table.give_back(charge, START);
        }
        assert_eq!(table.take(b"a", 1, START).remaining, 2);
    }

    #[test]
    fn those_who_ask_are_told_of_failures_only() {
        let table = table();
        let _open = [attempt(&table, START), attempt(&table, START)];
        assert!(table.ask(b"a", 1, START).charge.is_some());
    }

    #[test]
    fn attempts_and_those_who_ask_wait_for_one_window_which_the_first_failure_begins() {
        let table = table();
        table.give_back(attempt(&table, START), START);
        fail(&table, LATER);
        fail(&table, LATER);
        for now in [LATER, START + MINUTE, LATER + MINUTE - Duration::from_millis(1)] {
            let (asked, taken) = (table.ask(b"a", 1, now), table.take(b"a", 1, now));
            assert_eq!((asked.charge, asked.resets), (None, LATER + MINUTE));
            assert_eq!(asked, taken);
        }
        assert!(table.ask(b"a", 1, LATER + MINUTE).charge.is_some());
        assert!(table.take(b"a", 1, LATER + MINUTE).charge.is_some());
    }

    #[test]
    fn an_attempt_that_outlives_its_window_fails_in_the_next() {
        let table = table();
        let late = attempt(&table, START);
        let now = START + MINUTE;
        let _open = attempt(&table, now);
        table.fail(b"a", 1, late, now);
        assert_eq!(table.take(b"a", 1, now).charge, None, "one has failed and one is open");
    }

    #[test]
    fn a_key_that_has_lost_its_place_still_fails() {
        let table = table();
        let (one, two) = (attempt(&table, START), attempt(&table, START));
        let other = Table::new(100, FailureWindow::new(2, MINUTE));
        other.fail(b"a", 1, one, START);
        other.fail(b"a", 1, two, START);
        assert_eq!(other.take(b"a", 1, START).charge, None);
    }
}
