//! Credentials that were good a moment ago.
//!
//! A credential that is being judged counts as a failure until it is known to be none.
//! Where somebody has to be asked, that takes time, and a client with many requests on their way would use up what its
//! address may fail. So one that was good within the last minute is no guess: it is judged as any other, and counts
//! only if it fails.

use std::sync::Arc;
use std::time::Duration;

use http::HeaderValue;

use super::failures::{Attempt, FailureLimit};
use super::verified::{Fingerprint, Verified};
use crate::{Context, Error};

/// How many are known at one time.
const MOST: usize = 1024;

/// Which credentials were good a moment ago; it lets nobody in.
#[derive(Clone)]
pub(super) struct Recent(Verified<()>);

impl Default for Recent {
    fn default() -> Self {
        Self(Verified::new(MOST))
    }
}

impl Recent {
    /// Begins to judge a credential.
    ///
    /// # Errors
    /// Its address has failed too often.
    pub(super) fn judge<'a>(
        &'a self,
        credential: &[u8],
        failures: &'a FailureLimit,
        ctx: &Context,
    ) -> Result<Judging<'a>, Error> {
        let fingerprint = self.0.fingerprint(credential);
        let attempt = match self.0.get(fingerprint, 0, ctx.now()) {
            Some(_) => failures.ask(ctx).map(|()| None)?,
            None => Some(failures.attempt(ctx)?),
        };
        Ok(Judging { recent: self, fingerprint, failures, attempt })
    }
}

/// A credential that is being judged.
pub(super) struct Judging<'a> {
    recent: &'a Recent,
    fingerprint: Fingerprint,
    failures: &'a FailureLimit,
    /// Nothing for one that was good a moment ago.
    attempt: Option<Attempt>,
}

impl Judging<'_> {
    /// It is good.
    pub(super) fn passed(self, expires: Option<Duration>, now: Duration) {
        self.recent.0.insert(self.fingerprint, &Arc::new(()), expires, 0, now);
    }

    /// It is not good, or was not judged: then nothing counts.
    pub(super) fn refused(self, ctx: &Context, error: Error, reason: &str, challenge: HeaderValue) -> Error {
        self.failures.refused(self.attempt, ctx, error, reason, challenge)
    }
}
