//! Generated exchanges to all four frameworks behind their own servers: one answer.
//!
//! The seed is another one each time and is printed; `NEUROLINK_DIFF_SEED`, `NEUROLINK_DIFF_FROM` and
//! `NEUROLINK_DIFF_REQUESTS` choose what is generated.

use std::time::{SystemTime, UNIX_EPOCH};

use neurolink::Framework;
use neurolink_conformance::Divergences;
use neurolink_conformance::generate::{GenerateOptions, KNOWN, generate};

#[path = "kit/hosts.rs"]
mod hosts;
#[path = "kit/servers.rs"]
mod servers;

use servers::{Servers, divergences};

fn number(name: &str) -> Option<u64> {
    std::env::var(name).ok().map(|text| text.parse().expect("a whole number"))
}

/// Another one each time, unless one is wanted.
fn seed() -> u64 {
    let now = || SystemTime::now().duration_since(UNIX_EPOCH).expect("a clock that is right").as_micros() as u64;
    number("NEUROLINK_DIFF_SEED").unwrap_or_else(now)
}

fn is_answered_alike(servers: &Servers, requests: u64, repeat: &str) {
    let requests = number("NEUROLINK_DIFF_REQUESTS").unwrap_or(requests);
    let (seed, from) = (seed(), number("NEUROLINK_DIFF_FROM").unwrap_or(0));
    // Before the run, so that one that does not end can be repeated too.
    println!("{requests} exchanges, repeat: {repeat} --seed {seed} --from {from} --requests {requests}");
    let options = GenerateOptions { requests, seed, from, repeat, ..GenerateOptions::default() };
    let report = generate(&servers.columns(), options);
    println!("{report}");
    assert!(report.is_clean(), "{report}");
    assert_eq!(report.asked, requests);
}

#[test]
fn every_generated_exchange_gets_one_answer_on_all_frameworks() {
    is_answered_alike(&Servers::start(&Framework::ALL, "reference"), 20_000, "cargo conformance diff");
}

/// What only actix is known to answer otherwise is not generated for all four; here it is.
#[test]
fn every_generated_exchange_gets_one_answer_on_the_frameworks_that_are_hyper() {
    let hyper = [Framework::Axum, Framework::Warp, Framework::Poem];
    let repeat = "cargo conformance diff --framework axum --framework warp --framework poem";
    is_answered_alike(&Servers::start(&hyper, "reference"), 5_000, repeat);
}

/// In a router of the framework's own, beside a route of the host's: what the host answers itself is not compared.
#[test]
fn every_generated_exchange_gets_one_answer_from_apps_in_a_host() {
    let servers = Servers::start_as(hosts::mounted, &Framework::ALL, "reference");
    let repeat = "cargo test --workspace --all-features --test generated in_a_host # with NEUROLINK_DIFF_SEED, _FROM and _REQUESTS for";
    is_answered_alike(&servers, 3_000, repeat);
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
