use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use crate::counters::{Charge, Counters as _, FixedWindow, Table};

/// How many names and networks are counted at one time.
const CAPACITY: usize = 20_000;
/// How long a network is known to be a name's own after it came in from there.
const TRUSTED: Duration = Duration::from_secs(24 * 60 * 60);

/// Stops guesses at one name, without letting a stranger lock its owner out.
///
/// A name that has failed too often from one network is refused there; one that has failed too often from all together
/// is refused everywhere but where it came in within a day. Names that nobody has are counted alike.
#[derive(Clone)]
pub(super) struct Lockout {
    from_one: u32,
    from_all: u32,
    window: Duration,
    counts: Arc<Counts>,
}

struct Counts {
    of_one: Table<FixedWindow>,
    of_all: Table<FixedWindow>,
    /// Networks from which a name came in: each holds one.
    trusted: Table<FixedWindow>,
}

impl Default for Lockout {
    fn default() -> Self {
        Self::new(5, 50, Duration::from_secs(15 * 60))
    }
}

impl Lockout {
    pub(super) fn new(from_one: u32, from_all: u32, window: Duration) -> Self {
        let table = |limit, window| Table::new(CAPACITY, FixedWindow::new(limit, window));
        let counts =
            Counts { of_one: table(from_one, window), of_all: table(from_all, window), trusted: table(1, TRUSTED) };
        Self { from_one, from_all, window, counts: Arc::new(counts) }
    }

    pub(super) fn problem(&self) -> Option<String> {
        let is_zero = self.from_one == 0 || self.from_all == 0 || self.window.is_zero();
        is_zero.then(|| "a lockout of zero lets nobody in; give more, for example 5 and 50 in 15 minutes".into())
    }

    /// Asked before a secret is looked at: it counts as a failure until it is known to be none. Nothing while the name
    /// is locked.
    pub(super) fn attempt(&self, name: &str, network: &[u8], now: Duration) -> Option<Attempt> {
        let (pair, counts) = (pair(name, network), &self.counts);
        let one = counts.of_one.take(&pair, 1, now);
        let of_one = one.charge?;
        let all = counts.of_all.take(name.as_bytes(), 1, now);
        let of_all = all.charge;
        if of_all.is_none() && !counts.trusts(&pair, now) {
            counts.of_one.give_back(of_one, now);
            return None;
        }
        let is_last = one.remaining == 0 || of_all.is_some() && all.remaining == 0;
        Some(Attempt { counts: Arc::clone(counts), pair, charges: Some((of_one, of_all)), is_last, now })
    }

    /// Whether an attempt would be refused; nothing is counted.
    pub(super) fn is_locked(&self, name: &str, network: &[u8], now: Duration) -> bool {
        let (pair, counts) = (pair(name, network), &self.counts);
        counts.of_one.look(&pair, 1, now).charge.is_none()
            || counts.of_all.look(name.as_bytes(), 1, now).charge.is_none() && !counts.trusts(&pair, now)
    }
}

/// A name and a network as no other two would be.
fn pair(name: &str, network: &[u8]) -> Vec<u8> {
    [&(name.len() as u64).to_be_bytes(), name.as_bytes(), network].concat()
}

impl Counts {
    /// Whether the name came in from there.
    fn trusts(&self, pair: &[u8], now: Duration) -> bool {
        self.trusted.is_at_limit(pair, now)
    }
}

impl fmt::Display for Lockout {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{} failures of a name from one network, {} in all, in {:?}",
            self.from_one, self.from_all, self.window
        )
    }
}

/// An attempt; it is given back unless it failed, as when the secret could not be looked at.
pub(super) struct Attempt {
    counts: Arc<Counts>,
    pair: Vec<u8>,
    charges: Option<(Charge, Option<Charge>)>,
    /// Whether it is the last one that the name has, there or everywhere.
    is_last: bool,
    now: Duration,
}

impl Attempt {
    /// The secret was wrong; whether the name is locked from now on.
    ///
    /// While others are judged that may have come first, it is the attempt that took the last place which tells.
    pub(super) fn failed(mut self) -> bool {
        self.charges = None;
        self.is_last
    }

    /// The secret was right: the name comes in from there.
    pub(super) fn succeeded(self) {
        self.counts.trusted.restart(&self.pair, 1, self.now);
    }
}

impl Drop for Attempt {
    fn drop(&mut self) {
        let Some((of_one, of_all)) = self.charges.take() else { return };
        self.counts.of_one.give_back(of_one, self.now);
        if let Some(charge) = of_all {
            self.counts.of_all.give_back(charge, self.now);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Duration = Duration::from_secs(1_700_000_000);
    const MINUTE: Duration = Duration::from_secs(60);

    /// How many failures are let through.
    fn failures(lockout: &Lockout, name: &str, network: &[u8], now: Duration) -> usize {
        (0..1000).map_while(|_| lockout.attempt(name, network, now)).map(Attempt::failed).count()
    }

    #[test]
    fn a_name_is_locked_where_it_failed_and_nowhere_else() {
        let lockout = Lockout::new(5, 50, MINUTE);
        assert_eq!(failures(&lockout, "ada", b"1", NOW), 5);
        assert_eq!(failures(&lockout, "ada", b"2", NOW), 5);
        assert_eq!(failures(&lockout, "bob", b"1", NOW), 5);
        assert_eq!(failures(&lockout, "ada", b"1", NOW + MINUTE), 5);
    }

    #[test]
    fn a_name_that_failed_everywhere_still_comes_in_from_its_own_network() {
        let lockout = Lockout::new(5, 50, MINUTE);
        lockout.attempt("ada", b"home", NOW).expect("not locked").succeeded();
        let from_all: usize = (0..20_u8).map(|network| failures(&lockout, "ada", &[network], NOW)).sum();
        assert_eq!(from_all, 50);
        assert_eq!(failures(&lockout, "ada", b"elsewhere", NOW), 0);
        assert!(lockout.is_locked("ada", b"elsewhere", NOW) && !lockout.is_locked("ada", b"home", NOW));
        assert_eq!(failures(&lockout, "ada", b"home", NOW), 5);
        assert!(lockout.is_locked("ada", b"home", NOW) && !lockout.is_locked("ada", b"home", NOW + MINUTE));
        assert_eq!(failures(&lockout, "ada", b"home", NOW + MINUTE), 5);
    }

    #[test]
    fn a_network_is_trusted_for_a_day_after_the_last_time_and_no_longer() {
        const HOUR: Duration = Duration::from_secs(3600);
        let lockout = Lockout::new(5, 1, MINUTE);
        for hours in [0, 23, 46] {
            lockout.attempt("ada", b"home", NOW + HOUR * hours).expect("not locked").succeeded();
        }
        let locked = |now| {
            assert_eq!(failures(&lockout, "ada", b"elsewhere", now), 1);
            lockout.attempt("ada", b"home", now).is_none()
        };
        assert!(!locked(NOW + HOUR * 69));
        assert!(locked(NOW + HOUR * 71));
    }

    #[test]
    fn a_set_that_is_full_of_trust_trusts_nobody_else() {
        let lockout = Lockout::new(5, 1, MINUTE);
        for network in 0..200_000_u32 {
            lockout.attempt("eve", &network.to_be_bytes(), NOW).expect("not locked").succeeded();
        }
        for name in 0..100_u32 {
            let name = format!("user {name}");
            assert_eq!(failures(&lockout, &name, b"1", NOW) + failures(&lockout, &name, b"2", NOW), 1, "{name}");
        }
    }

    #[test]
    fn what_succeeded_or_was_not_judged_does_not_count() {
        let lockout = Lockout::new(2, 2, MINUTE);
        for _ in 0..10 {
            lockout.attempt("ada", b"1", NOW).expect("not locked").succeeded();
            drop(lockout.attempt("ada", b"2", NOW).expect("not locked"));
        }
        assert_eq!(failures(&lockout, "ada", b"1", NOW), 2);
    }

    #[test]
    fn failures_of_a_name_at_one_time_are_not_more_than_those_one_by_one() {
        let lockout = Lockout::new(3, 50, MINUTE);
        let open: Vec<_> = (0..10).map_while(|_| lockout.attempt("ada", b"1", NOW)).collect();
        assert_eq!(open.len(), 3);
    }

    #[test]
    fn a_name_and_a_network_do_not_run_into_one_another() {
        let lockout = Lockout::new(1, 50, MINUTE);
        assert_eq!(failures(&lockout, "ab", b"c", NOW), 1);
        assert_eq!(failures(&lockout, "a", b"bc", NOW), 1);
    }
}
