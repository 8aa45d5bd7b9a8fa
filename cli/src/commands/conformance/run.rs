use std::collections::BTreeMap;

use clap::{Args, ValueEnum};
use neurolink_conformance::matrix::{Matrix, junit};
use neurolink_conformance::{CaseOutcome, Level, Test, Verdict, report};

use super::failed;
use super::subjects::{AskedServer, Servers};
use crate::output::{BOLD, DIM, Failure, GREEN, RED, YELLOW, paint, print};

/// Runs cases against frameworks of this binary, or any server.
///
/// A MUST that fails makes the exit code 1; what cannot be observed from outside is counted and said.
/// The cases behind a framework's own server and around its native routes, `own-server/..` and `native/..`, are not
/// asked here: each adapter's test `conformance` asks them.
#[derive(Args)]
#[command(after_help = "\
Examples:
  neurolink conformance run                                  all frameworks, all cases
  neurolink conformance run auth/ --framework warp           one area on one framework
  neurolink conformance run --url http://127.0.0.1:3000      a server that runs already
  neurolink conformance run --exact 'path/escaped-control-is-400[nul]'
                                                             one case, with all its bytes if it fails
  neurolink conformance run --format junit > report.xml")]
pub(crate) struct Run {
    /// Runs only cases whose name contains one of these
    filter: Vec<String>,

    /// Runs only cases of exactly these names
    #[arg(long)]
    exact: bool,

    #[command(flatten)]
    servers: Servers,

    /// How results are written
    #[arg(long, value_enum, default_value_t)]
    format: Format,
}

#[derive(Clone, Copy, Default, PartialEq, Eq, ValueEnum)]
enum Format {
    /// Failures in full and totals, for people
    #[default]
    Text,
    /// One JSON document
    Json,
    /// A JUnit report
    Junit,
}

type Outcomes<'a> = Vec<(&'a Test, CaseOutcome)>;

impl Run {
    pub(crate) fn run(self) -> Result<(), Failure> {
        let columns = self.servers.columns()?;
        let mut runs: Vec<(&AskedServer, Outcomes<'_>)> = Vec::new();
        for column in &columns {
            let outcomes = self.servers.ask(column, |test| self.wants(test.name()));
            if outcomes.is_empty() {
                let filter = self.filter.join(" ");
                return Err(Failure::Run(format!("no case is called {filter:?}; see `neurolink conformance list`")));
            }
            if self.format == Format::Text {
                say(column, &outcomes)?;
            }
            runs.push((column, outcomes));
        }
        match self.format {
            Format::Text => {}
            Format::Json => print(json(&runs)?)?,
            Format::Junit => {
                let runs: Vec<_> = runs.iter().map(|(column, outcomes)| (&column.suite, &**outcomes)).collect();
                print(junit(&runs).trim_end())?;
            }
        }
        let mut outcomes = runs.iter().flat_map(|(_, outcomes)| outcomes);
        if outcomes.all(|(_, outcome)| outcome.verdict == Verdict::NotObservable) {
            let text = "nothing was asked: none of it can be observed from outside with this configuration";
            return Err(Failure::Run(text.into()));
        }
        let failures = runs.iter().flat_map(|(_, outcomes)| outcomes).filter(|(_, outcome)| outcome.is_failure());
        match failures.count() {
            0 => Ok(()),
            1 => Err(Failure::Run("one case failed".into())),
            count => Err(Failure::Run(format!("{count} cases failed"))),
        }
    }

    fn wants(&self, name: &str) -> bool {
        let matches = |filter: &String| if self.exact { name == filter } else { name.contains(filter.as_str()) };
        self.filter.is_empty() || self.filter.iter().any(matches)
    }
}

fn say(column: &AskedServer, outcomes: &Outcomes<'_>) -> Result<(), Failure> {
    for (test, outcome) in outcomes {
        match outcome.verdict {
            Verdict::Pass | Verdict::NotObservable => {}
            Verdict::ExpectedDivergence => {
                let text = format_args!("known {}: {}", outcome.name, outcome.summary());
                print(paint(DIM, format_args!("{}: {text}", column.head.name)))?;
            }
            _ => {
                let style = if outcome.is_failure() { RED } else { YELLOW };
                let text = report::describe(outcome, &test.wanted(), &column.again(&outcome.name));
                let (first, rest) = text.split_once('\n').unwrap_or((&text, ""));
                print(format_args!("{} {}\n{rest}", paint(BOLD, &column.head.name), paint(style, first)))?;
            }
        }
    }
    let count = |verdict| outcomes.iter().filter(|(_, outcome)| outcome.verdict == verdict).count();
    let failed = outcomes.iter().filter(|(_, outcome)| outcome.is_failure()).count();
    let warned = |level| {
        outcomes.iter().filter(|(_, outcome)| outcome.verdict == Verdict::Fail && outcome.level == level).count()
    };
    let mut parts = vec![paint(GREEN, format_args!("{} pass", count(Verdict::Pass)))];
    let others = [
        (failed, "failed", RED),
        (warned(Level::Should), "SHOULD not met", YELLOW),
        (warned(Level::May), "MAY not met", DIM),
        (count(Verdict::ExpectedDivergence), "known differences of the framework", DIM),
        (count(Verdict::NotObservable), "not observable", DIM),
    ];
    parts.extend(
        others.into_iter().filter(|(n, ..)| *n > 0).map(|(n, what, style)| paint(style, format_args!("{n} {what}"))),
    );
    print(format_args!("{}: {}", paint(BOLD, &column.head.name), parts.join(", ")))?;
    unobserved(outcomes)
        .into_iter()
        .try_for_each(|(reason, count)| print(paint(DIM, format_args!("  {count} not observable: {reason}"))))
}

/// Why cases could not be asked, and how many each reason kept.
fn unobserved(outcomes: &Outcomes<'_>) -> BTreeMap<String, usize> {
    let mut reasons = BTreeMap::new();
    for (_, outcome) in outcomes.iter().filter(|(_, outcome)| outcome.verdict == Verdict::NotObservable) {
        *reasons.entry(outcome.summary()).or_default() += 1;
    }
    reasons
}

fn json(runs: &[(&AskedServer, Outcomes<'_>)]) -> Result<String, Failure> {
    let mut matrix = Matrix::default();
    for (column, outcomes) in runs {
        matrix.add(column.head.clone(), &column.suite, outcomes, |test| column.again(test));
    }
    matrix.trim(true);
    serde_json::to_string_pretty(&matrix).map_err(|error| failed("cannot write JSON", error))
}
