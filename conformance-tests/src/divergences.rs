//! What an adapter cannot do: the list beside it, held to the truth.

use serde::Deserialize;
use thiserror::Error;

use crate::verdict::{CaseOutcome, Verdict};

/// The areas in which a framework decides before we do.
pub const AREAS: [&str; 3] = ["parser", "own-server", "mount"];

/// An adapter's `divergences.toml`.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Divergences {
    /// The entries.
    #[serde(default)]
    pub divergence: Vec<Divergence>,
    /// Cases that the adapter passes, and answers in other words than the rest.
    #[serde(default)]
    pub difference: Vec<Divergence>,
}

/// One case that an adapter fails or answers in other words, and why.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Divergence {
    /// The case, or one row of it as `id[row]`.
    pub case: String,
    /// The versions it was seen with; measure again outside of them.
    pub versions: String,
    /// A part of the one-line summary of what comes back, such as `400 with an empty body`; or, for a conversation, the
    /// whole of what was not as expected.
    pub observed: String,
    /// Why it cannot be hidden.
    pub reason: String,
    /// Where the framework decides it.
    pub upstream: String,
    /// What it means for users.
    pub user_impact: String,
}

impl Divergence {
    fn is_observed(&self, outcome: &CaseOutcome) -> bool {
        outcome.summary().contains(&self.observed) || outcome.mismatches == [self.observed.as_str()]
    }
}

/// What is wrong with a list of divergences.
#[derive(Debug, Error)]
pub enum DivergenceError {
    /// It is no list of divergences.
    #[error("divergences.toml: {0}")]
    Toml(#[from] Box<toml::de::Error>),
    /// Entries that may not be there.
    #[error("divergences.toml:\n  - {}", .0.join("\n  - "))]
    Entries(Vec<String>),
}

impl Divergences {
    /// Reads a list.
    ///
    /// # Errors
    /// It is no list of divergences.
    pub fn parse(text: &str) -> Result<Self, DivergenceError> {
        Ok(toml::from_str(text).map_err(Box::new)?)
    }

    /// Checks that every entry says something about an existing case of an area that may diverge.
    ///
    /// # Errors
    /// All entries that do not.
    pub fn validate(&self, names: &[String]) -> Result<(), DivergenceError> {
        let mut problems = Vec::new();
        let entries: Vec<&Divergence> = self.divergence.iter().chain(&self.difference).collect();
        for (at, entry) in entries.iter().enumerate() {
            let case = &entry.case;
            if !names.iter().any(|name| name == case || id_of(name) == case) {
                problems.push(format!("{case} matches no case"));
            }
            if !AREAS.contains(&case.split('/').next().unwrap_or_default()) {
                problems.push(format!("{case} is in an area that may not diverge: only {AREAS:?} may"));
            }
            if entries[..at].iter().any(|other| other.case == *case) {
                problems.push(format!("{case} is there twice"));
            }
            let texts = [
                (&entry.versions, "versions"),
                (&entry.observed, "observed"),
                (&entry.reason, "reason"),
                (&entry.upstream, "upstream"),
                (&entry.user_impact, "user_impact"),
            ];
            for (text, name) in texts {
                if text.trim().is_empty() {
                    problems.push(format!("{case} has no {name}"));
                }
            }
        }
        if problems.is_empty() { Ok(()) } else { Err(DivergenceError::Entries(problems)) }
    }

    /// The entry for a case or a row of it.
    #[must_use]
    pub fn entry(&self, name: &str) -> Option<&Divergence> {
        find(&self.divergence, name)
    }

    /// Whether the list explains why this adapter's answer is not the others'.
    #[must_use]
    pub fn explains(&self, name: &str, answer: &str) -> bool {
        self.entry(name).is_some() || find(&self.difference, name).is_some_and(|entry| answer.contains(&entry.observed))
    }

    /// The entries for cases that were asked and are none of those that were answered differently: they are not true any
    /// more.
    #[must_use]
    pub fn stale(&self, asked: &[&str], different: &[&str]) -> Vec<&str> {
        let is_among = |entry: &Divergence, names: &[&str]| {
            names.iter().any(|name| *name == entry.case || id_of(name) == entry.case)
        };
        // A difference is of data, all of which is asked. A divergence may be of a conversation, or of a host's router,
        // which the servers that are compared do not have: each adapter's own test sees those.
        let is_asked = |entry: &&Divergence| is_among(entry, asked) && !entry.case.starts_with("mount/");
        let asked = self.divergence.iter().filter(is_asked).chain(&self.difference);
        asked.filter(|entry| !is_among(entry, different)).map(|entry| entry.case.as_str()).collect()
    }

    /// A line an entry, in order: the adapter, whether the case fails or passes in other words, and the case.
    #[must_use]
    pub fn lines(&self, adapter: &str) -> Vec<String> {
        let line = |kind, entry: &Divergence| format!("{adapter} {kind} {}", entry.case);
        let fails = self.divergence.iter().map(|entry| line("divergence", entry));
        let mut lines: Vec<_> = fails.chain(self.difference.iter().map(|entry| line("difference", entry))).collect();
        lines.sort();
        lines
    }

    /// Judges an outcome in the light of the list.
    #[must_use]
    pub fn judge(&self, mut outcome: CaseOutcome) -> CaseOutcome {
        let Some(entry) = self.entry(&outcome.name) else { return outcome };
        match outcome.verdict {
            Verdict::Pass => {
                outcome.verdict = Verdict::StaleDivergence;
                outcome.mismatches.push(format!(
                    "divergences.toml says it comes to {:?}, and it passes: remove the entry",
                    entry.observed
                ));
            }
            Verdict::Fail if entry.is_observed(&outcome) => {
                outcome.verdict = Verdict::ExpectedDivergence;
            }
            Verdict::Fail => {
                outcome.verdict = Verdict::StaleDivergence;
                outcome.mismatches.push(format!(
                    "neither as expected nor as divergences.toml says: observed was {:?}, now it is {:?}",
                    entry.observed,
                    outcome.summary()
                ));
            }
            _ => {}
        }
        outcome
    }
}

/// The entry of a row, or of its whole case.
fn find<'a>(entries: &'a [Divergence], name: &str) -> Option<&'a Divergence> {
    let of = |case: &str| entries.iter().find(|entry| entry.case == case);
    of(name).or_else(|| of(id_of(name)))
}

fn id_of(name: &str) -> &str {
    name.split('[').next().unwrap_or(name)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::case::Level;

    fn list(case: &str, observed: &str) -> Divergences {
        Divergences::parse(&format!(
            "[[divergence]]\ncase = '{case}'\nversions = '1'\nobserved = '{observed}'\n\
             reason = 'r'\nupstream = 'u'\nuser_impact = 'i'\n"
        ))
        .unwrap()
    }

    fn outcome(mismatches: &[&str]) -> CaseOutcome {
        let mismatches = mismatches.iter().map(|text| (*text).to_owned()).collect();
        CaseOutcome::new("parser/a[x]".into(), Level::Must, mismatches, Vec::new())
    }

    #[test]
    fn the_list_is_held_to_the_truth() {
        let known = list("parser/a", "400");
        assert_eq!(known.judge(outcome(&["400"])).verdict, Verdict::ExpectedDivergence);
        assert_eq!(known.judge(outcome(&[])).verdict, Verdict::StaleDivergence);
        assert_eq!(known.judge(outcome(&["500"])).verdict, Verdict::StaleDivergence);
        assert_eq!(list("parser/b", "400").judge(outcome(&["400"])).verdict, Verdict::Fail);
        assert!(known.judge(outcome(&["500"])).is_failure());
    }

    #[test]
    fn a_conversation_is_known_by_all_that_was_not_as_expected() {
        use crate::wire::{End, Exchange};
        let said = || {
            vec![Exchange { sent: Vec::new(), answers: Vec::new(), end: End::Open, problem: None, words: Vec::new() }]
        };
        let outcome =
            |problem: &str| CaseOutcome::new("parser/a".into(), Level::Must, vec![problem.to_owned()], said());
        let known = list("parser/a", "not within 5s: an end");
        assert_eq!(known.judge(outcome("not within 5s: an end")).verdict, Verdict::ExpectedDivergence);
        assert_eq!(known.judge(outcome("not within 5s: an end and more")).verdict, Verdict::StaleDivergence);
    }

    #[test]
    fn entries_of_what_is_answered_alike_are_stale() {
        let known = list("parser/a", "400");
        assert_eq!(known.stale(&["parser/a[x]", "parser/b"], &["parser/b"]), ["parser/a"]);
        assert_eq!(known.stale(&["parser/a[x]"], &["parser/a[x]"]), [""; 0]);
        assert_eq!(known.stale(&["parser/b"], &[]), [""; 0], "a conversation is not asked");
    }

    #[test]
    fn entries_without_a_case_or_outside_of_the_areas_are_refused() {
        let names = ["parser/a[x]".to_owned(), "auth/a".to_owned()];
        assert!(list("parser/a", "400").validate(&names).is_ok());
        assert!(list("parser/a[x]", "400").validate(&names).is_ok());
        assert!(list("parser/b", "400").validate(&names).is_err());
        assert!(list("auth/a", "400").validate(&names).is_err());
        assert!(list("parser/a", " ").validate(&names).is_err());
    }
}
