//! How often probes may be asked: they are exempt from other limits, so they have one of their own.

use std::time::Duration;

use crate::middleware::limit::{Counters, address_keys};
use crate::stack::order;
use crate::{Code, Context, Error, Hook, Response};

/// Requests that an address may send to all probes together in a second.
const MOST: u32 = 50;
const WINDOW: Duration = Duration::from_secs(1);
/// How many addresses are counted at one time.
const CAPACITY: usize = 10_000;

/// Stands in front of every health probe.
pub(crate) struct ProbeLimit(Counters);

impl Default for ProbeLimit {
    fn default() -> Self {
        Self(Counters::new(CAPACITY))
    }
}

impl ProbeLimit {
    fn allows(&self, ctx: &Context) -> bool {
        // A host that does not say who is calling must not look ill for it: there a probe is not counted.
        let Some(keys) = ctx.client_address().and_then(|address| address_keys(address).ok()) else { return true };
        keys.iter().all(|(key, share)| self.0.take(key, MOST.saturating_mul(*share), WINDOW, ctx.now()).allowed)
    }
}

impl Hook for ProbeLimit {
    fn name(&self) -> &str {
        "probe-limit"
    }

    fn order(&self) -> i16 {
        order::LIMITS
    }

    fn summary(&self) -> String {
        format!("{MOST} in {WINDOW:?} by address")
    }

    fn before(&self, ctx: &mut Context) -> Option<Response> {
        let refused = !self.allows(ctx);
        refused.then(|| ctx.fail(Error::new(Code::RateLimitExceeded).with_retry_after(WINDOW)))
    }
}
