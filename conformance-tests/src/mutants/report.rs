//! Who killed whom, and what is wrong with that.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use super::matrix::Outcome;
use super::mutant::Mutant;
use crate::case::Level;
use crate::report::describe;
use crate::suite::Test;
use crate::verdict::{CaseOutcome, Verdict};
use crate::wire::End;

/// Killers that are named in the table.
const NAMED: usize = 3;

/// What came of a run.
#[derive(Debug, Default)]
pub struct Report {
    /// The killers of each mutant, by the names of their rows.
    killers: BTreeMap<&'static str, BTreeSet<String>>,
    /// Behaviours that have to kill something and did not yet.
    idle: BTreeSet<String>,
    /// Behaviours that were killed by a mutant of all areas only.
    only_everywhere: BTreeSet<String>,
    /// Behaviours that the reference was too late for beside all others.
    late: BTreeSet<String>,
    /// Cases and mutants that could not be run, and cases that the reference itself fails.
    broken: BTreeSet<String>,
}

impl Report {
    pub(super) fn new<'a>(behaviours: impl Iterator<Item = &'a Test>) -> Self {
        let must = behaviours.filter(|test| test.level() == Level::Must);
        Self { idle: must.map(|test| test.id().to_owned()).collect(), ..Self::default() }
    }

    /// Takes in what the unchanged reference came to: it has to pass everything, some of it with nothing beside it.
    pub(super) fn reference(&mut self, late: BTreeSet<String>, outcomes: Vec<Outcome>) {
        self.late = late;
        for Outcome { failed, wanted, .. } in outcomes {
            if let Some(failed) = failed.filter(CaseOutcome::is_failure) {
                let again = format!("cargo test -p neurolink-conformance --test hyper -- --exact '{}'", failed.name);
                self.broken
                    .insert(format!("the reference fails without any change:\n{}", describe(&failed, &wanted, &again)));
            }
        }
    }

    pub(super) fn add(&mut self, mutants: &[&'static Mutant], outcomes: Vec<Outcome>) {
        for mutant in mutants {
            self.killers.entry(mutant.name).or_default();
        }
        for Outcome { mutant, behaviour, failed, .. } in outcomes {
            match failed {
                Some(killer) if is_late(&killer) && self.late.contains(&behaviour) => {}
                Some(killer) if killer.verdict == Verdict::Fail => {
                    if killer.exchanges.is_empty() {
                        self.broken.insert(format!("{}: its failure names nothing that was sent or came", killer.name));
                    }
                    self.idle.remove(&behaviour);
                    self.killers.entry(mutant).or_default().insert(killer.name);
                }
                // It says nothing about the mutant, and is not a pass.
                Some(broken) => {
                    self.broken.insert(format!("{mutant}: {}", broken.mismatches.join("; ")));
                }
                None => {}
            }
        }
    }

    pub(super) fn add_everywhere(&mut self, outcomes: Vec<Outcome>) {
        let before = self.idle.clone();
        self.add(&[], outcomes);
        self.only_everywhere.extend(before.difference(&self.idle).cloned());
    }

    pub(super) fn is_idle(&self, behaviour: &str) -> bool {
        self.idle.contains(behaviour)
    }

    /// How many mutants ran.
    #[must_use]
    pub fn mutants(&self) -> usize {
        self.killers.len()
    }

    /// The mutants that nothing noticed.
    #[must_use]
    pub fn survivors(&self) -> Vec<&'static str> {
        self.killers.iter().filter(|(_, killers)| killers.is_empty()).map(|(name, _)| *name).collect()
    }

    /// The MUST cases that kill none but mutants of all areas: that says little of what they are there to notice.
    pub fn only_everywhere(&self) -> impl Iterator<Item = &str> {
        self.only_everywhere.iter().map(String::as_str)
    }

    /// What is wrong with a whole run; empty when every mutant is killed and every MUST case kills one.
    #[must_use]
    pub fn problems(&self) -> Vec<String> {
        let mut out: Vec<String> = self.broken.iter().cloned().collect();
        out.extend(self.survivors().into_iter().map(|name| {
            format!("the mutant {name} lives: add a case to one of its areas that fails on it, or take it out if nobody can tell")
        }));
        out.extend(self.idle.iter().map(|id| {
            let area = id.split('/').next().unwrap_or_default();
            format!(
                "the case {id} kills no mutant: add a server that is wrong in the way the case is there to notice \
                 to src/mutants/, with the area `{area}`; a case that no wrong server can fail says nothing and has to go"
            )
        }));
        out
    }
}

/// Whether the time of a case was over.
pub(super) fn is_late(outcome: &CaseOutcome) -> bool {
    outcome.verdict == Verdict::Fail && outcome.exchanges.iter().any(|exchange| exchange.end == End::TimedOut)
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (name, killers) in &self.killers {
            let named: Vec<_> = killers.iter().take(NAMED).map(String::as_str).collect();
            let more = if killers.len() > NAMED { ", .." } else { "" };
            writeln!(f, "{name}: {} killers: {}{more}", killers.len(), named.join(", "))?;
        }
        let only: Vec<_> = self.only_everywhere.iter().map(String::as_str).collect();
        writeln!(
            f,
            "{} mutants; {} cases kill only mutants of all areas: {}",
            self.mutants(),
            only.len(),
            only.join(", ")
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wire::Exchange;

    static MUTANT: Mutant = Mutant::new("mutant", &["a"], "anything");

    #[test]
    fn a_mutant_that_is_late_lives_where_the_reference_was_late_too() {
        let killed = |late: &[&str], end| {
            let exchange = Exchange { end, ..Exchange::of(Vec::new()) };
            let failed = CaseOutcome::new("a/b".into(), Level::Must, vec!["no answer".into()], vec![exchange]);
            let (behaviour, wanted) = ("a/b".to_owned(), String::new());
            let mut report = Report::default();
            report.reference(late.iter().map(|id| (*id).to_owned()).collect(), Vec::new());
            report.add(&[&MUTANT], vec![Outcome { mutant: MUTANT.name, behaviour, failed: Some(failed), wanted }]);
            report.survivors().is_empty()
        };
        assert!(killed(&[], End::TimedOut) && killed(&["a/c"], End::TimedOut) && killed(&["a/b"], End::Closed));
        assert!(!killed(&["a/b"], End::TimedOut));
    }
}
