use std::sync::Arc;
use std::time::Duration;

use http::{HeaderValue, header};

use crate::counters::{Counters, address_keys};
use crate::{Code, Context, Error};

/// How many failures a client address may have, in how long.
#[derive(Clone)]
pub(super) struct FailureLimit {
    most: Option<(u32, Duration)>,
    counters: Arc<Counters>,
}

/// How many addresses are counted at one time.
const CAPACITY: usize = 20_000;

impl Default for FailureLimit {
    fn default() -> Self {
        Self { most: Some((30, Duration::from_secs(60))), counters: Arc::new(Counters::new(CAPACITY)) }
    }
}

impl FailureLimit {
    pub(super) fn set(&mut self, most: Option<(u32, Duration)>) {
        self.most = most;
    }

    pub(super) fn problem(&self) -> Option<String> {
        self.most
            .is_some_and(|(failures, window)| failures == 0 || window.is_zero())
            .then(|| "a failure limit of zero refuses everybody; give more, or turn it off by name".into())
    }

    /// Asked before a credential is looked at.
    pub(super) fn check(&self, ctx: &Context) -> Result<(), Error> {
        let Some((most, window)) = self.most else { return Ok(()) };
        let Some(address) = ctx.client_address() else {
            return Err(Error::internal(crate::middleware::limit::NoAddress));
        };
        for (key, share) in &address_keys(address) {
            let left = self.counters.peek(key, most.saturating_mul(*share), window, ctx.now());
            if !left.allowed {
                return Err(Error::new(Code::RateLimitExceeded)
                    .with_message("Too many failed attempts, please try again later")
                    .with_retry_after(left.resets.saturating_sub(ctx.now())));
            }
        }
        Ok(())
    }

    /// Counts a failure, logs it without the credential, and gives it its challenge.
    pub(super) fn refused(&self, ctx: &Context, error: Error, reason: &str, challenge: HeaderValue) -> Error {
        if error.status() != http::StatusCode::UNAUTHORIZED {
            return error;
        }
        if let (Some((most, window)), Some(address)) = (self.most, ctx.client_address()) {
            for (key, share) in &address_keys(address) {
                self.counters.take(key, most.saturating_mul(*share), window, ctx.now());
            }
        }
        tracing::warn!(
            target: "neurolink::security",
            request_id = %ctx.request_id(),
            client = ctx.client_address().map(tracing::field::display),
            code = %error.code(),
            reason,
            "credential refused"
        );
        error.with_header(header::WWW_AUTHENTICATE, challenge)
    }
}
