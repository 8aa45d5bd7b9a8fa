//! The proof that the cases can fail: every mutant is killed, and every MUST case kills one.
//!
//! `MUTANTS=all` runs every case against every mutant; `MUTANTS=<part of a name>` runs only those mutants.

use std::collections::BTreeSet;

use neurolink_conformance::mutants::{self, MutantOptions};

/// The cases that kill only mutants of all areas: a closed list, which is meant to become shorter.
///
/// One that kills another mutant in some runs only says ` varies` behind its id.
const ONLY_EVERYWHERE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/only-everywhere.txt");

#[test]
fn every_mutant_is_killed_and_every_must_case_kills_one() {
    let asked = std::env::var("MUTANTS").ok();
    let all = asked.as_deref() == Some("all");
    let options = MutantOptions { all, filter: asked.filter(|_| !all) };
    let report = mutants::run(&mutants::all(), &options).expect("the cases are well-formed");
    println!("{report}");
    if options.filter.is_some() {
        // Only a part of the mutants ran, so nothing can be said about the cases.
        assert_eq!(report.survivors(), Vec::<&str>::new());
        return;
    }
    if std::env::var_os("UPDATE_EVERYWHERE").is_some() && !all {
        let varying: BTreeSet<_> = listed(&read()).filter(|(_, varies)| *varies).map(|(id, _)| id.to_owned()).collect();
        let ids: BTreeSet<_> = report.only_everywhere().map(str::to_owned).chain(varying.iter().cloned()).collect();
        let line = |id: &String| format!("{id}{}\n", if varying.contains(id) { VARIES } else { "" });
        std::fs::write(ONLY_EVERYWHERE, ids.iter().map(line).collect::<String>()).expect("the list can be written");
    }
    let (list, found) = (read(), report.only_everywhere().collect::<BTreeSet<_>>());
    let mut problems = report.problems();
    problems.extend(found.iter().filter(|id| !listed(&list).any(|(listed, _)| listed == **id)).map(|id| {
        format!(
            "the case {id} kills only mutants that break everything: add one of its own area; if there can be none, \
             run again with UPDATE_EVERYWHERE=1"
        )
    }));
    // With every case against every mutant there are others that notice.
    let gone = listed(&list).filter(|(id, varies)| !all && !varies && !found.contains(id));
    problems.extend(gone.map(|(id, _)| format!("the case {id} kills a mutant of its own: take it off the list")));
    assert!(problems.is_empty(), "{} problems:\n- {}", problems.len(), problems.join("\n- "));
}

const VARIES: &str = " varies";

fn read() -> String {
    std::fs::read_to_string(ONLY_EVERYWHERE).expect("the list")
}

/// The ids of the list, and whether each varies.
fn listed(list: &str) -> impl Iterator<Item = (&str, bool)> {
    list.lines().map(|line| line.strip_suffix(VARIES).map_or((line, false), |id| (id, true)))
}

#[test]
fn the_list_of_cases_that_kill_only_mutants_of_all_areas_names_cases() {
    let ids = neurolink_conformance::case_ids().expect("the cases are well-formed");
    let list = read();
    let gone: Vec<_> = listed(&list).map(|(id, _)| id).filter(|id| !ids.contains(*id)).collect();
    assert_eq!(gone, Vec::<&str>::new());
}

#[test]
fn mutants_have_names_of_their_own_and_there_are_enough() {
    let mut names: Vec<_> = mutants::all().into_iter().map(|mutant| mutant.name).collect();
    let count = names.len();
    names.sort_unstable();
    names.dedup();
    assert_eq!(names.len(), count);
    assert!(count >= 40, "{count}");
}
