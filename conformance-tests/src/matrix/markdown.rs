use std::fmt::Write as _;

use super::{Cell, Matrix};
use crate::case::Level;
use crate::verdict::Verdict;

/// The matrix as a page of markdown: a table an area, the totals on top.
#[must_use]
pub fn markdown(matrix: &Matrix) -> String {
    let mut out = String::from(
        "# Conformance matrix\n\n\
         Every case of the suite, by area, and what each server makes of it.\n\
         `neurolink conformance matrix` writes this page; with the bytes of every cell as one HTML page.\n\n\
         ✓ as it must be · ≠ a difference that the framework forces, listed in its `divergences.toml` · \
         ✗ otherwise · – not observable from outside · blank: not asked.\n\
         A number says how many rows of a table came to it.\n\n",
    );
    let heads: Vec<String> = matrix.columns.iter().map(|head| head.name.clone()).collect();
    let _ = writeln!(out, "| | {} |", heads.join(" | "));
    let _ = writeln!(out, "|---|{}", "---:|".repeat(heads.len()));
    line(&mut out, "version", matrix.columns.iter().map(|head| head.note.clone()));
    for (name, verdict) in
        [("✓", Verdict::Pass), ("≠", Verdict::ExpectedDivergence), ("✗", Verdict::Fail), ("–", Verdict::NotObservable)]
    {
        line(&mut out, name, (0..heads.len()).map(|at| matrix.count(at, verdict).0.to_string()));
    }
    line(&mut out, "asked", (0..heads.len()).map(|at| matrix.count(at, Verdict::Pass).1.to_string()));
    for area in matrix.areas() {
        let _ = writeln!(out, "\n## {area}\n\n| case | {} |", heads.join(" | "));
        let _ = writeln!(out, "|---|{}", ":-:|".repeat(heads.len()));
        for row in matrix.rows.iter().filter(|row| row.area() == area) {
            let level = match row.level {
                Level::Must => "",
                Level::Should => " (SHOULD)",
                Level::May => " (MAY)",
            };
            let name = row.id.split_once('/').map_or(row.id.as_str(), |(_, name)| name);
            line(&mut out, &format!("{name}{level}"), row.cells.iter().map(|cell| cell.map_or(String::new(), mark)));
        }
    }
    out
}

fn line(out: &mut String, name: &str, cells: impl Iterator<Item = String>) {
    let cells: Vec<String> = cells.map(|cell| cell.replace('|', "\\|")).collect();
    let _ = writeln!(out, "| {name} | {} |", cells.join(" | "));
}

fn mark(cell: Cell) -> String {
    let sign = match cell.verdict {
        Verdict::Pass => "✓",
        Verdict::ExpectedDivergence => "≠",
        Verdict::NotObservable => "–",
        Verdict::Fail | Verdict::StaleDivergence | Verdict::HarnessError => "✗",
    };
    if cell.of == 1 || cell.count == cell.of { sign.to_owned() } else { format!("{sign} {}/{}", cell.count, cell.of) }
}
