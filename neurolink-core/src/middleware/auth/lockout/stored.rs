use std::time::Duration;

use super::local::TRUSTED;
use super::rule::{Counting, Numbers, Seen};
use super::whose::Whose;
use crate::counters::prefixed;
use crate::middleware::limit_store::{Algorithm, Change, Charge, LimitKey, Quota, Settlement, StoreHandle};

/// How many failures an address may have, in how long.
type Failures = Option<(u32, Duration)>;

/// What is counted in a store, in a part of it that no limit counts in: the kind of each identity is no limit's.
///
/// Of a network from which a name came in there is the last time, for a day.
#[derive(Clone)]
pub(super) struct Stored {
    pub(super) handle: StoreHandle,
}

/// What the store says of an attempt.
pub(super) enum Answer {
    Passes(Reserved),
    /// The name is locked, and this is to be given back.
    Locked(Reserved),
    /// The address has to wait for so long, and this is to be given back.
    Wait(Duration, Reserved),
}

/// What an attempt took in the store.
pub(super) struct Reserved {
    pub(super) handle: StoreHandle,
    pub(super) taken: Vec<(LimitKey, Charge)>,
    /// Whether nothing is left of the name, there or everywhere.
    pub(super) is_last: bool,
}

impl Stored {
    /// What of it the store cannot count.
    pub(super) fn problems(&self, numbers: Numbers, failures: Failures) -> Vec<String> {
        let nobody = Whose::new("", crate::counters::Counted::new());
        let names = [pair(&nobody, numbers), name(&nobody, numbers), trust(&nobody)].map(|key| *key.quota());
        let addresses = failures.map(|(limit, window)| Quota::new(limit, window, Algorithm::FixedWindow));
        names.iter().chain(&addresses).flat_map(|quota| self.handle.problems(quota)).collect()
    }

    /// What is known of a name there; `None` if there is no answer in time.
    pub(super) async fn look(&self, whose: &Whose, numbers: Numbers, now: Duration) -> Option<Seen> {
        let keys = [pair(whose, numbers), name(whose, numbers), trust(whose)];
        let seen = self.handle.look(&keys, now).await?;
        let is_used_up = |index: usize| seen.get(index).is_some_and(|seen| seen.charge.is_none());
        let is_trusted = is_used_up(2);
        let is_locked = is_used_up(0) || is_used_up(1) && !is_trusted;
        Some(Seen { is_locked, is_trusted, by: Counting::InStore })
    }

    /// Takes one of all that an attempt counts for, in one call; of a name that is locked, only of its addresses. `None`
    /// if there is no answer in time.
    pub(super) async fn take(
        &self,
        whose: &Whose,
        seen: Seen,
        numbers: Numbers,
        failures: Failures,
        now: Duration,
    ) -> Option<Answer> {
        let mut keys: Vec<LimitKey> = failures.iter().flat_map(|failures| addresses(whose, *failures)).collect();
        let of_addresses = keys.len();
        if !seen.is_locked {
            keys.extend([pair(whose, numbers), name(whose, numbers)]);
        }
        let answers = match keys.is_empty() {
            true => Vec::new(),
            false => self.handle.take(&keys, now).await?,
        };
        let refused = |index: usize| answers.get(index).is_none_or(|answer| answer.charge.is_none());
        let left = |index: usize| answers.get(index).map_or(0, |answer| answer.remaining);
        let (one, all) = (of_addresses, of_addresses + 1);
        let is_locked = seen.is_locked || refused(one) || refused(all) && !seen.is_trusted;
        let is_last = left(one) == 0 || !refused(all) && left(all) == 0;
        let wait =
            answers[..of_addresses].iter().filter(|answer| answer.charge.is_none()).map(|answer| answer.wait).max();
        let charges = keys.into_iter().zip(&answers).map(|(key, answer)| answer.charge.map(|charge| (key, charge)));
        // Who asks for a locked name has failed, as far as the address is concerned.
        let keeps_addresses = is_locked && wait.is_none();
        let taken = charges.skip(if keeps_addresses { of_addresses } else { 0 }).flatten().collect();
        let reserved = Reserved { handle: self.handle.clone(), taken, is_last };
        Some(match wait {
            Some(wait) => Answer::Wait(wait, reserved),
            None if is_locked => Answer::Locked(reserved),
            None => Answer::Passes(reserved),
        })
    }
}

impl Reserved {
    /// Gives all of it back.
    pub(super) fn given_back(self) -> Vec<(StoreHandle, Settlement)> {
        let Self { handle, taken, .. } = self;
        let back = |(key, charge)| (handle.clone(), Settlement::new(key, charge, Change::GiveBack));
        taken.into_iter().map(back).collect()
    }

    /// Gives all of it back, and the name comes in from there.
    pub(super) fn succeeded(self, whose: &Whose) -> Vec<(StoreHandle, Settlement)> {
        let came_in = Settlement::new(trust(whose), Charge::new(0, 0), Change::ChargeMore(1));
        let came_in = (self.handle.clone(), came_in);
        self.given_back().into_iter().chain([came_in]).collect()
    }
}

fn pair(whose: &Whose, numbers: Numbers) -> LimitKey {
    let quota = Quota::new(numbers.from_one, numbers.window, Algorithm::FixedWindow);
    LimitKey::new("lockout:pair", &prefixed(b'p', &whose.pair), 1, quota)
}

fn name(whose: &Whose, numbers: Numbers) -> LimitKey {
    let quota = Quota::new(numbers.from_all, numbers.window, Algorithm::FixedWindow);
    LimitKey::new("lockout:name", &prefixed(b'n', whose.name.as_bytes()), 1, quota)
}

/// Used up while the name came in from there within a day.
fn trust(whose: &Whose) -> LimitKey {
    let quota = Quota::new(1, TRUSTED, Algorithm::SlidingLog);
    LimitKey::new("lockout:trust", &prefixed(b'p', &whose.pair), 1, quota)
}

fn addresses(whose: &Whose, (limit, window): (u32, Duration)) -> impl Iterator<Item = LimitKey> {
    let quota = Quota::new(limit, window, Algorithm::FixedWindow);
    let key = move |(identity, share): &(_, u32)| {
        let identity: &smallvec::SmallVec<[u8; 24]> = identity;
        LimitKey::new("lockout:address", &prefixed(b'a', identity), *share, quota)
    };
    whose.addresses.iter().map(key)
}
