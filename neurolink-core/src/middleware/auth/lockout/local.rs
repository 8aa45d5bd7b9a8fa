use std::time::Duration;

use super::rule::Numbers;
use super::whose::Whose;
use crate::counters::{Charge, Counters as _, FixedWindow, Table};

/// How many names and networks are counted at one time.
const CAPACITY: usize = 20_000;
/// How long a network is known to be a name's own after it came in from there.
pub(super) const TRUSTED: Duration = Duration::from_secs(24 * 60 * 60);

/// What is counted in this process.
pub(super) struct Local {
    of_one: Table<FixedWindow>,
    of_all: Table<FixedWindow>,
    /// Networks from which a name came in: each holds one.
    trusted: Table<FixedWindow>,
}

/// What an attempt took: of its name there, and of its name everywhere unless that is used up.
pub(super) struct Charges {
    of_one: Charge,
    of_all: Option<Charge>,
    /// Whether nothing is left, there or everywhere.
    pub(super) is_last: bool,
}

impl Local {
    pub(super) fn new(numbers: Numbers) -> Self {
        let table = |limit, window| Table::new(CAPACITY, FixedWindow::new(limit, window));
        let Numbers { from_one, from_all, window } = numbers;
        Self { of_one: table(from_one, window), of_all: table(from_all, window), trusted: table(1, TRUSTED) }
    }

    /// Takes one of each, if the name is not locked.
    pub(super) fn take(&self, whose: &Whose, now: Duration) -> Option<Charges> {
        let one = self.of_one.take(&whose.pair, 1, now);
        let of_one = one.charge?;
        let all = self.of_all.take(whose.name.as_bytes(), 1, now);
        let of_all = all.charge;
        if of_all.is_none() && !self.trusts(whose, now) {
            self.of_one.give_back(of_one, now);
            return None;
        }
        let is_last = one.remaining == 0 || of_all.is_some() && all.remaining == 0;
        Some(Charges { of_one, of_all, is_last })
    }

    pub(super) fn give_back(&self, charges: &Charges, now: Duration) {
        self.of_one.give_back(charges.of_one, now);
        if let Some(charge) = charges.of_all {
            self.of_all.give_back(charge, now);
        }
    }

    /// Whether an attempt would be refused; nothing is counted.
    pub(super) fn is_locked(&self, whose: &Whose, now: Duration) -> bool {
        self.of_one.look(&whose.pair, 1, now).charge.is_none()
            || self.of_all.look(whose.name.as_bytes(), 1, now).charge.is_none() && !self.trusts(whose, now)
    }

    /// Whether the name came in from there.
    pub(super) fn trusts(&self, whose: &Whose, now: Duration) -> bool {
        self.trusted.is_at_limit(&whose.pair, now)
    }

    /// The name comes in from there.
    pub(super) fn trust(&self, whose: &Whose, now: Duration) {
        self.trusted.restart(&whose.pair, 1, now);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Duration = Duration::from_secs(1_700_000_000);
    const MINUTE: Duration = Duration::from_secs(60);

    fn lockout(from_one: u32, from_all: u32) -> Local {
        Local::new(Numbers { from_one, from_all, window: MINUTE })
    }

    fn whose(name: &str, network: &[u8]) -> Whose {
        Whose::new(name, [(network.into(), 1)].into_iter().collect())
    }

    /// How many failures are let through.
    fn failures(lockout: &Local, name: &str, network: &[u8], now: Duration) -> usize {
        (0..1000).map_while(|_| lockout.take(&whose(name, network), now)).count()
    }

    fn succeed(lockout: &Local, name: &str, network: &[u8], now: Duration) {
        let whose = whose(name, network);
        let charges = lockout.take(&whose, now).expect("not locked");
        lockout.trust(&whose, now);
        lockout.give_back(&charges, now);
    }

    #[test]
    fn a_name_is_locked_where_it_failed_and_nowhere_else() {
        let lockout = lockout(5, 50);
        assert_eq!(failures(&lockout, "ada", b"1", NOW), 5);
        assert_eq!(failures(&lockout, "ada", b"2", NOW), 5);
        assert_eq!(failures(&lockout, "bob", b"1", NOW), 5);
        assert_eq!(failures(&lockout, "ada", b"1", NOW + MINUTE), 5);
    }

    #[test]
    fn a_name_that_failed_everywhere_still_comes_in_from_its_own_network() {
        let lockout = lockout(5, 50);
        succeed(&lockout, "ada", b"home", NOW);
        let from_all: usize = (0..20_u8).map(|network| failures(&lockout, "ada", &[network], NOW)).sum();
        assert_eq!(from_all, 50);
        assert_eq!(failures(&lockout, "ada", b"elsewhere", NOW), 0);
        assert!(lockout.is_locked(&whose("ada", b"elsewhere"), NOW) && !lockout.is_locked(&whose("ada", b"home"), NOW));
        assert_eq!(failures(&lockout, "ada", b"home", NOW), 5);
        assert!(
            lockout.is_locked(&whose("ada", b"home"), NOW) && !lockout.is_locked(&whose("ada", b"home"), NOW + MINUTE)
        );
        assert_eq!(failures(&lockout, "ada", b"home", NOW + MINUTE), 5);
    }

    #[test]
    fn a_network_is_trusted_for_a_day_after_the_last_time_and_no_longer() {
        const HOUR: Duration = Duration::from_secs(3600);
        let lockout = lockout(5, 1);
        for hours in [0, 23, 46] {
            succeed(&lockout, "ada", b"home", NOW + HOUR * hours);
        }
        let locked = |now| {
            assert_eq!(failures(&lockout, "ada", b"elsewhere", now), 1);
            lockout.take(&whose("ada", b"home"), now).is_none()
        };
        assert!(!locked(NOW + HOUR * 69));
        assert!(locked(NOW + HOUR * 71));
    }

    #[test]
    fn a_set_that_is_full_of_trust_trusts_nobody_else() {
        let lockout = lockout(5, 1);
        for network in 0..200_000_u32 {
            succeed(&lockout, "eve", &network.to_be_bytes(), NOW);
        }
        for name in 0..100_u32 {
            let name = format!("user {name}");
            assert_eq!(failures(&lockout, &name, b"1", NOW) + failures(&lockout, &name, b"2", NOW), 1, "{name}");
        }
    }

    #[test]
    fn what_succeeded_or_was_not_judged_does_not_count() {
        let lockout = lockout(2, 2);
        for _ in 0..10 {
            succeed(&lockout, "ada", b"1", NOW);
            let charges = lockout.take(&whose("ada", b"2"), NOW).expect("not locked");
            lockout.give_back(&charges, NOW);
        }
        assert_eq!(failures(&lockout, "ada", b"1", NOW), 2);
    }

    #[test]
    fn failures_of_a_name_at_one_time_are_not_more_than_those_one_by_one() {
        let lockout = lockout(3, 50);
        let open: Vec<_> = (0..10).map_while(|_| lockout.take(&whose("ada", b"1"), NOW)).collect();
        assert_eq!(open.len(), 3);
    }

    #[test]
    fn a_name_and_a_network_do_not_run_into_one_another() {
        let lockout = lockout(1, 50);
        assert_eq!(failures(&lockout, "ab", b"c", NOW), 1);
        assert_eq!(failures(&lockout, "a", b"bc", NOW), 1);
    }
}
