use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use http::{HeaderMap, HeaderName, HeaderValue};

use super::Key;
use crate::counters::{Counters, Taken};
use crate::stack::{Kind, order};
use crate::{Code, Context, Error, Hook, Response};

const LIMIT: HeaderName = HeaderName::from_static("x-ratelimit-limit");
const REMAINING: HeaderName = HeaderName::from_static("x-ratelimit-remaining");
const RESET: HeaderName = HeaderName::from_static("x-ratelimit-reset");

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

    fn refuse(&self, ctx: &mut Context, taken: Taken) -> Response {
        let error = Error::new(Code::RateLimitExceeded).with_retry_after(taken.resets.saturating_sub(ctx.now()));
        ctx.fail(match &self.message {
            Some(message) => error.with_message(message.to_string()),
            None => error,
        })
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
            Key::User => Kind::NeedsUser,
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

    fn before(&self, ctx: &mut Context) -> Option<Response> {
        let keys = match self.key.of(ctx) {
            Ok(keys) => keys,
            Err(no_address) => return Some(ctx.fail(Error::internal(no_address))),
        };
        let now = ctx.now();
        for (index, (key, share)) in keys.iter().enumerate() {
            let limit = self.limit.saturating_mul(*share);
            let taken = self.counters.take(key, limit, self.window, now);
            let state =
                RateLimitState { limit: self.limit, remaining: taken.remaining.min(self.limit), resets: taken.resets };
            if ctx.fact::<RateLimitState>().is_none_or(|known| state.remaining < known.remaining) {
                ctx.insert(state);
            }
            if !taken.allowed {
                // If one key refuses, none is charged.
                for (charged, share) in &keys[..index] {
                    self.counters.give_back(charged, self.limit.saturating_mul(*share), self.window, now);
                }
                let mut response = self.refuse(ctx, taken);
                self.after(ctx, &mut response);
                return Some(response);
            }
        }
        None
    }

    fn after(&self, ctx: &Context, response: &mut Response) {
        if let Some(state) = ctx.fact::<RateLimitState>() {
            write(state, response.headers_mut());
        }
    }
}

fn write(state: &RateLimitState, headers: &mut HeaderMap) {
    let reset = state.resets.as_secs() + u64::from(state.resets.subsec_nanos() > 0);
    headers.insert(LIMIT, HeaderValue::from(state.limit));
    headers.insert(REMAINING, HeaderValue::from(state.remaining));
    headers.insert(RESET, HeaderValue::from(reset));
}

impl fmt::Debug for RateLimit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "RateLimit({})", Hook::summary(self))
    }
}
