//! The same bytes to all four frameworks behind their own servers: one answer.

use neurolink::Framework;
use neurolink_conformance::{Column, Divergences, Running, Subject as _, cases, differential, reference};

/// What an adapter says that its framework forces.
fn divergences(framework: Framework) -> Divergences {
    Divergences::parse(framework.divergences().expect("compiled in")).expect("a valid list")
}

#[test]
fn every_case_gets_one_answer_on_all_frameworks() {
    let servers: Vec<(Framework, Divergences, Running)> = Framework::ALL
        .into_iter()
        .map(|framework| {
            let adapter = framework.adapter().expect("compiled in");
            let running = reference::Served::by(adapter).start("reference").expect("starts");
            (framework, divergences(framework), running)
        })
        .collect();
    let columns: Vec<Column<'_>> = servers
        .iter()
        .map(|(framework, divergences, running)| {
            Column::new(framework.as_str(), running.addr).with_divergences(divergences)
        })
        .collect();
    let report = differential(&columns, &cases().expect("valid cases"));
    assert!(report.is_clean(), "{report}");
}
