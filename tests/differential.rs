//! The same bytes to all four frameworks behind their own servers: one answer.

use std::collections::BTreeMap;

use neurolink::Framework;
use neurolink_conformance::{cases, differential_by_needs};

#[path = "kit/servers.rs"]
mod servers;

use servers::{Servers, divergences};

/// What may differ, with the adapter whose it is: a new line is a decision.
const CLOSED_LIST: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/conformance-tests/divergences.txt");

// Shows S0-40, P-D3.
/// Each case is asked of servers with the configuration that it needs.
#[test]
fn every_case_gets_one_answer_on_all_frameworks() {
    let cases = cases().expect("valid cases");
    let mut servers: BTreeMap<&str, Servers> = BTreeMap::new();
    for case in &cases {
        servers.entry(&case.needs).or_insert_with(|| Servers::start(&Framework::ALL, &case.needs));
    }
    let report = differential_by_needs(|needs| servers[needs].columns(), &cases);
    assert!(report.is_clean(), "{report}");
}

#[test]
fn what_differs_is_the_closed_list() {
    let lines = Framework::ALL.into_iter().flat_map(|framework| divergences(framework).lines(framework.as_str()));
    let now: String = lines.map(|line| line + "\n").collect();
    if std::env::var_os("UPDATE_DIVERGENCES").is_some() {
        std::fs::write(CLOSED_LIST, &now).expect("the list can be written");
    }
    let then = std::fs::read_to_string(CLOSED_LIST).expect("the list");
    assert_eq!(then, now, "the list is closed; if an entry is meant, run again with UPDATE_DIVERGENCES=1");
}
