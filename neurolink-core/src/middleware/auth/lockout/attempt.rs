use std::sync::Arc;
use std::time::Duration;

use super::local::Charges;
use super::rule::Lockout;
use super::stored::Reserved;
use super::whose::Whose;
use crate::middleware::Settling;
use crate::security::Reporter;

/// An attempt; it is given back unless it failed, as when the secret could not be looked at.
pub(in super::super) struct Attempt {
    lockout: Lockout,
    whose: Whose,
    taken: Taken,
    settling: Arc<Settling>,
    now: Duration,
}

/// What an attempt took.
pub(super) enum Taken {
    Nothing,
    Here(Charges),
    InStore(Reserved),
}

impl Attempt {
    pub(super) fn new(lockout: &Lockout, whose: Whose, taken: Taken, reporter: &Reporter, now: Duration) -> Self {
        Self { lockout: lockout.clone(), whose, taken, settling: Arc::clone(reporter.settling()), now }
    }

    /// The secret was wrong; whether the name is locked from now on.
    ///
    /// While others are judged that may have come first, it is the attempt that took the last place which tells.
    pub(in super::super) fn failed(mut self) -> bool {
        match std::mem::replace(&mut self.taken, Taken::Nothing) {
            Taken::Nothing => false,
            Taken::Here(charges) => charges.is_last,
            Taken::InStore(reserved) => reserved.is_last,
        }
    }

    /// The secret was right: the name comes in from there. A store is being told when this returns, and knows it at the
    /// end of what is given.
    pub(in super::super) fn succeeded(mut self) -> impl Future<Output = ()> + Send + use<> {
        // Also of one in a store: this is what is known while that does not answer.
        self.lockout.here.trust(&self.whose, self.now);
        let settlements = match std::mem::replace(&mut self.taken, Taken::Nothing) {
            Taken::Nothing => Vec::new(),
            Taken::Here(charges) => {
                self.lockout.here.give_back(&charges, self.now);
                Vec::new()
            }
            Taken::InStore(reserved) => reserved.succeeded(&self.whose),
        };
        self.settling.tell(settlements, self.now)
    }
}

impl Drop for Attempt {
    fn drop(&mut self) {
        match std::mem::replace(&mut self.taken, Taken::Nothing) {
            Taken::Nothing => {}
            Taken::Here(charges) => self.lockout.here.give_back(&charges, self.now),
            Taken::InStore(reserved) => drop(self.settling.tell(reserved.given_back(), self.now)),
        }
    }
}
