use std::time::Duration;

use super::table::Algorithm;
use super::{Decision, LATE, Stamp, millis};

/// The generic cell rate algorithm of ITU-T I.371, in its form as a leaky bucket.
///
/// A bucket drains at the rate and holds `capacity` requests: one more passes if it fits, and a refused one is not
/// poured in. So at most `capacity + time * rate` pass in any time. nginx's `limit_req` says the same with
/// `excess = max(excess - rate * elapsed + 1, 0)` and `excess <= burst`, where `capacity` is `burst + 1`.
pub(crate) struct Gcra {
    /// Requests that drain in a window.
    limit: u32,
    window: u64,
    /// Nothing if as many fit at once as the limit says.
    capacity: Option<u32>,
}

/// What is in the bucket of a key.
///
/// A request weighs as many units as the window has milliseconds, and in a millisecond as many drain as requests may
/// pass in a window: so nothing is ever rounded.
#[derive(Clone, Copy, Default)]
pub(crate) struct Bucket {
    units: u64,
    /// When it was looked at last.
    at: u64,
    share: u32,
    /// The key's own, or that of all.
    limit: u32,
}

impl Gcra {
    /// `limit` requests drain in `window`, and `capacity` fit at once.
    pub(crate) fn new(limit: u32, window: Duration, capacity: u32) -> Self {
        Self { capacity: Some(capacity), ..Self::whole(limit, window) }
    }

    /// `limit` requests drain in `window`, and as many fit at once.
    pub(crate) fn whole(limit: u32, window: Duration) -> Self {
        Self { limit: limit.max(1), window: millis(window).max(1), capacity: None }
    }

    /// Whether the units of a full bucket can be counted, even for sixteen times the limit.
    pub(crate) fn can_count(&self) -> bool {
        let capacity = self.capacity.unwrap_or(self.limit);
        self.window.checked_mul(capacity.into()).and_then(|units| units.checked_mul(16)).is_some()
    }

    /// Units that drain in a millisecond.
    fn rate(&self, state: &Bucket) -> u64 {
        self.limit_of(state).saturating_mul(state.share.max(1)).into()
    }

    /// Units of a full bucket.
    fn full(&self, state: &Bucket) -> u64 {
        let capacity = self.capacity.unwrap_or_else(|| self.limit_of(state));
        u64::from(capacity.saturating_mul(state.share.max(1))).saturating_mul(self.window)
    }

    fn limit_of(&self, state: &Bucket) -> u32 {
        if state.limit == 0 { self.limit } else { state.limit }
    }

    /// Lets drain what has drained until `now`.
    fn drain(&self, state: &mut Bucket, now: u64) {
        if state.at > now.saturating_add(LATE) {
            *state = Bucket { share: state.share, limit: state.limit, ..Bucket::default() }; // the clock has gone back
        }
        let elapsed = now.saturating_sub(state.at);
        state.units = state.units.saturating_sub(elapsed.saturating_mul(self.rate(state)));
        state.at = state.at.max(now);
    }
}

impl Algorithm for Gcra {
    type State = Bucket;

    fn take(&self, state: &mut Bucket, share: u32, now: u64) -> Decision {
        (state.share, state.limit) = (share, self.limit);
        self.drain(state, now);
        let (rate, full) = (self.rate(state), self.full(state));
        let with_this = state.units.saturating_add(self.window);
        if with_this > full {
            let resets = state.at.saturating_add((with_this - full).div_ceil(rate));
            return Decision { charged: None, remaining: 0, resets };
        }
        state.units = with_this;
        let (whole, part) = (with_this / rate, with_this % rate);
        let empty = state.at.saturating_add(whole);
        Decision {
            // When it has drained: the rest of a division by a `u32` fits.
            charged: Some(Stamp { at: empty, part: u32::try_from(part).unwrap_or(0) }),
            remaining: u32::try_from((full - with_this) / self.window).unwrap_or(u32::MAX),
            resets: empty + u64::from(part > 0),
        }
    }

    fn with_limit(&self, limit: u32) -> Self {
        Self { limit: limit.max(1), ..*self }
    }

    /// What has drained is not given back: another's request may have passed for it.
    fn give_back(&self, state: &mut Bucket, stamp: Stamp, now: u64) {
        self.drain(state, now);
        let Some(left) = stamp.at.checked_sub(state.at) else { return };
        let undrained = left.saturating_mul(self.rate(state)).saturating_add(stamp.part.into());
        state.units = state.units.saturating_sub(undrained.min(self.window));
    }

    fn charge_more(&self, state: &mut Bucket, more: u32, now: u64) {
        self.drain(state, now);
        state.units = state.units.saturating_add(u64::from(more).saturating_mul(self.window));
    }

    fn is_over(&self, state: &Bucket, now: u64) -> bool {
        let mut state = *state;
        self.drain(&mut state, now);
        state.units == 0
    }

    fn weight(&self, state: &Bucket, now: u64) -> Option<u64> {
        let mut state = *state;
        self.drain(&mut state, now);
        let passes = state.units.saturating_add(self.window) <= self.full(&state);
        // By requests, so that a larger share does not weigh less.
        passes.then_some(state.units / self.window)
    }
}

#[cfg(test)]
mod tests {
    use governor::clock::FakeRelativeClock;
    use governor::{Quota, RateLimiter};
    use proptest::prelude::*;

    use super::*;

    const START: u64 = 1_700_000_000_000;

    /// As `limit_req rate=limit/window burst=burst nodelay`.
    fn nginx(limit: u32, seconds: u64, burst: u32) -> Gcra {
        Gcra::new(limit, Duration::from_secs(seconds), burst + 1)
    }

    fn passing(algorithm: &Gcra, state: &mut Bucket, now: u64) -> usize {
        (0..1000).take_while(|_| algorithm.take(state, 1, now).charged.is_some()).count()
    }

    // Shows S1-57, S1-58, S1-60, S3-44.
    #[test]
    fn nginx_s_vectors_hold() {
        let mut state = Bucket::default();
        let ten_a_second = nginx(10, 1, 20);
        assert_eq!(passing(&ten_a_second, &mut state, START), 21);
        assert_eq!(passing(&ten_a_second, &mut state, START + 1000), 10);
        let mut state = Bucket::default();
        let one_a_second = nginx(1, 1, 5);
        assert_eq!(passing(&one_a_second, &mut state, START), 6);
        for second in 1..4 {
            assert_eq!(passing(&one_a_second, &mut state, START + second * 1000 - 1), 0);
            assert_eq!(passing(&one_a_second, &mut state, START + second * 1000), 1);
        }
        let mut state = Bucket::default();
        assert_eq!(passing(&nginx(100, 60, 20), &mut state, START), 21);
        let mut state = Bucket::default();
        let plain = nginx(10, 1, 0);
        assert_eq!((passing(&plain, &mut state, START), passing(&plain, &mut state, START + 99)), (1, 0));
        assert_eq!(passing(&plain, &mut state, START + 100), 1);
    }

    #[test]
    fn it_tells_what_is_left_and_when_all_is_back() {
        let algorithm = Gcra::new(4, Duration::from_secs(1), 4);
        let mut state = Bucket::default();
        for (left, resets) in [(3, 250), (2, 500), (1, 750), (0, 1000)] {
            let decision = algorithm.take(&mut state, 1, START);
            assert_eq!((decision.remaining, decision.resets), (left, START + resets));
        }
        let refused = algorithm.take(&mut state, 1, START + 1);
        assert_eq!((refused.charged, refused.resets), (None, START + 250));
    }

    #[test]
    fn a_rate_that_no_millisecond_divides_loses_nothing() {
        let algorithm = Gcra::new(7, Duration::from_secs(1), 7);
        let mut state = Bucket::default();
        assert_eq!(passing(&algorithm, &mut state, START), 7);
        let in_a_day = (1..=86_400_000 / 250).map(|step| passing(&algorithm, &mut state, START + step * 250));
        assert_eq!(in_a_day.sum::<usize>(), 7 * 86_400);
    }

    #[test]
    fn what_more_costs_has_to_drain_before_another_passes() {
        let algorithm = nginx(10, 1, 0);
        let mut state = Bucket::default();
        algorithm.take(&mut state, 1, START);
        algorithm.charge_more(&mut state, 49, START + 50);
        assert_eq!(algorithm.take(&mut state, 1, START + 100).resets, START + 5000);
        assert_eq!(passing(&algorithm, &mut state, START + 5000), 1);
    }

    #[test]
    fn a_clock_that_goes_back_does_not_lock_anybody_out() {
        let algorithm = nginx(1, 3600, 0);
        let mut state = Bucket::default();
        assert_eq!(passing(&algorithm, &mut state, START), 1);
        assert_eq!(passing(&algorithm, &mut state, START - 1000), 0, "it asks late");
        assert_eq!(passing(&algorithm, &mut state, START - 3_600_000), 1);
    }

    #[test]
    fn limits_that_cannot_be_counted_are_known() {
        assert!(Gcra::new(1, Duration::from_secs(86_400), 1_000_000).can_count());
        assert!(!Gcra::new(1, Duration::from_secs(86_400 * 3650), u32::MAX).can_count());
    }

    /// nginx's formula, in units of a request times `window`, with an exact rate.
    fn nginx_formula(excess: &mut Option<(i128, u64)>, limit: u32, window: u64, burst: u32, now: u64) -> bool {
        let one = i128::from(window);
        let new = match *excess {
            None => 0,
            Some((excess, last)) => (excess - i128::from(limit) * i128::from(now - last) + one).max(0),
        };
        let passes = new <= i128::from(burst) * one;
        if passes {
            *excess = Some((new, now));
        }
        passes
    }

    /// The virtual scheduling form of I.371: one passes if it comes no earlier than `tat - tolerance`.
    fn virtual_scheduling(tat: &mut i128, limit: u32, window: u64, capacity: u32, now: u64) -> bool {
        let (now, increment) = (i128::from(now) * i128::from(limit), i128::from(window));
        let passes = now >= *tat - i128::from(capacity - 1) * increment;
        if passes {
            *tat = now.max(*tat) + increment;
        }
        passes
    }

    proptest! {
        #[test]
        fn it_is_nginx_s_formula_and_virtual_scheduling(
            (limit, window, burst) in (1_u32..50, 1_u64..5000, 0_u32..10),
            steps in proptest::collection::vec(0_u64..400, 1..200),
        ) {
            let algorithm = Gcra::new(limit, Duration::from_millis(window), burst + 1);
            let (mut state, mut excess, mut tat, mut now) = (Bucket::default(), None, 0, START);
            for step in steps {
                now += step;
                let passes = algorithm.take(&mut state, 1, now).charged.is_some();
                prop_assert_eq!(passes, nginx_formula(&mut excess, limit, window, burst, now));
                prop_assert_eq!(passes, virtual_scheduling(&mut tat, limit, window, burst + 1, now));
            }
        }

        /// Governor counts in nanoseconds, of which one is a whole number here.
        #[test]
        fn it_lets_through_what_governor_does(
            (limit, period, capacity) in (1_u32..50, 1_u64..200, 1_u32..10),
            steps in proptest::collection::vec(0_u64..400, 1..200),
        ) {
            let algorithm = Gcra::new(limit, Duration::from_millis(period * u64::from(limit)), capacity);
            let clock = FakeRelativeClock::default();
            let quota = Quota::with_period(Duration::from_millis(period)).expect("a time");
            let governor = RateLimiter::direct_with_clock(quota.allow_burst(capacity.try_into()?), clock.clone());
            let (mut state, mut now) = (Bucket::default(), START);
            for step in steps {
                now += step;
                clock.advance(Duration::from_millis(step));
                let passes = algorithm.take(&mut state, 1, now).charged.is_some();
                prop_assert_eq!(passes, governor.check().is_ok());
            }
        }

        #[test]
        fn never_more_than_the_bucket_and_what_drains_and_waiting_is_enough_and_no_longer(
            (limit, window, capacity) in (1_u32..50, 1_u64..5000, 1_u32..10),
            steps in proptest::collection::vec(0_u64..400, 1..100),
        ) {
            let algorithm = Gcra::new(limit, Duration::from_millis(window), capacity);
            let (mut state, mut now, mut passed) = (Bucket::default(), START, Vec::new());
            for step in steps {
                now += step;
                let decision = algorithm.take(&mut state, 1, now);
                if decision.charged.is_none() {
                    let passes = |at| algorithm.take(&mut { state }, 1, at).charged.is_some();
                    prop_assert!(passes(decision.resets) && !passes(decision.resets - 1));
                    continue;
                }
                passed.push(now);
                let mut again = state;
                let more = (0..20).take_while(|_| algorithm.take(&mut again, 1, now).charged.is_some()).count();
                prop_assert_eq!(more, decision.remaining as usize);
                for (index, since) in passed.iter().enumerate() {
                    let most = u64::from(capacity) + (now - since) * u64::from(limit) / window;
                    prop_assert!((passed.len() - index) as u64 <= most);
                }
            }
        }

        #[test]
        fn who_gets_back_what_a_request_took_never_has_more_than_without_it(
            (limit, window, capacity) in (1_u32..50, 1_u64..5000, 1_u32..10),
            before in proptest::collection::vec(0_u64..300, 0..20),
            after in proptest::collection::vec(0_u64..300, 0..20),
        ) {
            let algorithm = Gcra::new(limit, Duration::from_millis(window), capacity);
            let (mut with, mut now) = (Bucket::default(), START);
            for step in before {
                now += step;
                algorithm.take(&mut with, 1, now);
            }
            let mut without = with;
            let charged = algorithm.take(&mut with, 1, now).charged;
            for step in &after {
                now += step;
                // Whoever passes beside it passes without it, too.
                if algorithm.take(&mut with, 1, now).charged.is_some() {
                    prop_assert!(algorithm.take(&mut without, 1, now).charged.is_some());
                }
            }
            if let Some(stamp) = charged {
                algorithm.give_back(&mut with, stamp, now);
                algorithm.drain(&mut without, now);
                prop_assert!(with.units >= without.units);
                prop_assert!(!after.is_empty() || with.units == without.units);
            }
        }
    }
}
