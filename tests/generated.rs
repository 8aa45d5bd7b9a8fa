//! Generated exchanges to all four frameworks behind their own servers: one answer.
//!
//! `NEUROLINK_DIFF_SEED`, `NEUROLINK_DIFF_FROM` and `NEUROLINK_DIFF_REQUESTS` choose what is generated.

use neurolink::Framework;
use neurolink_conformance::Divergences;
use neurolink_conformance::generate::{GenerateOptions, KNOWN, generate};

#[path = "kit/servers.rs"]
mod servers;

use servers::{Servers, divergences};

fn number(name: &str, default: u64) -> u64 {
    std::env::var(name).map_or(default, |text| text.parse().expect("a whole number"))
}

#[test]
fn every_generated_exchange_gets_one_answer_on_all_frameworks() {
    let servers = Servers::start();
    let requests = number("NEUROLINK_DIFF_REQUESTS", 20_000);
    let seed = number("NEUROLINK_DIFF_SEED", 1);
    let from = number("NEUROLINK_DIFF_FROM", 0);
    println!("seed {seed}");
    let report = generate(&servers.columns(), GenerateOptions { requests, seed, from, ..GenerateOptions::default() });
    println!("{report}");
    assert!(report.is_clean(), "{report}");
    assert_eq!(report.asked, requests);
}

/// The differential of all cases fails when an entry is not true any more; so does this when an exclusion has none.
#[test]
fn what_is_not_generated_is_an_entry_of_an_adapter() {
    let lists: Vec<Divergences> = Framework::ALL.into_iter().map(divergences).collect();
    let entries: Vec<&str> = lists
        .iter()
        .flat_map(|list| list.divergence.iter().chain(&list.difference))
        .map(|entry| entry.case.as_str())
        .collect();
    let without: Vec<&str> = KNOWN.iter().map(|known| known.case).filter(|case| !entries.contains(case)).collect();
    assert_eq!(without, Vec::<&str>::new());
}
