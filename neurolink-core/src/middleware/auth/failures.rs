use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use http::{HeaderValue, header};
use smallvec::SmallVec;

use crate::counters::{Charge, Counted, Counters as _, FailureWindow, Table, address_keys};
use crate::facts::NoAddress;
use crate::security::{AuthenticationFailure, Refusal, SecurityEventKind};
use crate::{Code, Context, Error};

/// How many failures a client address may have, in how long.
#[derive(Clone)]
pub(super) struct FailureLimit {
    most: Option<(u32, Duration)>,
    counts: Arc<Table<FailureWindow>>,
}

/// How many addresses are counted at one time.
const CAPACITY: usize = 20_000;

impl Default for FailureLimit {
    fn default() -> Self {
        Self::of(Some((30, Duration::from_secs(60))))
    }
}

impl FailureLimit {
    fn of(most: Option<(u32, Duration)>) -> Self {
        let (failures, window) = most.unwrap_or_default();
        Self { most, counts: Arc::new(Table::new(CAPACITY, FailureWindow::new(failures, window))) }
    }

    pub(super) fn set(&mut self, most: Option<(u32, Duration)>) {
        *self = Self::of(most);
    }

    /// How many, in how long; nothing for any number.
    #[cfg(feature = "basic")]
    pub(super) const fn most(&self) -> Option<(u32, Duration)> {
        self.most
    }

    pub(super) fn problem(&self) -> Option<String> {
        self.most
            .is_some_and(|(failures, window)| failures == 0 || window.is_zero())
            .then(|| "a failure limit of zero refuses everybody; give more, or turn it off by name".into())
    }

    /// Asked before a credential is looked at: it counts as a failure until it is known to be none.
    ///
    /// So guesses that come at one time are not more than those that come one by one.
    pub(super) fn attempt(&self, ctx: &Context) -> Result<Attempt, Error> {
        self.attempt_from(ctx.client_address(), ctx.now_or_later(), |event| ctx.report(event))
    }

    /// The same for a client of this address, whose refusal is told of otherwise.
    pub(super) fn attempt_from(
        &self,
        address: Option<IpAddr>,
        now: Duration,
        report: impl FnOnce(SecurityEventKind<'_>),
    ) -> Result<Attempt, Error> {
        let counts = Arc::clone(&self.counts);
        let mut attempt = Attempt { counts, keys: Counted::new(), charges: SmallVec::new(), now };
        if self.most.is_none() {
            return Ok(attempt);
        }
        let address = address.ok_or_else(|| Error::internal(NoAddress))?;
        attempt.keys = address_keys(address);
        for (key, share) in &attempt.keys {
            let taken = self.counts.take(key, *share, now);
            match taken.charge {
                Some(charge) => attempt.charges.push(charge),
                None => return Err(too_many(report, taken.resets.saturating_sub(now))),
            }
        }
        Ok(attempt)
    }

    /// The same for a credential that is known to be none: nothing is counted, and who failed too often still waits.
    ///
    /// Attempts of others behind the same address, which nobody has judged yet, are not in its way.
    pub(super) fn ask(&self, ctx: &Context) -> Result<(), Error> {
        if self.most.is_none() {
            return Ok(());
        }
        let address = ctx.client_address().ok_or_else(|| Error::internal(NoAddress))?;
        let now = ctx.now_or_later();
        for (key, share) in &address_keys(address) {
            let left = self.counts.ask(key, *share, now);
            if left.charge.is_none() {
                return Err(too_many(|event| ctx.report(event), left.resets.saturating_sub(now)));
            }
        }
        Ok(())
    }

    /// The refusal of a credential that did not count while it was judged, if `attempt` is nothing.
    #[cfg(any(feature = "api-key", feature = "bearer"))]
    pub(super) fn refused(
        &self,
        attempt: Option<Attempt>,
        ctx: &Context,
        error: Error,
        reason: &str,
        challenge: HeaderValue,
    ) -> Error {
        if error.status() != http::StatusCode::UNAUTHORIZED {
            return error; // the credential was not judged
        }
        match attempt.map_or_else(|| self.attempt(ctx), Ok) {
            Ok(attempt) => attempt.refused(ctx, error, reason, challenge),
            Err(too_many) => too_many,
        }
    }

    /// A few words for the plan.
    pub(super) fn summary(&self) -> String {
        match self.most {
            Some((failures, window)) => format!("{failures} failures in {window:?} by address"),
            None => "any number of failures".into(),
        }
    }
}

pub(super) fn too_many(report: impl FnOnce(SecurityEventKind<'_>), wait: Duration) -> Error {
    let detail = "too many failures from this address".into();
    report(SecurityEventKind::AuthenticationFailed { reason: AuthenticationFailure::Throttled, detail });
    Error::new(Code::RateLimitExceeded)
        .with_message("Too many failed attempts, please try again later")
        .with_retry_after(wait)
}

/// An attempt to authenticate; it is given back unless it failed.
pub(super) struct Attempt {
    counts: Arc<Table<FailureWindow>>,
    keys: Counted,
    charges: SmallVec<[Charge; 2]>,
    now: Duration,
}

impl Attempt {
    /// Lets a failure count, reports it without the credential, and gives it its challenge.
    #[cfg(any(feature = "api-key", feature = "bearer"))]
    pub(super) fn refused(self, ctx: &Context, error: Error, reason: &str, challenge: HeaderValue) -> Error {
        if error.status() != http::StatusCode::UNAUTHORIZED {
            return error; // the credential was not judged
        }
        self.failed();
        refusal(ctx, error, reason, challenge)
    }

    /// Lets a failure count.
    pub(super) fn failed(mut self) {
        for (charge, (key, share)) in self.charges.drain(..).zip(&self.keys) {
            self.counts.fail(key, *share, charge, self.now);
        }
    }
}

/// Reports a failure without the credential, and gives it its challenge.
pub(super) fn refusal(ctx: &Context, error: Error, reason: &str, challenge: HeaderValue) -> Error {
    refusal_to(|event| ctx.report(event), error, reason, challenge)
}

/// The same for a request that is told of otherwise.
pub(super) fn refusal_to(
    report: impl FnOnce(SecurityEventKind<'_>),
    error: Error,
    reason: &str,
    challenge: HeaderValue,
) -> Error {
    let class = AuthenticationFailure::of(&error);
    let detail = Refusal::in_source(&error).map_or(reason, |refusal| refusal.text).into();
    report(SecurityEventKind::AuthenticationFailed { reason: class, detail });
    error.with_header(header::WWW_AUTHENTICATE, challenge)
}

impl Drop for Attempt {
    fn drop(&mut self) {
        for charge in self.charges.drain(..) {
            self.counts.give_back(charge, self.now);
        }
    }
}
