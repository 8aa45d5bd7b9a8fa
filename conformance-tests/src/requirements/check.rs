//! What a list of rows is held to.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use super::features::Registered;
use super::{Row, State};

/// What can prove a row.
#[derive(Default)]
pub(super) struct Evidence {
    /// Each case, and the rows that it names.
    pub(super) cases: BTreeMap<String, BTreeSet<String>>,
    /// Each test of the workspace, and the rows that the comment above it names.
    pub(super) tests: BTreeMap<String, BTreeSet<String>>,
}

impl Evidence {
    /// The cases of this crate and the tests below a folder.
    pub(super) fn collect(root: &Path) -> Self {
        let mut evidence = Self::default();
        for case in crate::cases().expect("well-formed cases") {
            evidence.add(case.id, &case.covers, &case.source);
        }
        for case in crate::function_cases() {
            let covers: Vec<_> = case.covers.iter().map(ToString::to_string).collect();
            evidence.add(case.id.to_owned(), &covers, case.source);
        }
        for file in sources(root) {
            for (name, rows) in tests_of(&std::fs::read_to_string(file).expect("a source")) {
                evidence.tests.entry(name).or_default().extend(rows);
            }
        }
        evidence
    }

    fn add(&mut self, id: String, covers: &[String], source: &str) {
        let named = self.cases.entry(id).or_default();
        named.extend(covers.iter().cloned());
        named.extend(ids_in(source));
    }
}

/// Every source below a folder, but for what is built or fetched.
pub(super) fn sources(folder: &Path) -> Vec<std::path::PathBuf> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(folder).expect("a folder") {
        let path = entry.expect("an entry").path();
        let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        if path.is_dir() && !name.starts_with('.') && name != "target" && name != "node_modules" {
            found.extend(sources(&path));
        } else if name.ends_with(".rs") {
            found.push(path);
        }
    }
    found
}

/// The functions that have a test attribute, and the rows that the comment above names: `// Shows V1, S0-01.`
pub(super) fn tests_of(source: &str) -> Vec<(String, Vec<String>)> {
    let mut found = Vec::new();
    let (mut is_test, mut above) = (false, String::new());
    for line in source.lines().map(str::trim) {
        if line.starts_with("#[") {
            is_test |= line.contains("test]") || line.contains("test(");
        } else if let Some(comment) = line.strip_prefix("// ") {
            above = above + " " + comment;
        } else if line.starts_with("///") {
            // It may stand between.
        } else {
            let (was_test, rows) = (std::mem::take(&mut is_test), std::mem::take(&mut above));
            if let (true, Some((_, rest))) = (was_test, line.split_once("fn ")) {
                found.push((rest.split('(').next().unwrap_or_default().to_owned(), shown(&rows)));
            }
        }
    }
    found
}

/// The rows that a comment shows.
fn shown(comment: &str) -> Vec<String> {
    comment.split_once("Shows ").map(|(_, ids)| ids_in(ids)).unwrap_or_default()
}

/// The ids of rows that a text names: `S0-01`, `V1`, `O-D1`, `P-D1`, `W1`.
pub(super) fn ids_in(source: &str) -> Vec<String> {
    let words = source.split(|c: char| !c.is_ascii_alphanumeric() && c != '-');
    let is_id = |word: &&str| {
        let number =
            ["S0-", "S1-", "S2-", "S3-", "V", "O-D", "P-D", "W"].iter().find_map(|list| word.strip_prefix(list));
        number.is_some_and(|number| !number.is_empty() && number.bytes().all(|b| b.is_ascii_digit()))
    };
    words.filter(is_id).map(str::to_owned).collect()
}

/// What is wrong with these rows, which have to be exactly those of `ids`.
pub(super) fn problems(rows: &[Row], ids: &[String], evidence: &Evidence, registered: &Registered) -> Vec<String> {
    let mut problems = Vec::new();
    let known: BTreeSet<_> = ids.iter().collect();
    let mut seen = BTreeSet::new();
    for row in rows {
        let mut problem = |text: String| problems.push(format!("{}: {text}", row.id));
        if !known.contains(&row.id) {
            problem("no row has this id".into());
        }
        if !seen.insert(&row.id) {
            problem("it is there twice".into());
        }
        if row.statement.trim().is_empty() || row.statement.contains('\n') {
            problem("its statement is not one line".into());
        }
        row.by.iter().filter_map(|name| proof(row, name, evidence)).for_each(&mut problem);
        state(row, registered).into_iter().for_each(&mut problem);
    }
    problems.extend(ids.iter().filter(|id| !seen.contains(id)).map(|id| format!("{id}: it is missing")));
    problems
}

fn proof(row: &Row, name: &str, evidence: &Evidence) -> Option<String> {
    if !name.contains('/') {
        return match evidence.tests.get(name) {
            None => Some(format!("no test is called `{name}`")),
            Some(rows) if !rows.contains(&row.id) => {
                Some(format!("the test `{name}` does not name it: write `// Shows {}.` above", row.id))
            }
            Some(_) => None,
        };
    }
    match evidence.cases.get(name) {
        None => Some(format!("no case is called `{name}`")),
        Some(named) if !named.contains(&row.id) => Some(format!("the case `{name}` does not name it")),
        Some(_) => None,
    }
}

fn state(row: &Row, registered: &Registered) -> Option<String> {
    match &row.state {
        State::Covered => None,
        State::Preset(name) => {
            name.parse::<neurolink_config::Preset>().is_err().then(|| format!("no preset is called `{name}`"))
        }
        State::Documentation(page) => {
            (!registered.root.join(page).is_file()).then(|| format!("there is no page `{page}`"))
        }
        State::Planned(feature) => match registered.probes(feature) {
            None => Some(format!("`{feature}` is no feature of the table")),
            Some(probes) => probes
                .iter()
                .find(|probe| registered.has(probe))
                .map(|probe| format!("it waits for `{feature}`, which is there ({probe:?}): prove it and write `by`")),
        },
        State::OutOfScope(reason) => reason.trim().is_empty().then(|| "it has no reason".into()),
    }
}
