//! The proof that the cases can fail: every mutant is killed, and every MUST case kills one.
//!
//! `MUTANTS=all` runs every case against every mutant; `MUTANTS=<part of a name>` runs only those mutants.

use neurolink_conformance::mutants::{self, MutantOptions};

/// The cases that kill only mutants of all areas: a closed list, which is meant to become shorter.
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
    if std::env::var_os("UPDATE_EVERYWHERE").is_some() {
        let lines: String = report.only_everywhere().map(|id| format!("{id}\n")).collect();
        std::fs::write(ONLY_EVERYWHERE, lines).expect("the list can be written");
    }
    let list = std::fs::read_to_string(ONLY_EVERYWHERE).expect("the list");
    let new: Vec<_> = report.only_everywhere().filter(|id| !list.lines().any(|line| line == *id)).collect();
    let mut problems = report.problems();
    problems.extend(new.iter().map(|id| {
        format!(
            "the case {id} kills only mutants that break everything: add one of its own area; if there can be none, \
             run again with UPDATE_EVERYWHERE=1"
        )
    }));
    assert!(problems.is_empty(), "{} problems:\n- {}", problems.len(), problems.join("\n- "));
}

#[test]
fn the_list_of_cases_that_kill_only_mutants_of_all_areas_names_cases() {
    let ids = neurolink_conformance::case_ids().expect("the cases are well-formed");
    let list = std::fs::read_to_string(ONLY_EVERYWHERE).expect("the list");
    let gone: Vec<_> = list.lines().filter(|id| !ids.contains(*id)).collect();
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
