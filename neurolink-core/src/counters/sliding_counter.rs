use std::time::Duration;

use super::table::Algorithm;
use super::{Decision, Stamp, goes_on, millis};

/// Two windows aligned to the epoch: what was counted in the previous one fades while the current one passes.
///
/// What counts is `floor(previous * (1 - progress)) + current`, as if the previous window's requests had been spread
/// evenly. So never more than the limit passes in an aligned window, and about the limit in any other.
pub(crate) struct SlidingCounter {
    limit: u32,
    window: u64,
    /// Refused requests count as well.
    strict: bool,
}

/// The two windows of a key.
#[derive(Clone, Copy, Default)]
pub(crate) struct Windows {
    /// When the current one ends.
    ends: u64,
    count: u32,
    previous: u32,
    limit: u32,
}

impl SlidingCounter {
    pub(crate) fn new(limit: u32, window: Duration) -> Self {
        Self { limit, window: millis(window).max(1), strict: false }
    }

    /// One that counts refused requests as well, so that who keeps asking stays out: a refusal names the end of the
    /// window, and whether one passes then depends on how many were refused in it.
    pub(crate) fn strict(limit: u32, window: Duration) -> Self {
        Self { strict: true, ..Self::new(limit, window) }
    }

    /// Goes on to the window of `now`.
    fn enter(&self, state: &mut Windows, now: u64) {
        if goes_on(state.ends, self.window, now) {
            return;
        }
        let next = state.ends.saturating_add(self.window);
        if state.ends <= now && now < next {
            (state.ends, state.previous, state.count) = (next, state.count, 0);
        } else {
            // Nothing of it counts any more; or a clock that has since gone back began it.
            let ends = (now / self.window).saturating_add(1).saturating_mul(self.window);
            *state = Windows { ends, limit: state.limit, ..Windows::default() };
        }
    }

    /// How many of the previous window still count.
    fn fading(&self, state: &Windows, now: u64) -> u32 {
        if state.previous == 0 {
            return 0;
        }
        // One that asks late counts from the window's beginning.
        let left = state.ends.saturating_sub(now).min(self.window);
        let faded = u128::from(state.previous) * u128::from(left) / u128::from(self.window);
        u32::try_from(faded).unwrap_or(u32::MAX)
    }

    /// The first millisecond at which one more passes, if nobody else uses the key.
    fn next(&self, state: &Windows) -> u64 {
        let starts = state.ends.saturating_sub(self.window);
        // As soon as enough has faded; if the current window is full by itself, it has to fade in its turn.
        let (starts, fading, room) = match state.count < state.limit {
            true => (starts, state.previous, state.limit - state.count),
            false => (state.ends, state.count, state.limit),
        };
        // The largest rest of the window with floor(fading * rest / window) < room.
        let rest = (u128::from(room) * u128::from(self.window)).div_ceil(u128::from(fading.max(1))).saturating_sub(1);
        let rest = u64::try_from(rest).unwrap_or(u64::MAX).min(self.window);
        starts.saturating_add(self.window - rest)
    }
}

impl Algorithm for SlidingCounter {
    type State = Windows;

    fn take(&self, state: &mut Windows, share: u32, now: u64) -> Decision {
        self.enter(state, now);
        state.limit = self.limit.saturating_mul(share);
        let used = self.fading(state, now).saturating_add(state.count);
        if used >= state.limit && self.strict {
            state.count = state.count.saturating_add(1);
            return Decision { charged: None, remaining: 0, resets: state.ends };
        }
        if used >= state.limit {
            return Decision { charged: None, remaining: 0, resets: self.next(state) };
        }
        state.count += 1;
        Decision {
            charged: Some(Stamp { at: state.ends, part: 0 }),
            remaining: state.limit - used - 1,
            resets: state.ends,
        }
    }

    fn with_limit(&self, limit: u32) -> Self {
        Self { limit, ..*self }
    }

    fn give_back(&self, state: &mut Windows, stamp: Stamp, _now: u64) {
        if state.ends == stamp.at {
            state.count = state.count.saturating_sub(1);
        } else if state.ends == stamp.at.saturating_add(self.window) {
            state.previous = state.previous.saturating_sub(1);
        }
    }

    fn charge_more(&self, state: &mut Windows, more: u32, now: u64) {
        self.enter(state, now);
        state.count = state.count.saturating_add(more);
    }

    fn is_over(&self, state: &Windows, now: u64) -> bool {
        state.ends.saturating_add(self.window) <= now
    }

    fn weight(&self, state: &Windows, now: u64) -> Option<u64> {
        let mut state = *state;
        self.enter(&mut state, now);
        let used = self.fading(&state, now).saturating_add(state.count);
        (used < state.limit).then_some(used.into())
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// A key that took `count` in the window of `now` and `previous` in the one before.
    fn windows(window: u64, limit: u32, previous: u32, count: u32, now: u64) -> Windows {
        Windows { ends: (now / window + 1) * window, count, previous, limit }
    }

    #[test]
    fn the_published_vectors_hold() {
        // Milliseconds, window, limit, previous, this request's number; what is left if it passes, the reset in seconds.
        let vectors = [
            (1_706_745_600_000, 60_000, 20, 0, 1, Some(19), 1_706_745_660),
            (1_706_745_600_000, 60_000, 20, 20, 1, None, 0),
            (1_706_745_630_000, 60_000, 20, 20, 10, Some(0), 1_706_745_660),
            (1_706_745_630_000, 60_000, 20, 20, 11, None, 0),
            (1_706_745_659_999, 60_000, 20, 20, 20, Some(0), 1_706_745_660),
            (1_706_745_659_999, 60_000, 20, 20, 21, None, 0),
            (1_706_745_615_000, 60_000, 200, 137, 98, Some(0), 1_706_745_660),
            (1_706_745_601_500, 60_000, 5, 5, 1, Some(0), 1_706_745_660),
            (1_706_747_399_001, 3_600_000, 5, 0, 6, None, 0),
        ];
        for (now, window, limit, previous, number, left, reset) in vectors {
            let algorithm = SlidingCounter::new(limit, Duration::from_millis(window));
            let mut state = windows(window, limit, previous, number - 1, now);
            let decision = algorithm.take(&mut state, 1, now);
            assert_eq!(decision.charged.is_some().then_some(decision.remaining), left, "{now} {previous} {number}");
            if left.is_some() {
                assert_eq!(decision.resets.div_ceil(1000), reset, "{now}");
            }
        }
    }

    #[test]
    fn a_strict_one_counts_what_it_refuses_and_names_the_end_of_the_window() {
        let (minute, now) = (Duration::from_secs(60), 1_706_745_600_000);
        let strict = SlidingCounter::strict(20, minute);
        for (now, previous, number, left) in [
            (now, 0, 1, Some(19)),
            (now, 20, 1, None),
            (now + 30_000, 20, 10, Some(0)),
            (now + 30_000, 20, 11, None),
            (now + 59_999, 20, 20, Some(0)),
            (now + 59_999, 20, 21, None),
        ] {
            let mut state = windows(60_000, 20, previous, number - 1, now);
            let decision = strict.take(&mut state, 1, now);
            assert_eq!(decision.charged.is_some().then_some(decision.remaining), left, "{now} {previous} {number}");
            assert_eq!((state.count, decision.resets), (number, 1_706_745_660_000), "{now} {previous} {number}");
        }
        // Who has asked forty times too often waits for more than one window.
        let mut state = Windows::default();
        let passed = |state: &mut Windows, now, times| {
            (0..times).filter(|_| strict.take(state, 1, now).charged.is_some()).count()
        };
        assert_eq!(passed(&mut state, now, 60), 20);
        assert_eq!(passed(&mut state, now + 60_000, 1), 0);
        assert_eq!(passed(&mut state, now + 180_000, 60), 20, "an idle window forgets it");
    }

    #[test]
    fn a_refusal_names_the_first_millisecond_that_passes() {
        // Full at the beginning of a window, whose 20 predecessors fade by one in three seconds.
        let algorithm = SlidingCounter::new(20, Duration::from_secs(60));
        let now = 1_706_745_600_000;
        let mut state = windows(60_000, 20, 20, 0, now);
        assert_eq!(algorithm.take(&mut state, 1, now).resets, now + 1);
        let mut state = windows(60_000, 20, 20, 10, now + 30_000);
        assert_eq!(algorithm.take(&mut state, 1, now + 30_000).resets, now + 30_001);
        let mut state = windows(60_000, 20, 0, 20, now + 30_000);
        assert_eq!(algorithm.take(&mut state, 1, now + 30_000).resets, now + 60_001);
    }

    #[test]
    fn an_idle_window_forgets_all_but_half_a_window_only_half() {
        let algorithm = SlidingCounter::new(10, Duration::from_millis(100));
        let mut state = Windows::default();
        let mut pass = |now| (0..20).filter(|_| algorithm.take(&mut state, 1, now).charged.is_some()).count();
        assert_eq!((pass(1000), pass(1150), pass(1200)), (10, 5, 5));
        assert_eq!(pass(1450), 10);
    }

    #[test]
    fn what_is_given_back_is_taken_out_of_its_own_window() {
        let algorithm = SlidingCounter::new(4, Duration::from_millis(100));
        let mut state = windows(100, 4, 0, 3, 1000);
        let stamp = algorithm.take(&mut state, 1, 1000).charged.expect("the last");
        algorithm.give_back(&mut state, stamp, 1000);
        assert_eq!((state.count, state.previous), (3, 0));
        algorithm.enter(&mut state, 1100);
        algorithm.give_back(&mut state, stamp, 1100);
        assert_eq!((state.count, state.previous), (0, 2));
        algorithm.charge_more(&mut state, 7, 1100);
        assert_eq!(state.count, 7);
    }

    proptest! {
        #[test]
        fn never_more_than_the_limit_in_an_aligned_window_and_waiting_is_enough_and_no_longer(
            limit in 1_u32..12,
            window in 1_u64..200,
            steps in proptest::collection::vec((0_u64..150, 0_u32..3), 1..80),
        ) {
            let algorithm = SlidingCounter::new(limit, Duration::from_millis(window));
            let (mut state, mut now) = (Windows::default(), 1_000_000);
            let (mut index, mut passed) = (0, 0);
            for (step, more) in steps {
                now += step;
                let decision = algorithm.take(&mut state, 1, now);
                if now / window != index {
                    (index, passed) = (now / window, 0);
                }
                match decision.charged {
                    Some(_) => {
                        passed += 1;
                        prop_assert!(passed <= limit && decision.remaining < limit);
                        if more == 2 {
                            algorithm.charge_more(&mut state, limit * 3, now);
                        }
                    }
                    None => {
                        prop_assert!(decision.resets > now);
                        let passes = |at| algorithm.take(&mut { state }, 1, at).charged.is_some();
                        prop_assert!(passes(decision.resets), "{now} {}", decision.resets);
                        prop_assert!(!passes(decision.resets - 1), "{now} {}", decision.resets);
                    }
                }
            }
        }
    }
}
