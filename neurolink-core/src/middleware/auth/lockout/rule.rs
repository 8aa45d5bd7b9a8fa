use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use super::super::failures::{FailureLimit, too_many};
use super::attempt::{Attempt, Taken};
use super::local::Local;
use super::stored::{Answer, Stored};
use super::whose::Whose;
use crate::middleware::limit_store::{Algorithm, OnStoreFailure, Quota, StoreHandle};
use crate::security::Reporter;
use crate::{Code, Error};

/// Stops guesses at one name, without letting a stranger lock its owner out.
///
/// A name that has failed too often from one network is refused there; one that has failed too often from all together
/// is refused everywhere but where it came in within a day. Names that nobody has are counted alike.
#[derive(Clone)]
pub(in super::super) struct Lockout {
    numbers: Numbers,
    pub(super) here: Arc<Local>,
    stored: Option<Stored>,
    on_store_failure: Option<OnStoreFailure>,
}

/// How many failures, in how long.
#[derive(Clone, Copy)]
pub(super) struct Numbers {
    pub(super) from_one: u32,
    pub(super) from_all: u32,
    pub(super) window: Duration,
}

/// What is known before a secret is looked at; nothing was counted for it.
#[derive(Clone, Copy)]
pub(in super::super) struct Seen {
    pub(in super::super) is_locked: bool,
    /// Whether the name came in from there within a day.
    pub(in super::super) is_trusted: bool,
    pub(super) by: Counting,
}

/// Where an attempt counts.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Counting {
    Here,
    InStore,
    /// Nowhere: the store does not answer, and then attempts pass.
    Nowhere,
}

/// When to come again after the store has failed.
const STORE_PAUSE: Duration = Duration::from_secs(1);

impl Default for Lockout {
    fn default() -> Self {
        let numbers = Numbers { from_one: 5, from_all: 50, window: Duration::from_secs(15 * 60) };
        Self { numbers, here: Arc::new(Local::new(numbers)), stored: None, on_store_failure: None }
    }
}

impl Lockout {
    pub(in super::super) fn numbers(&mut self, from_one: u32, from_all: u32, window: Duration) {
        self.numbers = Numbers { from_one, from_all, window };
        self.count_anew();
    }

    pub(in super::super) fn store(&mut self, handle: StoreHandle) {
        self.stored = Some(Stored { handle });
    }

    pub(in super::super) fn on_store_failure(&mut self, policy: OnStoreFailure) {
        self.on_store_failure = Some(policy);
        self.count_anew();
    }

    /// With empty counters, for what is counted in this process.
    fn count_anew(&mut self) {
        let numbers = match self.on_store_failure {
            Some(OnStoreFailure::Local { percent }) => self.numbers.percent(percent),
            _ => self.numbers,
        };
        self.here = Arc::new(Local::new(numbers));
    }

    pub(in super::super) fn problems(&self, failures: &FailureLimit) -> Vec<String> {
        let Numbers { from_one, from_all, window } = self.numbers;
        let mut problems = Vec::new();
        if from_one == 0 || from_all == 0 || window.is_zero() {
            problems.push("a lockout of zero lets nobody in; give more, for example 5 and 50 in 15 minutes".into());
        }
        match (&self.stored, self.on_store_failure) {
            (None, Some(_)) => {
                problems
                    .push("the lockout counts in no store that could fail; name one by `.lockout_store(..)`".into());
            }
            (Some(_), Some(OnStoreFailure::Local { percent })) if !(1..=100).contains(&percent) => {
                problems.push(format!("{percent} percent of the lockout cannot be counted; give 1 to 100"));
            }
            (None, None) => {}
            (Some(stored), _) => {
                for problem in stored.problems(self.numbers, failures.most()) {
                    let problem = format!("the store of the lockout: {problem}");
                    if !problems.contains(&problem) {
                        problems.push(problem);
                    }
                }
            }
        }
        problems
    }

    /// What is known of a name there.
    ///
    /// # Errors
    /// 503: the store does not answer, and is to be waited for.
    pub(in super::super) async fn look(&self, whose: &Whose, now: Duration) -> Result<Seen, Error> {
        if let Some(stored) = &self.stored {
            return match stored.look(whose, self.numbers, now).await {
                Some(seen) => Ok(seen),
                None => self.without_store(whose, now),
            };
        }
        Ok(self.look_here(whose, now))
    }

    fn look_here(&self, whose: &Whose, now: Duration) -> Seen {
        let (is_locked, is_trusted) = (self.here.is_locked(whose, now), self.here.trusts(whose, now));
        Seen { is_locked, is_trusted, by: Counting::Here }
    }

    /// The same while the store does not answer.
    fn without_store(&self, whose: &Whose, now: Duration) -> Result<Seen, Error> {
        match self.on_store_failure.unwrap_or_default() {
            OnStoreFailure::Deny => {
                let error = Error::new(Code::Unavailable).with_source("the store of the lockout does not answer");
                Err(error.with_retry_after(STORE_PAUSE))
            }
            OnStoreFailure::Allow => {
                let is_trusted = self.here.trusts(whose, now);
                Ok(Seen { is_locked: false, is_trusted, by: Counting::Nowhere })
            }
            OnStoreFailure::Local { .. } => Ok(self.look_here(whose, now)),
        }
    }

    /// Asked before a secret is looked at: it counts as a failure until it is known to be none. Nothing while the name
    /// is locked.
    ///
    /// # Errors
    /// 429: its address has failed too often at all servers together. 503 as for [`look`](Self::look).
    pub(in super::super) async fn attempt(
        &self,
        whose: Whose,
        seen: Seen,
        failures: &FailureLimit,
        reporter: &Reporter,
        now: Duration,
    ) -> Result<Option<Attempt>, Error> {
        if let (Some(stored), Counting::InStore) = (&self.stored, seen.by)
            && let Some(answer) = stored.take(&whose, seen, self.numbers, failures.most(), now).await
        {
            let attempt = |taken| Attempt::new(self, whose, Taken::InStore(taken), reporter, now);
            // What a refusal took in vain is given back as that of an attempt which nobody judged.
            return match answer {
                Answer::Passes(taken) => Ok(Some(attempt(taken))),
                Answer::Locked(unused) => {
                    drop(attempt(unused));
                    Ok(None)
                }
                Answer::Wait(wait, unused) => {
                    drop(attempt(unused));
                    Err(too_many(|event| reporter.report(event), wait))
                }
            };
        }
        let by = match seen.by {
            Counting::InStore => self.without_store(&whose, now)?.by,
            by => by,
        };
        let taken = match by {
            Counting::Nowhere => Taken::Nothing,
            Counting::Here | Counting::InStore => match self.here.take(&whose, now) {
                Some(charges) => Taken::Here(charges),
                None => return Ok(None),
            },
        };
        Ok(Some(Attempt::new(self, whose, taken, reporter, now)))
    }
}

impl Numbers {
    /// So many percent of them, but at least one.
    fn percent(self, percent: u8) -> Self {
        let part = |limit| Quota::new(limit, self.window, Algorithm::FixedWindow).percent(percent).limit;
        Self { from_one: part(self.from_one), from_all: part(self.from_all), ..self }
    }
}

impl fmt::Display for Lockout {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Numbers { from_one, from_all, window } = self.numbers;
        write!(f, "{from_one} failures of a name from one network, {from_all} in all, in {window:?}")?;
        match &self.stored {
            Some(stored) => write!(f, ", in {}", stored.handle.name()),
            None => Ok(()),
        }
    }
}
