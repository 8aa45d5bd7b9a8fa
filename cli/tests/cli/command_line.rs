//! Help, nonsense, and where output goes.

use std::fs::OpenOptions;
use std::process::Stdio;

use crate::kit::{err, neurolink, out, run};

#[test]
fn help_has_examples_of_every_command() {
    for arguments in [&["--help"][..], &["serve", "--help"], &["routes", "--help"], &["config", "--help"]] {
        let output = run(arguments);
        assert!(output.status.success());
        let text = out(&output);
        assert!(text.contains("Examples:") && text.contains("  neurolink "), "{text}");
    }
    let text = out(&run(&["serve", "--help"]));
    for flag in [
        "--framework",
        "--host",
        "--port",
        "--base-path",
        "--config",
        "--preset",
        "--cors-origin",
        "--rate-limit",
        "--body-limit",
        "--log",
        "--allow-unauthenticated",
    ] {
        assert!(text.contains(flag), "{flag}: {text}");
    }
    assert!(!text.contains("--token"), "secrets have no flag");
}

#[test]
fn nothing_and_nonsense_are_mistakes_of_the_command_line() {
    for arguments in [&[][..], &["server"], &["serve", "--fast"], &["routes", "--format", "xml"]] {
        let output = run(arguments);
        assert_eq!(output.status.code(), Some(2), "{arguments:?}");
        assert!(out(&output).is_empty() && !err(&output).is_empty());
    }
}

#[test]
fn help_is_at_most_100_columns_wide() {
    let conformance = ["run", "matrix", "diff", "soak"].map(|command| ["conformance", command, "--help"]);
    let plain = [["--help"].as_slice(), &["serve", "--help"], &["routes", "--help"], &["config", "--help"]];
    for arguments in plain.into_iter().chain(conformance.iter().map(|arguments| &arguments[..])) {
        let text = out(&run(arguments));
        let longest = text.lines().max_by_key(|line| line.chars().count()).expect("lines");
        assert!(longest.chars().count() <= 100, "{arguments:?}: {longest}");
    }
}

#[cfg(target_os = "linux")]
#[test]
fn a_full_disk_is_a_failure() {
    for arguments in [
        &["--help"][..],
        &["--version"],
        &["config"],
        &["config", "--format", "json"],
        &["routes"],
        &["serve", "--port", "0"],
        &["conformance", "list"],
        &["conformance", "list", "--needs"],
    ] {
        let full = OpenOptions::new().write(true).open("/dev/full").expect("the full device");
        let output = neurolink(arguments).stdout(full).output().expect("the binary runs");
        assert_eq!(output.status.code(), Some(1), "{arguments:?}");
        assert!(err(&output).contains("cannot write to standard output"), "{arguments:?}: {}", err(&output));
    }
}

#[test]
fn a_reader_that_is_gone_is_no_failure() {
    for arguments in [&["--help"][..], &["config"], &["conformance", "list"]] {
        let mut child = neurolink(arguments).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("starts");
        drop(child.stdout.take());
        let output = child.wait_with_output().expect("ends");
        assert_eq!((output.status.code(), err(&output).as_str()), (Some(0), ""), "{arguments:?}");
    }
}
