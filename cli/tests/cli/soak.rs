//! `neurolink conformance soak`: load of all kinds, and nothing left of it.

use serde_json::Value;

use crate::kit::{err, frameworks, out, run};

/// Three seconds on a framework whose HTTP is hyper's and on one with its own, each in a process.
#[test]
fn a_short_soak_leaves_nothing() {
    let last = if frameworks().contains(&"actix") { "actix" } else { "axum" };
    let soak = ["conformance", "soak", "--minutes", "0.05", "--clients", "4", "--format", "json"];
    let output = run(&[&soak[..], &["--framework", "axum", "--adapter", last]].concat());
    let outcomes: Value = serde_json::from_slice(&output.stdout).expect("JSON");
    assert!(output.status.success(), "{outcomes:#}{}", err(&output));
    for (outcome, name) in outcomes.as_array().expect("a list").iter().zip(["axum", last]) {
        assert_eq!((&outcome["name"], &outcome["wrong"]), (&name.into(), &0.into()), "{outcome}");
        assert!(outcome["visits"].as_u64() > Some(20) && outcome["restarts"].as_u64() > Some(0), "{outcome}");
        let measures = outcome["measures"].as_array().expect("a list");
        let has = |what: &str| measures.iter().any(|measure| measure["what"] == what);
        assert!(has("reference: requests in the engine") && has("drain: open connections") && has("open files"));
    }
    assert_eq!(err(&output), "", "progress is for terminals");
}

#[test]
fn a_soak_of_no_time_is_a_mistake_of_the_command_line() {
    let output = run(&["conformance", "soak", "--minutes", "0"]);
    assert_eq!(output.status.code(), Some(2), "{}", out(&output));
    assert!(err(&output).contains("between 0.01 and 10000"), "{}", err(&output));
}
