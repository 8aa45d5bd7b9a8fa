//! The proof that the cases can fail: every mutant is killed, and every MUST case kills one.
//!
//! `MUTANTS=all` runs every case against every mutant; `MUTANTS=<part of a name>` runs only those mutants.

use neurolink_conformance::mutants::{self, MutantOptions};

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
    let problems = report.problems();
    assert!(problems.is_empty(), "{} problems:\n- {}", problems.len(), problems.join("\n- "));
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
