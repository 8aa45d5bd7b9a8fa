use std::time::Duration;

use serde::Serialize;

use super::RateLimitKey;
use super::rate_limit::KEYS;
use crate::reader::{Section, count, duration, integer, word};
use crate::show;

/// Section `concurrency`: how many requests may be at work at one time. Off unless a number is named.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct ConcurrencyConfig {
    /// Those of everybody together: more are shed with 503.
    #[serde(serialize_with = "show::count")]
    pub all: Option<u32>,
    /// Those of one caller: more are 429.
    #[serde(serialize_with = "show::count")]
    pub per_caller: Option<u32>,
    /// Who a caller is.
    pub key: RateLimitKey,
    /// How many more, of everybody, may wait for a place.
    pub queue: u32,
    /// How long they wait.
    #[serde(serialize_with = "show::duration")]
    pub queue_timeout: Duration,
}

impl Default for ConcurrencyConfig {
    fn default() -> Self {
        Self {
            all: None,
            per_caller: None,
            key: RateLimitKey::default(),
            queue: 0,
            queue_timeout: Duration::from_secs(1),
        }
    }
}

impl ConcurrencyConfig {
    pub(crate) fn read(&mut self, mut section: Section<'_>) {
        let before = self.clone();
        section.set("all", &mut self.all, count);
        section.set("per_caller", &mut self.per_caller, count);
        section.set("key", &mut self.key, word(&KEYS));
        section.set("queue", &mut self.queue, integer(0, u32::MAX.into()));
        section.set("queue_timeout", &mut self.queue_timeout, duration(false));
        if self.per_caller.is_none() {
            let changed = [("key", self.key != before.key)];
            section.warn_idle(&changed, "while concurrency.per_caller is `off`; name a number, such as 10");
        }
        if self.all.is_none() {
            let changed =
                [("queue", self.queue != before.queue), ("queue_timeout", self.queue_timeout != before.queue_timeout)];
            section.warn_idle(&changed, "while concurrency.all is `off`; name a number, such as 500");
        } else if self.queue == 0 {
            let changed = [("queue_timeout", self.queue_timeout != before.queue_timeout)];
            section.warn_idle(&changed, "while concurrency.queue is 0");
        }
        section.finish();
    }
}
