//! Runs mutants against cases, and keeps who killed whom.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

use super::mutant::Mutant;
use super::report::{Report, is_late};
use crate::suite::{Suite, Test};
use crate::verdict::{CaseOutcome, Verdict};

/// Most of the time is spent waiting, so there are more threads than processors.
const THREADS: usize = 32;

/// Milliseconds that a case may take, the reference's too: a mutant that says nothing is not waited for longer.
const LONGEST: u64 = 1500;

/// The server that is wrong in nothing.
static REFERENCE: Mutant = Mutant::new("reference", &[], "nothing");

/// What is run.
#[derive(Clone, Debug, Default)]
pub struct MutantOptions {
    /// Runs every case against every mutant, not only those of its areas that may tell more.
    pub all: bool,
    /// Runs only the mutants whose names contain this.
    pub filter: Option<String>,
}

/// One behaviour: the rows of a case, or a conversation.
type Behaviour = Vec<Test>;

/// What became of one mutant and one behaviour.
pub(super) struct Outcome {
    pub(super) mutant: &'static str,
    pub(super) behaviour: String,
    /// The first test that failed, if any.
    pub(super) failed: Option<CaseOutcome>,
    /// What that test wants to come back.
    pub(super) wanted: String,
}

/// Runs the mutants: those of an area against its cases, then those of all areas against the cases that killed none.
///
/// # Errors
/// A file of cases is malformed.
pub fn run(mutants: &[&'static Mutant], options: &MutantOptions) -> Result<Report, String> {
    let mut by_id: BTreeMap<String, Behaviour> = BTreeMap::new();
    for test in Suite::new(&REFERENCE, "")?.tests() {
        by_id.entry(test.id().to_owned()).or_default().push(test.clone());
    }
    let patient: Vec<Behaviour> = by_id.into_values().collect();
    let mut report = Report::new(patient.iter().filter_map(|rows| rows.first()));
    let short = |rows: &Behaviour| rows.iter().map(|test| test.clone().within(LONGEST)).collect();
    let behaviours: Vec<Behaviour> = patient.iter().map(short).collect();
    let (late, failed) = control(&behaviours, &patient);
    report.reference(late, failed);

    let wanted = |mutant: &&Mutant| options.filter.as_ref().is_none_or(|part| mutant.name.contains(&**part));
    let mutants: Vec<_> = mutants.iter().copied().filter(wanted).collect();
    let (everywhere, themed): (Vec<_>, Vec<_>) = mutants.iter().partition(|mutant| mutant.areas.is_empty());

    let whole = |mutant: &'static Mutant| behaviours.iter().map(move |rows| (mutant, rows));
    let its = |mutant: &Mutant, rows: &Behaviour| options.all || rows.iter().any(|test| mutant.belongs_to(test.area()));
    let themed = themed.into_iter().flat_map(whole).filter(|(mutant, rows)| its(mutant, rows));
    report.add(&mutants, run_pairs(&themed.collect::<Vec<_>>(), options.all));

    for mutant in everywhere {
        let left = |rows: &Behaviour| options.all || rows.iter().any(|test| report.is_idle(test.id()));
        let pairs: Vec<_> = whole(mutant).filter(|(_, rows)| left(rows)).collect();
        report.add_everywhere(run_pairs(&pairs, true));
        if report.survivors().contains(&mutant.name) {
            // It has to be seen all the same; a few cases are enough for what breaks everything.
            report.add(&[], run_pairs(&whole(mutant).take(THREADS).collect::<Vec<_>>(), true));
        }
    }
    Ok(report)
}

/// Runs everything against the reference as against a mutant, and what failed a second time, with nothing beside it and
/// all its own time: the behaviours that needed that, and what the second time came to.
///
/// Only the reference has a second try, for a busy machine is no fault of its. What it needed that for is not believed
/// of a mutant that was late.
fn control(behaviours: &[Behaviour], patient: &[Behaviour]) -> (BTreeSet<String>, Vec<Outcome>) {
    let pairs: Vec<_> = behaviours.iter().map(|rows| (&REFERENCE, rows)).collect();
    let failed = run_pairs(&pairs, true).into_iter().filter(|outcome| outcome.failed.is_some());
    let failed: BTreeSet<String> = failed.map(|outcome| outcome.behaviour).collect();
    let has_failed = |rows: &&Behaviour| rows.iter().any(|test| failed.contains(test.id()));
    let again = patient.iter().filter(has_failed).flat_map(|rows| run_pairs(&[(&REFERENCE, rows)], true)).collect();
    (failed, again)
}

/// Runs all pairs, several at a time. A mutant's servers end with its last pair.
fn run_pairs(pairs: &[(&'static Mutant, &Behaviour)], all: bool) -> Vec<Outcome> {
    let mut suites: HashMap<&str, (Suite, AtomicUsize)> = HashMap::new();
    for (mutant, _) in pairs {
        let new = || (Suite::of(*mutant, Vec::new()), AtomicUsize::new(0));
        suites.entry(mutant.name).or_insert_with(new).1.fetch_add(1, Ordering::Relaxed);
    }
    let (next, seen) = (AtomicUsize::new(0), Mutex::new(Seen::default()));
    std::thread::scope(|scope| {
        for _ in 0..THREADS.min(pairs.len()) {
            scope.spawn(|| {
                while let Some((mutant, rows)) = pairs.get(next.fetch_add(1, Ordering::Relaxed)) {
                    let (suite, left) = &suites[mutant.name];
                    if all || lock(&seen).may_tell_more(mutant, rows) {
                        let mut asked = rows.iter().map(|test| (suite.run(test), test.wanted()));
                        let failed = asked.find(|(outcome, _)| outcome.verdict != Verdict::Pass).unzip();
                        let behaviour = rows.first().map(|test| test.id().to_owned()).unwrap_or_default();
                        let (failed, wanted) = (failed.0, failed.1.unwrap_or_default());
                        lock(&seen).note(Outcome { mutant: mutant.name, behaviour, failed, wanted });
                    }
                    if left.fetch_sub(1, Ordering::AcqRel) == 1 {
                        suite.stop();
                    }
                }
            });
        }
    });
    seen.into_inner().unwrap_or_else(PoisonError::into_inner).outcomes
}

fn lock(seen: &Mutex<Seen>) -> MutexGuard<'_, Seen> {
    seen.lock().unwrap_or_else(PoisonError::into_inner)
}

/// What the pairs that have run came to.
#[derive(Default)]
struct Seen {
    outcomes: Vec<Outcome>,
    /// Mutants that are dead, and behaviours that killed one; not by being late, which a busy machine may be.
    dead: HashSet<&'static str>,
    killers: HashSet<String>,
}

impl Seen {
    fn note(&mut self, outcome: Outcome) {
        if outcome.failed.as_ref().is_some_and(|failed| failed.verdict == Verdict::Fail && !is_late(failed)) {
            self.dead.insert(outcome.mutant);
            self.killers.insert(outcome.behaviour.clone());
        }
        self.outcomes.push(outcome);
    }

    /// Whether the mutant still lives, or the behaviour has killed none.
    fn may_tell_more(&self, mutant: &Mutant, rows: &Behaviour) -> bool {
        !self.dead.contains(mutant.name) || rows.first().is_none_or(|test| !self.killers.contains(test.id()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    static HARMLESS: Mutant = Mutant::new("harmless", &["mount"], "nothing");
    static BROKEN: Mutant = Mutant::new("broken", &["mount"], "does not start")
        .app(|builder| builder.configure(|settings| settings.limits.uri = 0));

    #[test]
    fn what_nobody_notices_what_notices_nothing_and_what_does_not_run_are_problems() {
        let report = run(&[&HARMLESS, &BROKEN], &MutantOptions::default()).unwrap();
        assert_eq!(report.survivors(), ["broken", "harmless"]);
        let problems = report.problems().join("\n");
        for part in [
            "the mutant harmless lives",
            "broken: broken does not start with `reference`",
            "the case mount/native-route-is-the-hosts kills no mutant",
            "with the area `mount`",
        ] {
            assert!(problems.contains(part), "{part}: {problems}");
        }
        assert!(!problems.contains("the reference fails"), "{problems}");
    }
}
