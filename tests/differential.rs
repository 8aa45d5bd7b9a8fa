//! The same bytes to all four frameworks behind their own servers: one answer.

use neurolink_conformance::{cases, differential};

#[path = "kit/servers.rs"]
mod servers;

use servers::Servers;

#[test]
fn every_case_gets_one_answer_on_all_frameworks() {
    let servers = Servers::start();
    let report = differential(&servers.columns(), &cases().expect("valid cases"));
    assert!(report.is_clean(), "{report}");
}
