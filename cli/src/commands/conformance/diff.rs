use std::fs::OpenOptions;
use std::io::{IsTerminal as _, Write as _, stderr};
use std::path::PathBuf;
use std::time::{Instant, SystemTime, UNIX_EPOCH};

use clap::{Args, ValueEnum};
use neurolink_conformance::generate::{GenerateOptions, Progress, Report, generate};
use neurolink_conformance::{Column, Divergences, Running, Subject as _, reference};
use serde_json::json;

use super::failed;
use super::subjects::Whom;
use crate::output::{Failure, print};

/// Where this project writes its long runs down.
const PAGE: &str = "docs/differential.md";
/// Exchanges of a run that is a long one.
const LONG: u64 = 1_000_000;

/// Sends generated requests to all frameworks, and compares their answers.
///
/// A seed and a number make a request, so that every finding can be repeated; what differs is shrunk.
/// A finding makes the exit code 1, and so does a difference that was seen once and could not be repeated.
#[derive(Args)]
#[command(after_help = "\
Examples:
  neurolink conformance diff                                 20,000 exchanges, all frameworks
  neurolink conformance diff --seed 7 --from 912 --requests 1
  neurolink conformance diff --requests 2000000 --append runs.md
  neurolink conformance diff --framework axum --url mine=http://127.0.0.1:4000")]
pub(crate) struct Diff {
    #[command(flatten)]
    whom: Whom,

    /// How many exchanges are sent to each server
    #[arg(long, value_name = "NUMBER", default_value_t = 20_000, value_parser = clap::value_parser!(u64).range(1..))]
    requests: u64,

    /// Makes the exchanges, together with their numbers [default: another one each time]
    #[arg(long, value_name = "NUMBER")]
    seed: Option<u64>,

    /// The number of the first exchange
    #[arg(long, value_name = "NUMBER", default_value_t = 0)]
    from: u64,

    /// Exchanges that are sent at the same time
    #[arg(long, value_name = "NUMBER", default_value_t = 8)]
    jobs: usize,

    /// Adds a row for this run to the table at the end of a file [default: docs/differential.md, if it is there, of a
    /// million exchanges or more to all frameworks]
    #[arg(long, value_name = "FILE")]
    append: Option<PathBuf>,

    /// How the result is written
    #[arg(long, value_enum, default_value_t)]
    format: Format,
}

#[derive(Clone, Copy, Default, ValueEnum)]
enum Format {
    /// Findings in full and totals, for people
    #[default]
    Text,
    /// One JSON document
    Json,
}

/// A server that is compared.
struct Compared {
    name: String,
    divergences: Divergences,
    running: Running,
}

impl Diff {
    pub(crate) fn run(self) -> Result<(), Failure> {
        let append = self.append();
        if let Some(file) = &append {
            // Found out now and not after an hour.
            OpenOptions::new().append(true).open(file).map_err(|error| failed(&file.display().to_string(), error))?;
        }
        let servers = self.servers()?;
        if servers.len() < 2 {
            return Err(Failure::Run("one server cannot be compared; give a second --framework or --url".into()));
        }
        let columns: Vec<Column<'_>> = servers
            .iter()
            .map(|server| Column::new(&server.name, server.running.addr).with_divergences(&server.divergences))
            .collect();
        let seed =
            self.seed.unwrap_or_else(|| SystemTime::now().duration_since(UNIX_EPOCH).map_or(1, |now| now.as_secs()));
        let repeat = format!("neurolink conformance diff{}", self.whom.again());
        let (started, shown) = (Instant::now(), stderr().is_terminal());
        let report = generate(
            &columns,
            GenerateOptions {
                requests: self.requests,
                seed,
                from: self.from,
                threads: self.jobs,
                repeat: &repeat,
                progress: &|progress| {
                    if shown {
                        say(progress, started);
                    }
                },
                ..GenerateOptions::default()
            },
        );
        if shown {
            let _ = write!(stderr(), "\r\x1b[K");
        }
        match self.format {
            Format::Text => print(report.to_string().trim_end())?,
            Format::Json => print(json(&report)?)?,
        }
        if let Some(file) = &append {
            let today = jiff::Timestamp::now().strftime("%Y-%m-%d").to_string();
            report.append(file, &today).map_err(|error| failed(&file.display().to_string(), error))?;
            if matches!(self.format, Format::Text) {
                print(format_args!("written to {}", file.display()))?;
            }
        }
        verdict(&report)
    }

    /// Where the run is written down.
    fn append(&self) -> Option<PathBuf> {
        let is_long = self.requests >= LONG && self.whom.is_default();
        let page = || Some(PathBuf::from(PAGE)).filter(|page| is_long && page.is_file());
        self.append.clone().or_else(page)
    }

    fn servers(&self) -> Result<Vec<Compared>, Failure> {
        let mut servers = Vec::new();
        for framework in self.whom.frameworks() {
            let list = framework.divergences().map_err(|problem| Failure::Run(problem.problem))?;
            let divergences = Divergences::parse(list).map_err(|error| failed(framework.as_str(), error))?;
            // Alone, for outside of their base path hosts answer as they like.
            let adapter = framework.adapter().map_err(|problem| Failure::Run(problem.problem))?;
            let subject = reference::Served::by(adapter);
            let running = subject.start("reference").map_err(|error| failed("cannot serve", error))?;
            servers.push(Compared { name: framework.to_string(), divergences, running });
        }
        let known = self.whom.known()?;
        for (name, addr) in self.whom.elsewhere()? {
            let divergences = Divergences::parse(&known).map_err(|error| failed("--known", error))?;
            servers.push(Compared { name, divergences, running: Running::elsewhere(addr) });
        }
        Ok(servers)
    }
}

fn say(progress: Progress, started: Instant) {
    let Progress { asked, requests, findings } = progress;
    let rate = asked as f64 / started.elapsed().as_secs_f64();
    let left = (requests.saturating_sub(asked) as f64 / rate / 60.0).ceil();
    let _ =
        write!(stderr(), "\r\x1b[K{asked} of {requests}, {rate:.0} a second, {left:.0} min left, {findings} findings");
}

fn verdict(report: &Report) -> Result<(), Failure> {
    if report.is_clean() {
        return Ok(());
    }
    let exchanges = |count: usize, what: &str| match count {
        0 => None,
        1 => Some(format!("one exchange was not answered alike{what}")),
        count => Some(format!("{count} exchanges were not answered alike{what}")),
    };
    let found = exchanges(report.findings.len(), "");
    let once = exchanges(report.unrepeated.len(), " once, and mostly were when repeated");
    Err(Failure::Run(found.into_iter().chain(once).collect::<Vec<_>>().join("; ")))
}

fn json(report: &Report) -> Result<String, Failure> {
    let finding = |finding: &neurolink_conformance::generate::Finding| {
        let answers: Vec<_> =
            finding.groups.iter().map(|group| json!({ "servers": group.names, "answer": group.answer })).collect();
        json!({
            "number": finding.number, "sent": finding.sent(), "answers": answers,
            "repeat": report.repeat(finding.number),
        })
    };
    let value = json!({
        "seed": report.seed,
        "from": report.from,
        "exchanges": report.asked,
        "servers": report.names,
        "seconds": report.took.as_secs_f64(),
        "rate": report.rate(),
        "findings": report.findings.iter().map(finding).collect::<Vec<_>>(),
        "unrepeated": report.unrepeated.iter().map(finding).collect::<Vec<_>>(),
        "normalised": report.normalised.iter().map(|rule| rule.as_str()).collect::<Vec<_>>(),
    });
    serde_json::to_string_pretty(&value).map_err(|error| failed("cannot write JSON", error))
}
