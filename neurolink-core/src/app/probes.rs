//! How often an address may ask how the server is: probes are open to all and are answered when all else is shed.

use std::time::Duration;

use super::Context;
use crate::counters::{Counters as _, FixedWindow, Table, address_keys};
use crate::{Code, Error};

const WINDOW: Duration = Duration::from_secs(1);
/// How many addresses are counted at one time.
const CAPACITY: usize = 20_000;

/// Counts the probes of each address.
pub(crate) struct Probes {
    rate: u32,
    counters: Table<FixedWindow>,
}

impl Probes {
    /// So many in a second; any number if it is 0.
    pub(super) fn new(rate: u32) -> Self {
        Self { rate, counters: Table::new(CAPACITY, FixedWindow::new(rate, WINDOW)) }
    }

    /// Why a probe is not answered; one of an address that nobody knows always is.
    pub(super) fn refusal(&self, ctx: &Context) -> Option<Error> {
        let address = ctx.client_address().filter(|_| self.rate > 0)?;
        for (key, share) in address_keys(address) {
            let taken = self.counters.take(&key, share, ctx.now());
            if taken.charge.is_none() {
                let wait = taken.resets.saturating_sub(ctx.now());
                return Some(Error::new(Code::RateLimitExceeded).with_retry_after(wait));
            }
        }
        None
    }
}
