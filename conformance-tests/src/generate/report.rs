//! What a run has found.

use std::collections::BTreeSet;
use std::fmt;
use std::fs::OpenOptions;
use std::io::{self, Write as _};
use std::path::Path;
use std::time::Duration;

use super::exchange::{GeneratedExchange, Sending};
use crate::differential::Group;
use crate::normalise::Rule;

/// What a run has found.
#[derive(Clone, Debug, Default)]
pub struct Report {
    /// The seed of the run.
    pub seed: u64,
    /// The number of the first exchange.
    pub from: u64,
    /// How many exchanges were sent to all servers.
    pub asked: u64,
    /// The servers, by name.
    pub names: Vec<String>,
    /// How long it took.
    pub took: Duration,
    /// The exchanges that were not answered alike, shrunk; each once.
    pub findings: Vec<Finding>,
    /// Exchanges that were not answered alike once, and mostly were when they were repeated.
    pub unrepeated: Vec<Finding>,
    /// The normalising rules that were needed.
    pub normalised: BTreeSet<Rule>,
    /// Begins the command that repeats an exchange.
    pub(super) repeat: String,
}

/// An exchange that was not answered alike.
#[derive(Clone, Debug)]
pub struct Finding {
    /// Its number in the run: with the seed it makes the exchange again.
    pub number: u64,
    /// The smallest exchange that shows it.
    pub exchange: GeneratedExchange,
    /// Each answer with the servers that gave it.
    pub groups: Vec<Group>,
}

impl Report {
    /// Whether every exchange was answered alike, and in time; what differed only once counts too.
    #[must_use]
    pub const fn is_clean(&self) -> bool {
        self.findings.is_empty() && self.unrepeated.is_empty()
    }

    /// The command that repeats one exchange of this run.
    #[must_use]
    pub fn repeat(&self, number: u64) -> String {
        format!("{} --seed {} --from {number} --requests 1", self.repeat, self.seed)
    }

    /// How many exchanges a second were sent to all servers.
    #[must_use]
    pub fn rate(&self) -> f64 {
        // Far below 2^52.
        self.asked as f64 / self.took.as_secs_f64().max(f64::EPSILON)
    }

    /// The row of this run in a table of runs, without the line's end.
    #[must_use]
    pub fn row(&self, date: &str) -> String {
        let numbers = |findings: &[Finding]| {
            let numbers: Vec<_> = findings.iter().map(|finding| finding.number.to_string()).collect();
            format!("{}: exchanges {}", findings.len(), numbers.join(", "))
        };
        let mut findings = if self.findings.is_empty() { "none".to_owned() } else { numbers(&self.findings) };
        if !self.unrepeated.is_empty() {
            findings.push_str(&format!("; not repeatable {}", numbers(&self.unrepeated)));
        }
        let (names, seconds) = (self.names.join(", "), self.took.as_secs());
        let from = if self.from == 0 { String::new() } else { format!(" from {}", self.from) };
        format!("| {date} | {}{from} | {} | {names} | {seconds} s | {findings} |", self.seed, self.asked)
    }

    /// Adds this run to a file whose end is a table of runs, such as `docs/differential.md`.
    ///
    /// # Errors
    /// The file is not there or cannot be written.
    pub fn append(&self, file: &Path, date: &str) -> io::Result<()> {
        writeln!(OpenOptions::new().append(true).open(file)?, "{}", self.row(date))
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (asked, seed, seconds) = (self.asked, self.seed, self.took.as_secs_f64());
        let (findings, unrepeated, rate) = (self.findings.len(), self.unrepeated.len(), self.rate());
        write!(f, "seed {seed}: {asked} exchanges, {findings} findings, {unrepeated} not repeatable, ")?;
        writeln!(f, "{seconds:.1} s, {rate:.0} a second")?;
        for finding in &self.findings {
            writeln!(f, "\n{finding}  repeat: {}", self.repeat(finding.number))?;
        }
        for finding in &self.unrepeated {
            writeln!(f, "\nmostly alike when repeated: {finding}  repeat: {}", self.repeat(finding.number))?;
        }
        let rules: Vec<_> = self.normalised.iter().map(|rule| rule.as_str()).collect();
        writeln!(f, "normalised: {}", rules.join(", "))
    }
}

impl Finding {
    /// What is sent before each reading, piece by piece, as text on one line.
    #[must_use]
    pub fn sent(&self) -> Vec<Vec<String>> {
        let pieces = |sending: &Sending| sending.pieces.iter().map(|piece| shown(piece)).collect();
        self.exchange.sendings().iter().map(pieces).collect()
    }
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "exchange {}", self.number)?;
        for (at, pieces) in self.sent().iter().enumerate() {
            writeln!(f, "  sent{}:", if at == 0 { "" } else { ", after the answer" })?;
            for piece in pieces {
                writeln!(f, "    {piece}")?;
            }
        }
        let all: Vec<Vec<Vec<&str>>> = self.groups.iter().map(|group| answers(&group.answer)).collect();
        for (group, own) in self.groups.iter().zip(&all) {
            writeln!(f, "  {}:", group.names.join(", "))?;
            for (at, answer) in own.iter().enumerate() {
                for (number, line) in answer.iter().enumerate() {
                    // Where answers differ, what they have in common is no help.
                    let hidden = number > 0 && all.len() > 1 && is_common(&all, at, line);
                    if !hidden {
                        writeln!(f, "    {line}")?;
                    }
                }
            }
        }
        Ok(())
    }
}

/// The lines of each answer; the first has the status, or tells how the connection ended.
fn answers(text: &str) -> Vec<Vec<&str>> {
    let mut out: Vec<Vec<&str>> = Vec::new();
    for line in text.lines() {
        let first = line.starts_with('(') || line.as_bytes().first().is_some_and(u8::is_ascii_digit);
        match out.last_mut() {
            Some(answer) if !first => answer.push(line),
            _ => out.push(vec![line]),
        }
    }
    out
}

/// Whether the answers at this place have this line equally often, where there are any.
fn is_common(all: &[Vec<Vec<&str>>], at: usize, line: &str) -> bool {
    let there = all.iter().filter_map(|one| one.get(at)).filter(|answer| !answer[0].starts_with('('));
    let mut counts = there.map(|answer| answer.iter().filter(|it| **it == line).count());
    let first = counts.next();
    counts.all(|count| Some(count) == first)
}

/// Bytes on one line; long runs of one byte are counted.
fn shown(bytes: &[u8]) -> String {
    bytes
        .chunk_by(|one, other| one == other)
        .map(|run| match run.len() {
            ..=40 => run.escape_ascii().to_string(),
            count => format!("{{{count} times {}}}", run[..1].escape_ascii()),
        })
        .collect()
}
