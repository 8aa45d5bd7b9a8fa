//! `neurolink conformance`: the suite against the frameworks of the binary, and against a server by its address.

use crate::kit::{Serving, err, folder, neurolink, out, run};

#[test]
fn a_filter_that_matches_nothing_is_a_failure_with_a_hint() {
    let output = run(&["conformance", "run", "no-such-case", "--framework", "axum"]);
    assert_eq!(output.status.code(), Some(1));
    let text = err(&output);
    assert!(text.contains("no case is called \"no-such-case\"") && text.contains("conformance list"), "{text}");
}

#[test]
fn a_configuration_that_is_listed_can_be_loaded() {
    let output = run(&["conformance", "list", "--needs", "reference"]);
    assert!(output.status.success(), "{}", err(&output));
    let file = folder().join("reference.toml");
    std::fs::write(&file, &output.stdout).expect("a file");
    let config = neurolink(&["config", "--config"]).arg(&file).output().expect("the binary runs");
    assert!(config.status.success(), "{}", err(&config));
    let unknown = run(&["conformance", "list", "--needs", "nonsense"]);
    assert_eq!(unknown.status.code(), Some(1));
    assert!(err(&unknown).contains("there are reference"), "{}", err(&unknown));
}

#[test]
fn the_coverage_is_what_the_documentation_says() {
    let text = out(&run(&["conformance", "list", "--coverage"]));
    assert_eq!(text.trim_end(), include_str!("../../../docs/coverage.md").trim_end());
}

#[test]
fn the_list_is_text_or_json_and_can_be_filtered() {
    let text = out(&run(&["conformance", "list", "methods/405-lists-allow"]));
    assert!(text.contains("MUST   methods/405-lists-allow") && text.contains("(needs reference"), "{text}");
    let output = run(&["conformance", "list", "methods/", "--format", "json"]);
    let list: serde_json::Value = serde_json::from_slice(&output.stdout).expect("JSON");
    let list = list.as_array().expect("a list");
    assert!(!list.is_empty() && list.iter().all(|test| test["area"] == "methods"), "{list:?}");
}

#[test]
fn a_server_is_asked_by_its_address() {
    let serving = Serving::start(&mut neurolink(&["conformance", "serve"]));
    let url = format!("there=http://{}", serving.address);
    let output = run(&["conformance", "run", "methods/", "--url", &url]);
    let text = out(&output);
    assert!(output.status.success(), "{text}{}", err(&output));
    assert!(text.starts_with("there: ") && text.contains(" pass") && !text.contains("failed"), "{text}");
}

#[test]
fn what_cannot_be_observed_is_counted_and_a_run_of_nothing_else_is_no_success() {
    let serving = Serving::start(&mut neurolink(&["conformance", "serve"]));
    let url = format!("there=http://{}", serving.address);
    // The server runs with another configuration than it is said to.
    let case =
        ["conformance", "run", "--exact", "routing/known-route-is-answered", "--needs", "another", "--url", &url];
    let output = run(&case);
    assert!(output.status.code() == Some(1) && err(&output).contains("nothing was asked"), "{}", err(&output));
    let why = "it needs a server with the configuration `reference`";
    assert_eq!(out(&output), format!("there: 0 pass, 1 not observable\n  1 not observable: {why}\n"));
    let output = run(&[&case[..], &["--format", "junit"]].concat());
    assert!(out(&output).contains("skipped=\"1\""), "{}", out(&output));
}

#[test]
fn what_is_known_of_a_server_elsewhere_is_no_failure() {
    let serving = Serving::start(&mut neurolink(&["conformance", "serve", "--framework", "actix"]));
    let url = format!("there=http://{}", serving.address);
    let case = ["conformance", "run", "parser/method-of-unusual-characters", "--url", &url];
    assert_eq!(run(&case).status.code(), Some(1));
    let output = run(&[&case[..], &["--known", "actix"]].concat());
    assert!(output.status.success() && out(&output).contains("known differences"), "{}", out(&output));
    let output = run(&[&case[..], &["--known", "no-such-file.toml"]].concat());
    assert!(output.status.code() == Some(1) && err(&output).contains("--known no-such-file.toml"), "{}", err(&output));
}

#[test]
fn results_are_json_or_junit() {
    let arguments = ["conformance", "run", "envelope/", "--framework", "axum", "--format"];
    let output = run(&[&arguments[..], &["json"]].concat());
    let matrix: serde_json::Value = serde_json::from_slice(&output.stdout).expect("JSON");
    assert!(output.status.success() && matrix["rows"].as_array().is_some_and(|rows| !rows.is_empty()), "{matrix}");

    let output = run(&[&arguments[..], &["junit"]].concat());
    let text = out(&output);
    assert!(output.status.success() && text.starts_with("<?xml version=\"1.0\" encoding=\"UTF-8\"?>"), "{text}");
    assert_eq!(open_elements(&text), [""; 0], "every element is closed");
    assert!(text.contains("<testcase classname=\"axum.envelope\" name=\"envelope/"), "{text}");
}

/// The elements of a document that are opened and not closed, in a reader that knows elements only.
fn open_elements(xml: &str) -> Vec<String> {
    let mut open: Vec<String> = Vec::new();
    for tag in xml.split('<').skip(1).map(|rest| rest.split_once('>').expect("a tag has an end").0) {
        if let Some(name) = tag.strip_prefix('/') {
            assert_eq!(open.pop().as_deref(), Some(name));
        } else if !tag.starts_with('?') && !tag.ends_with('/') {
            open.push(tag.split(' ').next().unwrap_or_default().to_owned());
        }
    }
    open
}

#[test]
fn a_matrix_that_is_not_current_is_told_by_its_line() {
    let serving = Serving::start(&mut neurolink(&["conformance", "serve"]));
    // A configuration that the server does not run with: every case is listed and none has to be asked.
    let url = format!("there=http://{}", serving.address);
    let matrix = ["conformance", "matrix", "--url", &url, "--needs", "another"];
    let file = folder().join("matrix.md");
    let path = file.to_str().expect("UTF-8");
    let written = run(&[&matrix[..], &["--output", path]].concat());
    assert!(written.status.success(), "{}", err(&written));
    let current = run(&[&matrix[..], &["--check", path]].concat());
    assert!(current.status.success() && out(&current).contains("is current"), "{}", err(&current));

    let text = std::fs::read_to_string(&file).expect("the matrix");
    let mut lines: Vec<&str> = text.lines().collect();
    lines[2] = "something else";
    std::fs::write(&file, lines.join("\n") + "\n").expect("a file");
    let stale = run(&[&matrix[..], &["--check", path]].concat());
    assert_eq!(stale.status.code(), Some(1));
    let text = err(&stale);
    assert!(text.contains("is not current; line 3 is\n  something else\nand should be"), "{text}");

    // The JSON of a folder has the verdicts without the bytes, and is compared with them.
    let file = folder().join("matrix.json");
    let (page, path) = (path, file.to_str().expect("UTF-8"));
    std::fs::write(&file, "{}\n").expect("a file");
    let stale = run(&[&matrix[..], &["--check", page, "--check", path]].concat());
    let text = err(&stale);
    assert!([page, path].iter().all(|file| text.contains(&format!("{file} is not current"))), "both are told: {text}");
    let stale = run(&[&matrix[..], &["--check", path]].concat());
    let text = err(&stale);
    let right = text.split("and should be\n  ").nth(1).expect("what it should be").trim_end();
    assert!(stale.status.code() == Some(1) && right.starts_with("{\"columns\":[{\"name\":\"there\"}]"), "{text}");
}
