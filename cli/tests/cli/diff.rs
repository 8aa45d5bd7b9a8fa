//! `neurolink conformance diff`: generated requests to several servers.

use serde_json::Value;

use crate::kit::{Serving, err, folder, frameworks, neurolink, out, run};

#[test]
fn a_run_without_a_finding_is_a_success_and_a_row_of_the_table() {
    let file = folder().join("runs.md");
    std::fs::write(&file, "| date |\n|---|\n").expect("a file");
    let path = file.to_str().expect("UTF-8");
    let output = run(&[
        "conformance",
        "diff",
        "--requests",
        "200",
        "--seed",
        "3",
        "--from",
        "100",
        "--append",
        path,
        "--format",
        "json",
        "--framework",
        "axum",
        "--framework",
        frameworks().last().expect("one at least"),
    ]);
    let report: Value = serde_json::from_slice(&output.stdout).expect("JSON");
    assert!(output.status.success() && report["findings"] == serde_json::json!([]), "{report}{}", err(&output));
    assert_eq!((&report["seed"], &report["from"], &report["exchanges"]), (&3.into(), &100.into(), &200.into()));
    assert!(report["rate"].as_f64().is_some_and(|rate| rate > 0.0), "{report}");
    let table = std::fs::read_to_string(&file).expect("the table");
    let row = table.lines().last().expect("a row");
    assert!(table.starts_with("| date |\n") && row.contains("| 3 from 100 | 200 | axum, "), "{table}");
    assert!(row.ends_with("| none |"), "{row}");
}

#[test]
fn a_finding_is_a_failure_with_the_command_that_repeats_it() {
    let other = Serving::start(&mut neurolink(&["conformance", "serve", "--needs", "drain"]));
    let url = format!("other=http://{}", other.address);
    let asked = ["conformance", "diff", "--framework", "axum", "--url", &url];
    let output = run(&[&asked[..], &["--requests", "2", "--seed", "1"]].concat());
    let text = out(&output);
    assert_eq!(output.status.code(), Some(1), "{text}{}", err(&output));
    assert!(err(&output).contains("not answered alike"), "{}", err(&output));
    assert!(text.starts_with("seed 1: ") && text.contains("\n  axum:\n") && text.contains("\n  other:\n"), "{text}");
    let command = text.lines().find_map(|line| line.trim().strip_prefix("repeat: neurolink ")).expect("a command");
    assert!(command.contains(&format!("--framework axum --url {url} --seed 1 --from ")), "{command}");
    let again = run(&command.split(' ').collect::<Vec<_>>());
    assert_eq!(again.status.code(), Some(1), "{}{}", out(&again), err(&again));
}

#[test]
fn a_table_that_cannot_be_added_to_is_told_before_anything_is_asked() {
    let missing = folder().join("missing.md");
    let output = run(&["conformance", "diff", "--requests", "2", "--append", missing.to_str().expect("UTF-8")]);
    assert_eq!(output.status.code(), Some(1));
    assert!(output.stdout.is_empty() && err(&output).contains("missing.md"), "{}", err(&output));
}

#[test]
fn one_server_cannot_be_compared() {
    let output = run(&["conformance", "diff", "--framework", "axum"]);
    assert_eq!(output.status.code(), Some(1));
    assert!(err(&output).contains("one server cannot be compared"), "{}", err(&output));
}
