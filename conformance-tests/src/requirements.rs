//! What is asked of the server, row by row, and how much of it is shown.
//!
//! `requirements.toml` has the promises of four systems, `origins.toml` what the original and they do wrong or each in
//! its own way. A row says in one line what this server does, and exactly one of these:
//!
//! | key | the row is |
//! |---|---|
//! | `by` | covered: cases (`area/name`) that name the row, or tests of the workspace |
//! | `preset` | true under that preset only, shown by `by` |
//! | `documentation` | told on that page |
//! | `feature` | planned; that feature is missing. `by` beside it is what holds already |
//! | `out_of_scope`, `no_server_behaviour` | not this server's, for that reason |

use std::collections::BTreeMap;
use std::fmt::Write as _;

use serde::Deserialize;
use thiserror::Error;

#[cfg(test)]
mod check;
#[cfg(test)]
mod features;

const REQUIREMENTS: &str = include_str!("../requirements.toml");
const ORIGINS: &str = include_str!("../origins.toml");

/// One promise, difference or defect, and what this server does about it.
#[derive(Clone, Debug)]
pub struct Row {
    /// Such as `S0-01`, `V1` or `O-D1`.
    pub id: String,
    /// What this server does.
    pub statement: String,
    /// Whether that is so, and how it is known.
    pub state: State,
    /// The cases and tests that show it.
    pub by: Vec<String>,
}

/// How far a row is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum State {
    /// Cases or tests show it.
    Covered,
    /// True under this preset only.
    Preset(String),
    /// Told on this page.
    Documentation(String),
    /// This feature is missing.
    Planned(String),
    /// Not this server's, for this reason.
    OutOfScope(String),
}

impl State {
    /// The names of the states, in the order of the report.
    const NAMES: [&str; 5] = ["covered", "preset", "documentation", "planned", "out of scope"];

    const fn name(&self) -> &'static str {
        Self::NAMES[match self {
            Self::Covered => 0,
            Self::Preset(_) => 1,
            Self::Documentation(_) => 2,
            Self::Planned(_) => 3,
            Self::OutOfScope(_) => 4,
        }]
    }

    fn note(&self) -> &str {
        match self {
            Self::Covered => "",
            Self::Preset(note) | Self::Documentation(note) | Self::Planned(note) | Self::OutOfScope(note) => note,
        }
    }
}

/// A list of rows is malformed.
#[derive(Debug, Error)]
pub enum LedgerError {
    /// It is not what the format asks for.
    #[error("{0}")]
    Toml(#[from] toml::de::Error),
    /// A row has no state, or several.
    #[error(
        "{0}: write exactly one of `by`, `preset` with `by`, `documentation`, `feature`, `out_of_scope` and \
         `no_server_behaviour`"
    )]
    State(String),
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Written {
    id: String,
    statement: String,
    #[serde(default)]
    by: Vec<String>,
    preset: Option<String>,
    documentation: Option<String>,
    feature: Option<String>,
    #[serde(alias = "no_server_behaviour")]
    out_of_scope: Option<String>,
}

impl Written {
    fn row(self) -> Result<Row, LedgerError> {
        let states = [
            self.preset.map(State::Preset),
            self.documentation.map(State::Documentation),
            self.feature.map(State::Planned),
            self.out_of_scope.map(State::OutOfScope),
        ];
        let mut states = states.into_iter().flatten();
        let state = match (states.next(), states.next()) {
            (None, None) if !self.by.is_empty() => State::Covered,
            (Some(state @ State::Planned(_)), None) => state,
            (Some(state), None) if matches!(state, State::Preset(_)) != self.by.is_empty() => state,
            _ => return Err(LedgerError::State(self.id)),
        };
        Ok(Row { id: self.id, statement: self.statement, state, by: self.by })
    }
}

fn parse(text: &str) -> Result<Vec<Row>, LedgerError> {
    #[derive(Deserialize)]
    #[serde(deny_unknown_fields)]
    struct File {
        row: Vec<Written>,
    }
    toml::from_str::<File>(text)?.row.into_iter().map(Written::row).collect()
}

/// What four systems promise: `S0-01` to `S3-59`.
///
/// # Errors
/// The list is malformed.
pub fn requirements() -> Result<Vec<Row>, LedgerError> {
    parse(REQUIREMENTS)
}

/// Where the original's adapters differ (`V`), its defects (`O-D`), those of the four systems (`P-D`), and what is on the
/// original's wire (`W`).
///
/// # Errors
/// The list is malformed.
pub fn origins() -> Result<Vec<Row>, LedgerError> {
    parse(ORIGINS)
}

/// The lists that rows belong to, in the order of the report.
const SYSTEMS: [(&str, &str); 8] = [
    ("S0", "the original's server adapters"),
    ("S1", "a guide to hardening an API: Express, FastAPI, nginx"),
    ("S2", "Keryx"),
    ("S3", "TONL-MCP Bridge"),
    ("V", "where the original's four adapters answer differently"),
    ("O-D", "defects of the original"),
    ("P-D", "defects in the four systems' own code"),
    ("W", "what is on the original's wire, on routes that this server has, and what its client reads there"),
];

fn system(id: &str) -> &str {
    id.trim_end_matches(|c: char| c.is_ascii_digit()).trim_end_matches('-')
}

/// The report as markdown: the share of each list, what is missing, and every row.
///
/// # Errors
/// A list is malformed.
pub fn coverage() -> Result<String, LedgerError> {
    let mut rows = requirements()?;
    rows.extend(origins()?);
    let mut text = String::from(
        "# Coverage\n\nWhat is asked of the server, and what shows that it is so.\n\
         Written from `conformance-tests/requirements.toml` and `origins.toml`; a row is covered when a case or a test proves it.\n",
    );
    // Writing into a text does not fail.
    let _ = shares(&mut text, &rows);
    let _ = missing(&mut text, &rows);
    for (key, name) in SYSTEMS {
        let _ = write!(text, "\n## {key}: {name}\n\n| id | what this server does | state |\n|---|---|---|\n");
        for row in rows.iter().filter(|row| system(&row.id) == key) {
            let _ = writeln!(text, "| {} | {} | {} |", row.id, cell(&row.statement), cell(&state(row)));
        }
    }
    Ok(text)
}

fn shares(text: &mut String, rows: &[Row]) -> std::fmt::Result {
    write!(text, "\n| list | rows | share covered |")?;
    for name in State::NAMES {
        write!(text, " {name} |")?;
    }
    writeln!(text, "\n|---|{}", "--:|".repeat(2 + State::NAMES.len()))?;
    let mut line = |key: &str, rows: &[&Row]| {
        let count = |name| rows.iter().filter(|row| row.state.name() == name).count();
        write!(text, "| {key} | {} | {} % |", rows.len(), 100 * count(State::NAMES[0]) / rows.len().max(1))?;
        for name in State::NAMES {
            write!(text, " {} |", count(name))?;
        }
        writeln!(text)
    };
    for (key, _) in SYSTEMS {
        line(key, &rows.iter().filter(|row| system(&row.id) == key).collect::<Vec<_>>())?;
    }
    line("all", &rows.iter().collect::<Vec<_>>())
}

fn missing(text: &mut String, rows: &[Row]) -> std::fmt::Result {
    let mut features: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    for row in rows {
        if let State::Planned(feature) = &row.state {
            features.entry(feature).or_default().push(&row.id);
        }
    }
    write!(text, "\n## Features that are missing\n\n| feature | rows that wait for it |\n|---|---|\n")?;
    for (feature, ids) in features {
        writeln!(text, "| {feature} | {} |", ids.join(", "))?;
    }
    Ok(())
}

fn state(row: &Row) -> String {
    let mut text = row.state.name().to_owned();
    if !row.state.note().is_empty() {
        let _ = write!(text, ": {}", row.state.note());
    }
    if !row.by.is_empty() {
        let by: Vec<_> = row.by.iter().map(|name| format!("`{name}`")).collect();
        let how = if matches!(row.state, State::Planned(_)) { "; so far" } else { " by" };
        let _ = write!(text, "{how} {}", by.join(", "));
    }
    text
}

/// A cell of a table.
fn cell(text: &str) -> String {
    text.replace('|', "\\|")
}

#[cfg(test)]
#[path = "requirements_tests.rs"]
mod tests;
