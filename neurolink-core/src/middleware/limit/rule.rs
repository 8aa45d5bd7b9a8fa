use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use smallvec::SmallVec;

use super::Key;
use super::decision::{decide, show};
use crate::counters::{Counters, Taken};
use crate::facts::NoAddress;
use crate::stack::{Kind, order};
use crate::{Code, Context, Error, Hook, Response};

/// How many keys are counted at one time, unless told.
const CAPACITY: usize = 100_000;

/// Refuses a client that calls too often.
#[derive(Clone)]
pub struct RateLimit {
    limit: u32,
    window: Duration,
    key: Key,
    message: Option<Arc<str>>,
    capacity: usize,
    counters: Arc<Counters>,
}

/// Where a request stands: the rule with the least remaining.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct RateLimitState {
    /// Requests in a window.
    pub limit: u32,
    /// How many are left.
    pub remaining: u32,
    /// When the window ends, since the epoch.
    pub resets: Duration,
}

impl RateLimit {
    /// At most `limit` requests in each `window`, which begins with a key's first request.
    #[must_use]
    pub fn fixed_window(limit: u32, window: Duration) -> Self {
        Self {
            limit,
            window,
            key: Key::Address,
            message: None,
            capacity: CAPACITY,
            counters: Arc::new(Counters::new(CAPACITY)),
        }
    }

    /// Counts by this key: the client's address unless told.
    #[must_use]
    pub fn by(mut self, key: Key) -> Self {
        self.key = key;
        self
    }

    /// The message of the 429.
    #[must_use]
    pub fn message(mut self, message: impl Into<Arc<str>>) -> Self {
        self.message = Some(message.into());
        self
    }

    /// How many keys are counted at one time: 100,000 unless told, about 40 bytes each.
    #[must_use]
    pub fn capacity(mut self, keys: usize) -> Self {
        self.capacity = keys;
        self.counters = Arc::new(Counters::new(keys));
        self
    }

    /// Takes one from each window that a request counts in; a window that is used up gives no charge.
    ///
    /// # Errors
    /// It counts by address, and there is none.
    pub(super) fn take(&self, ctx: &Context) -> Result<SmallVec<[Taken; 2]>, NoAddress> {
        let keys = self.key.of(ctx)?;
        let limit = |share: u32| self.limit.saturating_mul(share);
        Ok(keys.iter().map(|(key, share)| self.counters.take(key, limit(*share), self.window, ctx.now())).collect())
    }

    pub(super) const fn counters(&self) -> &Arc<Counters> {
        &self.counters
    }

    /// How a window of this rule is shown.
    pub(super) fn state(&self, taken: &Taken) -> RateLimitState {
        RateLimitState { limit: self.limit, remaining: taken.remaining.min(self.limit), resets: taken.resets }
    }

    /// The refusal of a request until a window ends.
    pub(super) fn refusal(&self, ctx: &Context, until: Duration) -> Error {
        let error = Error::new(Code::RateLimitExceeded).with_retry_after(until.saturating_sub(ctx.now()));
        match &self.message {
            Some(message) => error.with_message(message.to_string()),
            None => error,
        }
    }
}

impl Hook for RateLimit {
    fn name(&self) -> &str {
        "rate-limit"
    }

    fn order(&self) -> i16 {
        match self.key {
            Key::User => order::AFTER_AUTH,
            _ => order::LIMITS,
        }
    }

    fn kind(&self) -> Kind {
        match self.key {
            Key::User => Kind::UsesUser,
            _ => Kind::Other,
        }
    }

    fn spares_probes(&self) -> bool {
        true
    }

    fn summary(&self) -> String {
        format!("{} in {:?} by {}", self.limit, self.window, self.key.name())
    }

    fn problems(&self) -> Vec<String> {
        let mut problems = Vec::new();
        if self.limit == 0 {
            problems.push("a limit of 0 refuses everybody; give at least 1, or leave the limit out".into());
        }
        if self.window.is_zero() {
            problems.push("a window of no time limits nothing; give for example 60s".into());
        }
        if self.capacity == 0 {
            problems.push("a capacity of 0 keys counts nobody; give at least 1".into());
        }
        problems
    }

    fn as_rate_limit(&self) -> Option<&RateLimit> {
        Some(self)
    }

    fn before(&self, ctx: &mut Context) -> Option<Response> {
        decide(&[self], ctx, false)
    }

    fn after(&self, ctx: &Context, response: &mut Response) {
        show(ctx, response);
    }
}

impl fmt::Debug for RateLimit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "RateLimit({})", Hook::summary(self))
    }
}
