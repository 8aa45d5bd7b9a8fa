use std::collections::BTreeSet;
use std::path::Path;

use super::check::{Evidence, ids_in, problems, tests_of};
use super::features::{FEATURES, Feature, Probe, Registered};
use super::*;

const IDS: &str = include_str!("../requirement-ids.txt");
const PAGE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../docs/coverage.md");

fn registered() -> Registered {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let app = crate::reference::app("reference").expect("the reference app");
    Registered { features: FEATURES, root, routes: app.plan().routes.iter().map(|route| route.path.clone()).collect() }
}

fn requirement_ids() -> Vec<String> {
    IDS.lines().map(str::to_owned).collect()
}

fn origin_ids() -> Vec<String> {
    let lists = [("V", 74), ("O-D", 48), ("P-D", 34), ("W", 43)];
    lists.iter().flat_map(|(list, last)| (1..=*last).map(move |n| format!("{list}{n}"))).collect()
}

#[test]
fn there_are_275_requirements() {
    let ids = requirement_ids();
    assert_eq!(ids.iter().collect::<BTreeSet<_>>().len(), 275);
    assert_eq!(ids.len(), 275);
}

#[test]
fn every_requirement_and_every_origin_is_what_its_row_says() {
    let registered = registered();
    let evidence = Evidence::collect(&registered.root);
    let mut found = problems(&requirements().unwrap(), &requirement_ids(), &evidence, &registered);
    found.extend(problems(&origins().unwrap(), &origin_ids(), &evidence, &registered));
    assert!(found.is_empty(), "\n{}", found.join("\n"));
}

#[test]
fn cases_name_only_rows_that_exist() {
    let known: BTreeSet<_> = requirement_ids().into_iter().chain(origin_ids()).collect();
    let evidence = Evidence::collect(Path::new(env!("CARGO_MANIFEST_DIR")));
    for (case, named) in evidence.cases {
        let unknown: Vec<_> = named.difference(&known).collect();
        assert!(unknown.is_empty(), "{case}: {unknown:?}");
    }
}

#[test]
fn tests_name_only_rows_that_name_them() {
    let registered = registered();
    let rows: Vec<_> = requirements().unwrap().into_iter().chain(origins().unwrap()).collect();
    for (test, shown) in Evidence::collect(&registered.root).tests {
        for id in shown {
            let row = rows.iter().find(|row| row.id == id);
            assert!(row.is_some_and(|row| row.by.contains(&test)), "`{test}` shows {id}, which does not say so");
        }
    }
}

/// What no row waits for, and is not there either.
const OTHERWISE_MISSING: [&str; 3] = ["ready-made engines", "MCP administration", "Redis for sessions and memory"];

#[test]
fn the_readme_says_what_is_not_there_yet_and_nothing_that_is() {
    let readme = std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/../README.md")).expect("the README");
    let (_, rest) = readme.split_once("## What is not there yet\n").expect("the section");
    let lists = rest.lines().take_while(|line| !line.starts_with("## ")).filter_map(|line| line.strip_prefix("- "));
    let said: BTreeSet<_> = lists.filter_map(|line| line.split_once(": ")).flat_map(|(_, it)| it.split(", ")).collect();
    let missing = FEATURES.iter().map(|(name, _)| *name).chain(OTHERWISE_MISSING).collect();
    assert_eq!(said, missing);
}

#[test]
fn every_feature_of_the_table_is_waited_for() {
    let rows: Vec<_> = requirements().unwrap().into_iter().chain(origins().unwrap()).collect();
    for (name, probes) in FEATURES {
        assert!(!probes.is_empty(), "{name}");
        assert!(rows.iter().any(|row| row.state == State::Planned((*name).to_owned())), "{name}");
    }
}

#[test]
fn the_page_is_current() {
    let now = coverage().unwrap();
    if std::env::var_os("UPDATE_COVERAGE").is_some() {
        std::fs::write(PAGE, &now).unwrap();
    }
    let then = std::fs::read_to_string(PAGE).unwrap_or_default();
    assert!(then == now, "docs/coverage.md is not current; run again with UPDATE_COVERAGE=1");
}

#[test]
fn ids_are_found_in_sources() {
    assert_eq!(ids_in("RFC 9110 15.5.6; V2; O-D31 (P-D5); W7"), ["V2", "O-D31", "P-D5", "W7"]);
    assert_eq!(ids_in("S0-01, S3-59."), ["S0-01", "S3-59"]);
    assert!(ids_in("VX; V; O-D; Vary; W; WHATWG; S0; S4-01").is_empty());
}

#[test]
fn a_test_shows_what_the_comment_above_it_says() {
    let source = "\
        // Shows S0-01,\n// V2.\n/// Text.\n#[test]\nfn one() {\n}\n\n\
        // Shows V3.\n\n#[test]\nfn two() {\n}\n\n\
        // Shows V4.\nfn no_test() {\n}\n\n\
        // Shows V5.\n#[tokio::test(start_paused = true)]\nasync fn three() {\n}\n";
    let shown = [("one", vec!["S0-01", "V2"]), ("two", vec![]), ("three", vec!["V5"])];
    let found = tests_of(source);
    let found: Vec<_> = found.iter().map(|(name, ids)| (&**name, ids.iter().map(|id| &**id).collect())).collect();
    assert_eq!(found, shown);
}

#[test]
fn a_row_has_exactly_one_state() {
    let row =
        |text: &str| parse(&format!("[[row]]\nid = 'S0-01'\nstatement = 'x'\n{text}")).map(|mut rows| rows.remove(0));
    assert_eq!(row("by = ['a/b']").unwrap().state, State::Covered);
    assert_eq!(row("feature = 'f'\nby = ['a/b']").unwrap().state, State::Planned("f".into()));
    assert_eq!(row("no_server_behaviour = 'r'").unwrap().state, State::OutOfScope("r".into()));
    for wrong in [
        "",
        "by = []",
        "feature = 'f'\npreset = 'p'",
        "preset = 'p'",
        "out_of_scope = 'r'\nby = ['a/b']",
        "unknown = 1",
    ] {
        assert!(row(wrong).is_err(), "{wrong}");
    }
}

/// Features for the tests of the check.
const SOME: &[Feature] = &[("there", &[Probe::Route("/there")]), ("missing", &[Probe::Route("/nowhere")])];

/// What the check says about these rows, where `S0-01` to `S0-03` are wanted.
fn said(rows: &str) -> String {
    let ids: Vec<_> = ["S0-01", "S0-02", "S0-03"].map(str::to_owned).into();
    let mut evidence = Evidence::default();
    evidence.tests.insert("a_test".into(), BTreeSet::from(["S0-02".to_owned()]));
    evidence.tests.insert("a_test_of_another".into(), BTreeSet::from(["S0-01".to_owned()]));
    evidence.cases.insert("area/case".into(), BTreeSet::from(["S0-01".to_owned()]));
    let registered = Registered { features: SOME, routes: ["/api/there".to_owned()].into(), ..registered() };
    problems(&parse(rows).unwrap(), &ids, &evidence, &registered).join("\n")
}

fn rows(states: [&str; 3]) -> String {
    let row = |(n, state): (usize, &&str)| format!("[[row]]\nid = 'S0-0{}'\nstatement = 'x'\n{state}\n", n + 1);
    states.iter().enumerate().map(row).collect()
}

#[test]
fn a_right_list_has_no_problem() {
    let states = ["by = ['area/case']", "by = ['a_test']", "feature = 'missing'"];
    assert_eq!(said(&rows(states)), "");
    let states = ["preset = 'neurolink'\nby = ['area/case']", "documentation = 'docs/README.md'", "out_of_scope = 'r'"];
    assert_eq!(said(&rows(states)), "");
}

#[test]
fn each_mistake_is_found() {
    let right = "out_of_scope = 'r'";
    for (state, problem) in [
        ("by = ['area/case']", "S0-02: the case `area/case` does not name it"),
        ("by = ['area/other']", "S0-02: no case is called `area/other`"),
        ("by = ['another_test']", "S0-02: no test is called `another_test`"),
        ("by = ['a_test_of_another']", "S0-02: the test `a_test_of_another` does not name it: write `// Shows S0-02.`"),
        ("preset = 'nobodys'\nby = ['a_test']", "S0-02: no preset is called `nobodys`"),
        ("documentation = 'docs/none.md'", "S0-02: there is no page `docs/none.md`"),
        ("feature = 'time travel'", "S0-02: `time travel` is no feature of the table"),
        ("feature = 'there'", "S0-02: it waits for `there`, which is there (Route(\"/there\"))"),
        ("out_of_scope = ' '", "S0-02: it has no reason"),
    ] {
        let said = said(&rows([right, state, right]));
        assert!(said.starts_with(problem) && !said.contains('\n'), "{state}: {said}");
    }
    let all = rows([right; 3]);
    assert_eq!(said(&all.replace("S0-03", "S0-04")), "S0-04: no row has this id\nS0-03: it is missing");
    assert_eq!(said(&all.replace("S0-03", "S0-02")), "S0-02: it is there twice\nS0-03: it is missing");
    assert_eq!(said(&all.replacen("'x'", "''", 1)), "S0-01: its statement is not one line");
}

#[test]
fn each_kind_of_probe_finds_what_is_there() {
    let registered = registered();
    for probe in [
        Probe::Route("/agent/execute"),
        Probe::Middleware("cors"),
        Probe::Middleware("bearer"),
        Probe::Preset("modern"),
        Probe::File("cli"),
        Probe::Text("neurolink-core/src/middleware/limit", "fn fixed_window"),
        Probe::Text("neurolink-core/Cargo.toml", "jsonwebtoken"),
    ] {
        assert!(registered.has(&probe), "{probe:?}");
    }
}
