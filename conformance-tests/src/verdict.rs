//! What a case came to.

use serde::{Deserialize, Serialize};

use crate::case::Level;
use crate::wire::Exchange;

/// What a case came to; the later, the worse.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Verdict {
    /// The server did what it has to.
    Pass,
    /// The case needs something that this way of running cannot give.
    NotObservable,
    /// The server did otherwise, in the way its `divergences.toml` says.
    ExpectedDivergence,
    /// The server did not do what it has to.
    Fail,
    /// Its `divergences.toml` no longer tells the truth.
    StaleDivergence,
    /// The suite could not ask: no server, no connection.
    HarnessError,
}

/// What a case came to, with everything that a report needs.
#[derive(Clone, Debug)]
pub struct CaseOutcome {
    /// The name of the test.
    pub name: String,
    /// What a failure means.
    pub level: Level,
    /// What it came to.
    pub verdict: Verdict,
    /// Everything that was not as expected.
    pub mismatches: Vec<String>,
    /// The bytes of each step and what came back.
    pub exchanges: Vec<Exchange>,
}

impl CaseOutcome {
    pub(crate) fn new(name: String, level: Level, mismatches: Vec<String>, exchanges: Vec<Exchange>) -> Self {
        let verdict = if mismatches.is_empty() { Verdict::Pass } else { Verdict::Fail };
        Self { name, level, verdict, mismatches, exchanges }
    }

    pub(crate) fn harness_error(name: String, level: Level, problem: String) -> Self {
        Self { verdict: Verdict::HarnessError, ..Self::new(name, level, vec![problem], Vec::new()) }
    }

    pub(crate) fn not_observable(name: String, level: Level, problem: String) -> Self {
        Self { verdict: Verdict::NotObservable, ..Self::new(name, level, vec![problem], Vec::new()) }
    }

    /// One line that tells what came back in the last exchange.
    #[must_use]
    pub fn summary(&self) -> String {
        match self.exchanges.last() {
            Some(exchange) => exchange.summary(),
            None => self.mismatches.join("; "),
        }
    }

    /// Whether a run with this outcome is a failed run.
    #[must_use]
    pub fn is_failure(&self) -> bool {
        match self.verdict {
            Verdict::Pass | Verdict::ExpectedDivergence | Verdict::NotObservable => false,
            Verdict::Fail => self.level == Level::Must,
            Verdict::StaleDivergence | Verdict::HarnessError => true,
        }
    }
}
