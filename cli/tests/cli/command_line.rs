//! Help, nonsense, and where output goes.

use std::fs::OpenOptions;
use std::process::Stdio;

use crate::kit::{err, neurolink, out, run};

/// The help of the binary and of everything below it that can be run.
fn helps() -> Vec<(String, String)> {
    let help = |path: &[&str]| {
        let output = run(&[path, &["--help"]].concat());
        assert!(output.status.success(), "{path:?}");
        (path.join(" "), out(&output))
    };
    let commands = |help: &str| -> Vec<String> {
        let lines = help.lines().skip_while(|line| *line != "Commands:").skip(1).take_while(|line| !line.is_empty());
        let named = lines.filter(|line| line.starts_with("  ") && !line.starts_with("   "));
        named
            .filter_map(|line| line.split_whitespace().next())
            .filter(|name| *name != "help")
            .map(str::to_owned)
            .collect()
    };
    let mut helps = vec![help(&[])];
    for command in commands(&helps[0].1) {
        let own = help(&[&command]);
        let below = commands(&own.1);
        if below.is_empty() {
            helps.push(own);
        }
        helps.extend(below.iter().map(|name| help(&[&command, name])));
    }
    helps
}

#[test]
fn help_has_examples_of_every_command() {
    let helps = helps();
    let names: Vec<&str> = helps.iter().map(|(name, _)| name.as_str()).collect();
    for name in [
        "",
        "serve",
        "routes",
        "config",
        "key issue",
        "key revoke",
        "password",
        "conformance run",
        "conformance serve",
        "conformance soak",
    ] {
        assert!(names.contains(&name), "{name} is missing in {names:?}");
    }
    assert_eq!(names.len(), 13, "{names:?}");
    for (name, text) in &helps {
        assert!(text.contains("Examples:") && text.contains(&format!("  neurolink {name}")), "{name}: {text}");
    }
}

#[test]
fn the_tests_that_help_and_documentation_name_exist() {
    let page = include_str!("../../../docs/conformance.md");
    let readme = include_str!("../../../conformance-tests/README.md");
    let mut texts: Vec<String> = helps().into_iter().map(|(_, text)| text).collect();
    texts.extend([page.to_owned(), readme.to_owned()]);
    let quoted: Vec<&str> = texts
        .iter()
        .flat_map(|text| text.split("--exact '").skip(1))
        .map(|rest| rest.split('\'').next().expect("a beginning"))
        .collect();
    assert!(quoted.len() >= 3, "{quoted:?}");
    let tests = neurolink_conformance::test_names().expect("well-formed cases");
    for name in quoted {
        assert!(tests.iter().any(|test| test == name), "no test is called {name}");
    }
}

#[test]
fn serve_has_its_flags_and_none_for_secrets() {
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
    for (name, text) in helps() {
        let longest = text.lines().max_by_key(|line| line.chars().count()).expect("lines");
        assert!(longest.chars().count() <= 100, "{name}: {longest}");
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
