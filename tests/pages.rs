//! What the documentation quotes is what runs.

use std::path::PathBuf;

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
