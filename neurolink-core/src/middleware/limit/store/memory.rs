use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use async_trait::async_trait;

use super::{Change, Charge, LimitKey, LimitStore, Quota, Settlement, Taken};
use crate::BoxError;
use crate::counters::Counters;

type Rules = HashMap<(Arc<str>, Quota), Arc<dyn Counters>>;

/// A store in the memory of this process, with the counters of a limit that has none: the model of the others, for tests.
#[derive(Default)]
pub struct MemoryStore {
    capacity: usize,
    rules: Mutex<Rules>,
}

impl MemoryStore {
    /// A store with room for so many keys of each rule.
    #[must_use]
    pub fn new(capacity: usize) -> Self {
        Self { capacity, rules: Mutex::default() }
    }

    fn counters(&self, key: &LimitKey) -> Arc<dyn Counters> {
        let mut rules = self.rules.lock().unwrap_or_else(PoisonError::into_inner);
        let counters = rules.entry((Arc::clone(&key.rule), key.quota));
        Arc::clone(counters.or_insert_with(|| key.quota.counters(self.capacity)))
    }
}

#[async_trait]
impl LimitStore for MemoryStore {
    fn name(&self) -> &str {
        "memory"
    }

    async fn take(&self, keys: &[LimitKey], now: Duration) -> Result<Vec<Taken>, BoxError> {
        let take = |key: &LimitKey| {
            let taken = self.counters(key).take(&key.identity, key.share, now);
            let charge = taken.charge.map(|charge| Charge { counted: Some(charge), ..Charge::new(0, 0) });
            Taken { charge, remaining: taken.remaining, wait: taken.resets.saturating_sub(now) }
        };
        Ok(keys.iter().map(take).collect())
    }

    async fn look(&self, keys: &[LimitKey], now: Duration) -> Result<Vec<Taken>, BoxError> {
        let look = |key: &LimitKey| {
            let seen = self.counters(key).look(&key.identity, key.share, now);
            let charge = seen.charge.map(|_| Charge::new(0, 0));
            Taken { charge, remaining: seen.remaining, wait: seen.resets.saturating_sub(now) }
        };
        Ok(keys.iter().map(look).collect())
    }

    async fn settle(&self, settlements: &[Settlement], now: Duration) -> Result<(), BoxError> {
        for Settlement { key, charge, change } in settlements {
            let counters = self.counters(key);
            match (change, charge.counted) {
                (Change::GiveBack, Some(charge)) => counters.give_back(charge, now),
                (Change::GiveBack, None) => {}
                (Change::ChargeMore(more), Some(charge)) => counters.charge_more(charge, *more, now),
                (Change::ChargeMore(more), None) => counters.charge(&key.identity, key.share, *more, now),
            }
        }
        Ok(())
    }

    async fn probe(&self) -> Result<(), BoxError> {
        Ok(())
    }
}
