//! The same bytes to several servers: answers are grouped, no expectation is needed.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::net::SocketAddr;
use std::time::Duration;

use crate::case::Case;
use crate::divergences::Divergences;
use crate::normalise::{Rule, normalise};
use crate::parse::{Asked, RawResponse};
use crate::run::exchanges;
use crate::wire::{Connection, End, Exchange, own_address};

/// A server to compare.
#[derive(Clone, Debug)]
pub struct Column<'a> {
    /// The name in the report.
    pub name: &'a str,
    /// Where it answers.
    pub addr: SocketAddr,
    /// What it is known to answer differently.
    pub divergences: Option<&'a Divergences>,
    /// Whether the app is mounted in a host, whose own 404 is compared with nothing.
    pub in_a_host: bool,
}

impl<'a> Column<'a> {
    /// A server without known divergences.
    #[must_use]
    pub const fn new(name: &'a str, addr: SocketAddr) -> Self {
        Self { name, addr, divergences: None, in_a_host: false }
    }

    /// Adds the list of what it is known to answer differently.
    #[must_use]
    pub const fn with_divergences(mut self, divergences: &'a Divergences) -> Self {
        self.divergences = Some(divergences);
        self
    }

    /// Asks for the native route, which only a host has.
    #[must_use]
    pub fn looked_at(mut self) -> Self {
        let request = format!("GET /native/hello HTTP/1.1\r\nHost: {}\r\nConnection: close\r\n\r\n", self.addr);
        let answer =
            Connection::open(self.addr, own_address(self.addr), Duration::from_secs(5)).ok().and_then(|mut it| {
                it.send(request.as_bytes());
                it.answer(&Asked::method("GET")).ok()
            });
        self.in_a_host = answer.is_some_and(|answer| answer.status == 200);
        self
    }

    /// Whether an answer is the host's own 404, each of the app's has a request id, for what is not plainly the app's.
    pub(crate) fn is_outside(&self, target: Option<&str>, answer: &RawResponse) -> bool {
        let below = |target: &str| {
            target.strip_prefix("/api").is_some_and(|rest| rest.is_empty() || rest.starts_with(['/', '?']))
        };
        let is_its = answer.status == 404 && answer.header("x-request-id").next().is_none();
        self.in_a_host && is_its && !target.is_some_and(below)
    }
}

/// What a comparison found.
#[derive(Clone, Debug, Default)]
pub struct Report {
    /// How many cases were asked.
    pub asked: usize,
    /// The cases that were not answered alike.
    pub differences: Vec<Difference>,
    /// Entries of what is answered differently that are not true any more.
    pub stale: Vec<String>,
    /// The normalising rules that were needed.
    pub normalised: BTreeSet<Rule>,
}

/// A case that was not answered alike.
#[derive(Clone, Debug)]
pub struct Difference {
    /// The case.
    pub case: String,
    /// Each answer with the servers that gave it.
    pub groups: Vec<Group>,
    /// Whether the lists of divergences explain it.
    pub known: bool,
}

/// An answer and who gave it.
#[derive(Clone, Debug)]
pub struct Group {
    /// The servers.
    pub names: Vec<String>,
    /// The normalised answer.
    pub answer: String,
}

impl Report {
    /// Whether all answers were alike, but for known divergences.
    #[must_use]
    pub fn is_clean(&self) -> bool {
        self.stale.is_empty() && self.differences.iter().all(|difference| difference.known)
    }
}

impl std::fmt::Display for Report {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        writeln!(f, "{} cases, {} differences", self.asked, self.differences.len())?;
        for difference in &self.differences {
            let known = if difference.known { " (known)" } else { "" };
            writeln!(f, "\n{}{known}", difference.case)?;
            for group in &difference.groups {
                writeln!(f, "  {}:", group.names.join(", "))?;
                for line in group.answer.lines() {
                    writeln!(f, "    {line}")?;
                }
            }
        }
        for stale in &self.stale {
            writeln!(f, "\n{stale}: not a difference any more; remove the entry")?;
        }
        let rules: Vec<_> = self.normalised.iter().map(|rule| rule.as_str()).collect();
        writeln!(f, "normalised: {}", rules.join(", "))
    }
}

/// Sends every case to every server and groups the normalised answers.
///
/// The servers run with the configuration that the cases need.
#[must_use]
pub fn differential(columns: &[Column<'_>], cases: &[Case]) -> Report {
    differential_by_needs(|_| columns.to_vec(), cases)
}

/// Sends every case to the servers with the configuration that it needs, and groups the normalised answers.
///
/// Servers have the same names, and the same lists of divergences, with each configuration.
#[must_use]
pub fn differential_by_needs<'a>(columns: impl Fn(&str) -> Vec<Column<'a>>, cases: &[Case]) -> Report {
    let mut report = Report { asked: cases.len(), ..Report::default() };
    // By server, the cases that it answers otherwise than those that have no entry for them.
    let mut different: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for case in cases {
        let name = case.name();
        let mut groups: Vec<Group> = Vec::new();
        let mut unexplained = BTreeSet::new();
        for column in columns(&case.needs) {
            let answer = match exchanges(column.addr, case) {
                Ok(exchanges) => text(&exchanges, &mut report.normalised),
                Err(error) => error.to_string(),
            };
            let known = column.divergences.is_some_and(|list| list.explains(&name, &answer));
            if !known {
                unexplained.insert(answer.clone());
            }
            match groups.iter_mut().find(|group| group.answer == answer) {
                Some(group) => group.names.push(column.name.to_owned()),
                None => groups.push(Group { names: vec![column.name.to_owned()], answer }),
            }
        }
        let alone = groups.iter().filter(|group| groups.len() > 1 && !unexplained.contains(&group.answer));
        for server in alone.flat_map(|group| &group.names) {
            different.entry(server.clone()).or_default().push(name.clone());
        }
        if groups.len() > 1 {
            let known = unexplained.len() <= 1;
            report.differences.push(Difference { case: name, groups, known });
        }
    }
    let names: Vec<String> = cases.iter().map(Case::name).collect();
    let asked: Vec<&str> = names.iter().map(String::as_str).collect();
    let columns = cases.first().map(|case| columns(&case.needs)).unwrap_or_default();
    let stale =
        columns.iter().filter_map(|column| Some((column.name, column.divergences?))).flat_map(|(name, list)| {
            let different: Vec<&str> = different.get(name).into_iter().flatten().map(String::as_str).collect();
            list.stale(&asked, &different).into_iter().map(move |case| format!("{name}: {case}"))
        });
    report.stale = stale.collect();
    report
}

fn text(exchanges: &[Exchange], used: &mut BTreeSet<Rule>) -> String {
    let mut out = String::new();
    for exchange in exchanges {
        for answer in &exchange.answers {
            let _ = writeln!(out, "{}", normalise(answer, used));
        }
        let end = match exchange.end {
            End::Closed | End::Reset => "closed",
            End::Open => "open",
            End::TimedOut => "timed out",
        };
        let _ = writeln!(out, "({end})");
        if let Some(problem) = &exchange.problem {
            let _ = writeln!(out, "malformed: {problem}");
        }
    }
    out
}
