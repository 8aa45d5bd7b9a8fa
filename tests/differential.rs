//! The same bytes to all four frameworks behind their own servers: one answer.

use std::collections::BTreeMap;

use neurolink::Framework;
use neurolink_conformance::{cases, differential_by_needs};

#[path = "kit/servers.rs"]
mod servers;

use servers::Servers;

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
