//! What the documentation quotes is what runs.

use std::path::{Path, PathBuf};

use neurolink::Framework;
use neurolink_conformance::{Divergence, Divergences};

/// The code blocks of a page.
fn blocks(page: &str) -> Vec<&str> {
    page.split("\n```").skip(1).step_by(2).filter_map(|block| Some(block.split_once('\n')?.1)).collect()
}

#[test]
fn the_adapter_page_quotes_the_adapter_that_the_suite_proves() {
    let blocks = blocks(include_str!("../docs/write-an-adapter.md"));
    let [_, adapter, proof] = blocks[..] else { panic!("the page has {} code blocks", blocks.len()) };
    assert_eq!(format!("{adapter}\n"), include_str!("../conformance-tests/src/hyper_adapter.rs"));
    let own = include_str!("../conformance-tests/tests/hyper.rs");
    let own = own.replace("neurolink_conformance::hyper_adapter::Hyper", "my_adapter::Hyper");
    assert_eq!(format!("{proof}\n"), own);
}

#[test]
fn the_adapter_of_the_page_is_short() {
    assert!(include_str!("../conformance-tests/src/hyper_adapter.rs").lines().count() < 150);
}

#[test]
fn each_adapter_proves_native_routes_and_the_frameworks_own_server_too() {
    for framework in ["axum", "actix", "warp", "poem"] {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("adapter-{framework}/tests/conformance.rs"));
        let proof = std::fs::read_to_string(&path).expect("the adapter's test");
        assert!(proof.contains(".own_server(") && proof.contains(".native_server("), "{}", path.display());
    }
}

const CANNOT: &str = "## What it cannot do\n\n";

fn entries(framework: Framework) -> Vec<Divergence> {
    let list = framework.divergences().expect("compiled in");
    let Divergences { divergence, difference, .. } = Divergences::parse(list).expect("a valid list");
    divergence.into_iter().chain(difference).collect()
}

/// The last section of an adapter's README: each reason once, with the cases that show it.
fn cannot(entries: &[Divergence]) -> String {
    if entries.is_empty() {
        return "Its list of divergences is empty: every case of the suite passes.\n".into();
    }
    let mut told: Vec<(String, Vec<&str>)> = Vec::new();
    for entry in entries {
        let row = format!("| {} | {} | {} |", entry.reason, entry.user_impact, entry.upstream);
        match told.iter_mut().find(|(known, _)| *known == row) {
            Some((_, cases)) => cases.push(&entry.case),
            None => told.push((row, vec![&entry.case])),
        }
    }
    let mut text = "What the framework decides before the app is asked; written from `divergences.toml`, which the suite holds to the truth.\n\n".to_owned();
    text.push_str("| why | what it means for you | where | cases |\n|---|---|---|---|\n");
    for (row, cases) in told {
        let cases: Vec<String> = cases.iter().map(|case| format!("`{case}`")).collect();
        text.push_str(&format!("{row} {} |\n", cases.join(", ")));
    }
    text
}

/// `UPDATE_READMES=1` writes them.
#[test]
fn an_adapters_readme_tells_what_it_cannot_do() {
    for framework in Framework::ALL {
        let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join(format!("adapter-{framework}/README.md"));
        let page = std::fs::read_to_string(&path).expect("a README");
        let before = page.split_once(CANNOT).map_or(&*page, |(before, _)| before).trim_end();
        let right = format!("{before}\n\n{CANNOT}{}", cannot(&entries(framework)));
        if std::env::var_os("UPDATE_READMES").is_some() {
            std::fs::write(&path, right).expect("written");
        } else {
            assert!(page == right, "{} is not current: run with UPDATE_READMES=1", path.display());
        }
    }
}

#[test]
fn what_a_framework_forces_was_measured_with_the_version_in_use() {
    let lock = include_str!("../Cargo.lock");
    for entry in Framework::ALL.into_iter().flat_map(entries) {
        let (package, version) = entry.versions.split_once(' ').expect("a package and its version");
        let (_, rest) = lock.split_once(&format!("name = \"{package}\"\nversion = \"")).expect("a dependency");
        let used = &rest[..rest.find('"').expect("a version")];
        let same = used.strip_prefix(version).is_some_and(|rest| rest.is_empty() || rest.starts_with('.'));
        assert!(same, "{} was measured with {package} {version}, and {used} is in use: measure again", entry.case);
    }
}

/// Folders of packages, and the root's own.
fn packages() -> Vec<PathBuf> {
    let root = PathBuf::from(env!("CARGO_MANIFEST_DIR"));
    let folders = std::fs::read_dir(&root).expect("the root").map(|entry| entry.expect("an entry").path());
    folders.filter(|folder| folder.join("Cargo.toml").is_file()).chain([root.clone()]).collect()
}

/// Everything that is written in the sources and tests of all packages.
fn sources() -> String {
    fn collect(folder: &Path, text: &mut String) {
        for entry in std::fs::read_dir(folder).into_iter().flatten() {
            let path = entry.expect("an entry").path();
            if path.is_dir() {
                collect(&path, text);
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                text.push_str(&std::fs::read_to_string(&path).expect("UTF-8"));
            }
        }
    }
    let mut text = String::new();
    for package in packages() {
        collect(&package.join("src"), &mut text);
        collect(&package.join("tests"), &mut text);
    }
    text
}

/// The rows of the page's tables: what shows a promise, and the last result.
fn verification() -> Vec<(&'static str, &'static str)> {
    let rows = include_str!("../docs/verification.md").lines().filter(|line| line.starts_with("| "));
    let rows = rows.map(|row| row.trim_matches('|').split(" | ").collect::<Vec<_>>());
    rows.filter(|cells| cells[0].trim() != "promise").map(|cells| (cells[1], cells[2])).collect()
}

/// Whether there is a test of this name: what stands between a blank line and the function says that it is one.
fn is_a_test(sources: &str, name: &str) -> bool {
    let marks = ["#[test]", "#[tokio::test", "#[actix_web::test"];
    sources.match_indices(&format!("fn {name}(")).any(|(at, _)| {
        let before = sources[..at].rsplit("\n\n").next().unwrap_or_default();
        marks.iter().any(|mark| before.contains(mark))
    })
}

fn quoted(text: &str) -> impl Iterator<Item = &str> {
    text.split('`').skip(1).step_by(2)
}

#[test]
fn what_verification_names_is_there() {
    let areas = neurolink_conformance::behaviours().expect("the cases");
    let (root, packages, sources) = (PathBuf::from(env!("CARGO_MANIFEST_DIR")), packages(), sources());
    let in_a_package = |path: &str| packages.iter().any(|package| package.join(path).exists());
    let mut seen = [0; 4];
    for (shown, _) in verification() {
        let named = shown.split_once("conformance area").map_or("", |(_, rest)| rest);
        for area in quoted(named).take_while(|name| name.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'-'))
        {
            seen[0] += 1;
            assert!(areas.contains_key(area), "there is no area `{area}`: {shown}");
        }
        for name in quoted(shown) {
            let folder = name.split_once('/').map_or("", |(folder, _)| folder);
            // A command has arguments behind its file.
            let file = name.split(' ').next().unwrap_or_default();
            if !folder.is_empty() && !folder.contains(' ') && root.join(folder).is_dir() {
                seen[1] += 1;
                assert!(in_a_package(file), "there is no {file}: {shown}");
            }
            if name.matches('_').count() > 2 && !name.contains(' ') {
                seen[2] += 1;
                assert!(is_a_test(&sources, name), "no test is called {name}: {shown}");
            }
            for test in name.split("--test ").skip(1).filter_map(|rest| rest.split(' ').next()) {
                seen[3] += 1;
                let is_there =
                    in_a_package(&format!("tests/{test}.rs")) || in_a_package(&format!("tests/{test}/main.rs"));
                assert!(is_there, "there is no test target {test}: {shown}");
            }
        }
    }
    assert!(seen.iter().all(|count| *count > 2), "the page is read wrongly: {seen:?}");
}

#[test]
fn check_runs_what_verification_names_but_what_is_said_to_be_left_out() {
    let check = include_str!("../check");
    for (shown, _) in verification() {
        for script in quoted(shown).filter_map(|name| name.find("scripts/").map(|at| &name[at..])) {
            assert!(check.contains(script) || script == "scripts/release-check", "./check does not run {script}");
        }
    }
    assert!(!check.contains("release-check"), "docs/verification.md says that it is left out");
    // It runs all test targets; one that a stage leaves out has a stage of its own.
    let left_out: Vec<_> = check.split("binary(").skip(1).filter_map(|rest| rest.split(')').next()).collect();
    assert!(left_out.len() > 2, "./check is read wrongly: {left_out:?}");
    for target in left_out {
        assert!(check.contains(&format!("--test {target} ")), "./check does not run --test {target}");
    }
}

#[test]
fn no_result_of_verification_counts_tests() {
    for (_, result) in verification() {
        let words: Vec<_> = result.split_whitespace().collect();
        let counts = |word: &str| word.starts_with(|first: char| first.is_ascii_digit());
        for pair in words.windows(2).filter(|pair| pair[1].starts_with("test") || pair[1].starts_with("conformance")) {
            assert!(!counts(pair[0]), "a count goes stale: {result}");
        }
    }
}
