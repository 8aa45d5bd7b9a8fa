use serde::{Deserialize, Serialize};

use crate::case::Level;
use crate::report::{answers_text, sent_text};
use crate::suite::{Suite, Test};
use crate::verdict::{CaseOutcome, Verdict};

/// What several servers answered to every case.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct Matrix {
    /// The servers, in the order of the cells.
    pub columns: Vec<Head>,
    /// The cases, in the order of the suite.
    pub rows: Vec<Row>,
}

/// What a column is about.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Head {
    /// The name, such as `axum`.
    pub name: String,
    /// What was measured and when, such as `0.8.9`.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub note: String,
}

/// A case and what each server made of it.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Row {
    /// The case's id.
    pub id: String,
    /// What a failure means.
    pub level: Level,
    /// Why it has to be so.
    pub source: String,
    /// A cell a column; nothing where a server was not asked.
    pub cells: Vec<Option<Cell>>,
    /// What was said, for the tests of the case that not every server passes.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub details: Vec<Details>,
}

/// What a case came to on one server.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Cell {
    /// The worst verdict of the case's tests.
    pub verdict: Verdict,
    /// How many tests came to that.
    pub count: usize,
    /// How many tests the case has.
    pub of: usize,
}

/// A test that not every server passes.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Details {
    /// The test's name.
    pub test: String,
    /// The bytes that were sent.
    pub sent: String,
    /// What has to come back, as it is written in the case.
    pub wanted: String,
    /// The answers, in the order of the columns.
    pub answers: Vec<Answer>,
}

/// One server's answer.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Answer {
    /// The server.
    pub column: String,
    /// What it came to.
    pub verdict: Verdict,
    /// The answer in one line.
    pub summary: String,
    /// Everything that was not as expected.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub mismatches: Vec<String>,
    /// The bytes that came back; of answers that passed in the same words, those of the first.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub got: String,
    /// Why it is known to be so.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub reason: String,
    /// The command that repeats only this.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub again: String,
}

impl Matrix {
    /// Adds a server's outcomes; `again` gives the command that repeats a test.
    pub fn add(
        &mut self,
        head: Head,
        suite: &Suite,
        outcomes: &[(&Test, CaseOutcome)],
        again: impl Fn(&str) -> String,
    ) {
        let at = self.columns.len();
        self.columns.push(head);
        for row in &mut self.rows {
            row.cells.push(None);
        }
        let mut last = 0;
        for (test, outcome) in outcomes {
            last = self.row(test, last);
            let row = &mut self.rows[last];
            let cell = &mut row.cells[at];
            *cell = Some(merge(*cell, outcome.verdict));
            let answer = answer(&self.columns[at].name, suite, outcome, &again);
            match row.details.iter_mut().find(|details| details.test == test.name()) {
                Some(details) => details.answers.push(answer),
                None => row.details.push(Details {
                    test: test.name().to_owned(),
                    sent: sent_text(outcome),
                    wanted: test.wanted(),
                    answers: vec![answer],
                }),
            }
        }
    }

    /// The row of a test, which is mostly where the last one was or behind it.
    fn row(&mut self, test: &Test, last: usize) -> usize {
        let is_it = |row: &Row| row.id == test.id();
        let near = [last, last + 1].into_iter().find(|at| self.rows.get(*at).is_some_and(is_it));
        near.or_else(|| self.rows.iter().position(is_it)).unwrap_or_else(|| {
            self.rows.push(Row {
                id: test.id().to_owned(),
                level: test.level(),
                source: test.source().to_owned(),
                cells: vec![None; self.columns.len()],
                details: Vec::new(),
            });
            self.rows.len() - 1
        })
    }

    /// Leaves out what was said where every server passes, and everything but verdicts if `bytes` is not wanted.
    pub fn trim(&mut self, bytes: bool) {
        for row in &mut self.rows {
            row.details.retain(|details| bytes && details.answers.iter().any(|answer| answer.verdict != Verdict::Pass));
            row.details.iter_mut().for_each(Details::say_once);
        }
    }

    /// Takes over the columns of an older matrix that are not in this one, with what was said there of this one's tests.
    pub fn keep(&mut self, older: &Self) {
        let kept = older.columns.iter().enumerate();
        let kept = kept.filter(|(_, head)| self.columns.iter().all(|column| column.name != head.name));
        let kept: Vec<_> = kept.map(|(at, head)| (at, head.clone())).collect();
        for row in &mut self.rows {
            let old = older.rows.iter().find(|other| other.id == row.id);
            row.cells.extend(kept.iter().map(|(at, _)| old.and_then(|old| old.cells[*at])));
            for details in &mut row.details {
                let old = old.and_then(|old| old.details.iter().find(|other| other.test == details.test));
                let answers = old.iter().flat_map(|old| &old.answers);
                details
                    .answers
                    .extend(answers.filter(|answer| kept.iter().any(|(_, head)| head.name == answer.column)).cloned());
            }
        }
        self.columns.extend(kept.into_iter().map(|(_, head)| head));
    }

    /// The areas, in the order of the rows.
    #[must_use]
    pub fn areas(&self) -> Vec<&str> {
        let mut areas: Vec<&str> = Vec::new();
        for row in &self.rows {
            if !areas.contains(&row.area()) {
                areas.push(row.area());
            }
        }
        areas
    }

    /// How many cases of a column came to a verdict, and how many it was asked.
    #[must_use]
    pub fn count(&self, column: usize, verdict: Verdict) -> (usize, usize) {
        let cells = self.rows.iter().filter_map(|row| row.cells[column]);
        cells.fold((0, 0), |(these, all), cell| (these + usize::from(cell.verdict == verdict), all + 1))
    }
}

impl Details {
    /// Leaves out the bytes of answers that passed as one before them did, and of all that passed if none is otherwise.
    fn say_once(&mut self) {
        if self.answers.iter().all(|answer| matches!(answer.verdict, Verdict::Pass | Verdict::NotObservable)) {
            self.answers.iter_mut().for_each(|answer| answer.got.clear());
        }
        for at in 0..self.answers.len() {
            let (before, [answer, ..]) = self.answers.split_at_mut(at) else { break };
            let is_known = |other: &Answer| other.verdict == Verdict::Pass && other.summary == answer.summary;
            if answer.verdict == Verdict::Pass && before.iter().any(is_known) {
                answer.got.clear();
            }
        }
    }
}

impl Row {
    /// The part of the id in front of the first slash.
    #[must_use]
    pub fn area(&self) -> &str {
        self.id.split('/').next().unwrap_or(&self.id)
    }
}

fn merge(cell: Option<Cell>, verdict: Verdict) -> Cell {
    match cell {
        None => Cell { verdict, count: 1, of: 1 },
        Some(cell) if verdict > cell.verdict => Cell { verdict, count: 1, of: cell.of + 1 },
        Some(cell) => Cell { count: cell.count + usize::from(verdict == cell.verdict), of: cell.of + 1, ..cell },
    }
}

fn answer(column: &str, suite: &Suite, outcome: &CaseOutcome, again: impl Fn(&str) -> String) -> Answer {
    let mut answer = Answer {
        column: column.to_owned(),
        verdict: outcome.verdict,
        summary: outcome.summary(),
        mismatches: outcome.mismatches.clone(),
        got: answers_text(outcome),
        reason: String::new(),
        again: String::new(),
    };
    if outcome.verdict != Verdict::Pass {
        answer.again = again(&outcome.name);
    }
    if let Some(entry) = suite.divergences().entry(&outcome.name) {
        answer.reason.clone_from(&entry.reason);
    }
    answer
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_worst_verdict_of_a_table_is_the_case_s() {
        let cell = [Verdict::Pass, Verdict::Fail, Verdict::Pass, Verdict::Fail]
            .into_iter()
            .fold(None, |cell, verdict| Some(merge(cell, verdict)));
        assert_eq!(cell, Some(Cell { verdict: Verdict::Fail, count: 2, of: 4 }));
    }

    #[test]
    fn an_older_column_is_kept_by_the_ids_of_its_rows_with_what_it_said() {
        let old = matrix("old", &[("a/gone", Verdict::Pass), ("a/b", Verdict::Fail)]);
        let mut new = matrix("new", &[("a/b", Verdict::Pass), ("a/c", Verdict::Pass)]);
        new.keep(&old);
        new.trim(true);
        assert_eq!(new.columns.len(), 2);
        assert_eq!(new.rows[0].cells[1].map(|cell| cell.verdict), Some(Verdict::Fail));
        assert_eq!(new.rows[1].cells[1], None);
        let said = |row: &Row| -> Vec<_> {
            row.details.iter().flat_map(|details| &details.answers).map(|answer| answer.column.clone()).collect()
        };
        assert_eq!(said(&new.rows[0]), ["new", "old"], "where one of them fails");
        let got: Vec<_> = new.rows[0].details[0].answers.iter().map(|answer| &*answer.got).collect();
        assert_eq!(got, ["bytes of new", "bytes of old"], "what passed beside it is shown too");
        assert_eq!(said(&new.rows[1]), [""; 0], "where all pass");
    }

    #[test]
    fn what_several_pass_in_the_same_words_is_shown_once() {
        let mut all = matrix("new", &[("a/b", Verdict::Fail)]);
        for name in ["one", "two"] {
            all.keep(&matrix(name, &[("a/b", Verdict::Pass)]));
        }
        all.trim(true);
        let got: Vec<_> = all.rows[0].details[0].answers.iter().map(|answer| &*answer.got).collect();
        assert_eq!(got, ["bytes of new", "bytes of one", ""]);
    }

    fn matrix(column: &str, rows: &[(&str, Verdict)]) -> Matrix {
        let row = |(id, verdict): &(&str, Verdict)| Row {
            id: (*id).into(),
            level: Level::Must,
            source: String::new(),
            cells: vec![Some(Cell { verdict: *verdict, count: 1, of: 1 })],
            details: vec![Details {
                test: (*id).into(),
                sent: String::new(),
                wanted: String::new(),
                answers: vec![Answer {
                    column: column.into(),
                    verdict: *verdict,
                    summary: String::new(),
                    mismatches: Vec::new(),
                    got: format!("bytes of {column}"),
                    reason: String::new(),
                    again: String::new(),
                }],
            }],
        };
        let head = Head { name: column.into(), note: String::new() };
        Matrix { columns: vec![head], rows: rows.iter().map(row).collect() }
    }
}
