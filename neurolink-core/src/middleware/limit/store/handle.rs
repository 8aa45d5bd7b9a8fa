use std::fmt;
use std::sync::{Arc, Weak};
use std::time::Duration;

use tokio::time::{sleep, timeout};

use super::breaker::Breaker;
use super::{LimitKey, LimitStore, Quota, Settlement, Taken};
use crate::BoxError;

/// The longest that a check waits, unless told.
const BUDGET: Duration = Duration::from_millis(50);
/// Between two probes of a store that is left alone.
const PROBE_PAUSE: Duration = Duration::from_millis(200);

/// What a request gets of a rule whose store does not answer in time.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum OnStoreFailure {
    /// 503 with `Retry-After`.
    #[default]
    Deny,
    /// The rule lets it pass.
    Allow,
    /// The rule counts in this process, up to so many percent of its limit: 1 to 100, at least one request.
    ///
    /// While a store fails, so many servers together let pass so many times that.
    Local {
        /// Of the limit, and of a burst.
        percent: u8,
    },
}

/// A store, and what keeps it from stalling requests: a budget of time for each call, and a circuit breaker.
///
/// Clones are one handle: rules that have the same are asked in one call and share its breaker.
#[derive(Clone)]
pub struct StoreHandle(Arc<Guarded>);

struct Guarded {
    store: Box<dyn LimitStore>,
    budget: Duration,
    breaker: Breaker,
}

impl StoreHandle {
    /// A handle whose calls may take 50 ms each.
    pub fn new(store: impl LimitStore) -> Self {
        Self::with_budget(store, BUDGET)
    }

    /// A handle whose calls may take so long each.
    pub fn with_budget(store: impl LimitStore, budget: Duration) -> Self {
        Self(Arc::new(Guarded { store: Box::new(store), budget, breaker: Breaker::default() }))
    }

    /// Whether the store is left alone, for it has failed five times in a row.
    #[must_use]
    pub fn is_open(&self) -> bool {
        self.0.breaker.is_open()
    }

    pub(in super::super) fn is_same(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.0, &other.0)
    }

    pub(in crate::middleware) fn name(&self) -> &str {
        self.0.store.name()
    }

    pub(in crate::middleware) fn problems(&self, quota: &Quota) -> Vec<String> {
        let mut problems = self.0.store.problems(quota);
        if self.0.budget.is_zero() {
            problems.push("a store that may take no time never answers; give for example 50ms".into());
        }
        problems
    }

    /// Takes one of each key; `None` if there was no answer in time.
    pub(in crate::middleware) async fn take(&self, keys: &[LimitKey], now: Duration) -> Option<Vec<Taken>> {
        self.answered(keys, self.0.store.take(keys, now)).await
    }

    /// What taking one of each key would give; `None` if there was no answer in time.
    #[cfg(feature = "basic")]
    pub(in crate::middleware) async fn look(&self, keys: &[LimitKey], now: Duration) -> Option<Vec<Taken>> {
        self.answered(keys, self.0.store.look(keys, now)).await
    }

    async fn answered(
        &self,
        keys: &[LimitKey],
        call: impl Future<Output = Result<Vec<Taken>, BoxError>>,
    ) -> Option<Vec<Taken>> {
        self.guarded(async {
            let taken = call.await?;
            match taken.len() == keys.len() {
                true => Ok(taken),
                false => Err(format!("{} answers to {} questions", taken.len(), keys.len()).into()),
            }
        })
        .await
    }

    /// Settles charges, if there is an answer in time.
    pub(in super::super) async fn settle(&self, settlements: &[Settlement], now: Duration) {
        _ = self.guarded(self.0.store.settle(settlements, now)).await;
    }

    async fn guarded<T>(&self, call: impl Future<Output = Result<T, BoxError>>) -> Option<T> {
        if self.is_open() {
            self.probe();
            return None;
        }
        let error = match timeout(self.0.budget, call).await {
            Ok(Ok(answer)) => {
                self.0.breaker.succeeded();
                return Some(answer);
            }
            Ok(Err(error)) => error,
            Err(_) => format!("no answer in {:?}", self.0.budget).into(),
        };
        if self.0.breaker.failed() {
            tracing::warn!("the limit store `{}` fails, so its rules do as told for that: {error}", self.name());
            self.probe();
        }
        None
    }

    /// Sees to it that somebody waits for the store to answer again, beside all requests.
    fn probe(&self) {
        if self.0.breaker.begin_probing() {
            tokio::spawn(Prober(Arc::downgrade(&self.0)).run());
        }
    }
}

/// The one that probes. It ends with the last handle, and if its runtime ends first, the next request starts another.
struct Prober(Weak<Guarded>);

impl Prober {
    async fn run(self) {
        loop {
            sleep(PROBE_PAUSE).await;
            let Some(guarded) = self.0.upgrade() else { return };
            if let Ok(Ok(())) = timeout(guarded.budget, guarded.store.probe()).await {
                guarded.breaker.close();
                tracing::info!("the limit store `{}` answers again", guarded.store.name());
                return;
            }
        }
    }
}

impl Drop for Prober {
    fn drop(&mut self) {
        if let Some(guarded) = self.0.upgrade() {
            guarded.breaker.end_probing();
        }
    }
}

impl From<&Self> for StoreHandle {
    fn from(handle: &Self) -> Self {
        handle.clone()
    }
}

impl fmt::Debug for StoreHandle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "StoreHandle({}, {:?})", self.name(), self.0.budget)
    }
}
