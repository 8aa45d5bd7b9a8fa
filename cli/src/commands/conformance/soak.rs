use std::io::{BufRead as _, BufReader, IsTerminal as _, Write as _, stderr};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use clap::{Args, ValueEnum};
use neurolink::Framework;
use neurolink::serve::ServeConfig;
use neurolink_conformance::reference;
use neurolink_conformance::soak::{Outcome, Progress, SoakOptions, soak};

use super::failed;
use crate::output::{BOLD, DIM, Failure, GREEN, RED, paint, print};

/// How many connections a server takes at one time: few, so that a lost permit is found at the end.
const CONNECTIONS: usize = 256;

/// Loads frameworks for minutes with clients of all kinds, and proves that nothing is left of them.
///
/// Each framework runs in a process of its own. Clients ask, stream, leave, are slow, and send what has to be
/// refused, while another server stops and starts. At the end all counters have to be back at their start.
/// Anything that leaked, any wrong answer, and a server that was busy too often make the exit code 1.
#[derive(Args)]
#[command(after_help = "\
Examples:
  neurolink conformance soak --minutes 10
  neurolink conformance soak --minutes 0.5 --framework actix
  neurolink conformance soak --minutes 10 --format json > soak.json")]
pub(crate) struct Soak {
    /// How long clients come; memory is judged from 5 minutes on
    #[arg(long, value_name = "NUMBER", default_value_t = 10.0, value_parser = minutes)]
    minutes: f64,

    /// A framework of this binary; may be repeated [default: all]
    #[arg(long, visible_alias = "adapter", value_name = "NAME")]
    framework: Vec<Framework>,

    /// Clients of a framework at one time
    #[arg(long, value_name = "NUMBER", default_value_t = 12, value_parser = clap::value_parser!(u16).range(1..=200))]
    clients: u16,

    /// How the result is written
    #[arg(long, value_enum, default_value_t)]
    format: Format,

    /// One process of a soak: its result is judged by who started it, and its progress is told if that is true
    #[arg(long, hide = true, value_name = "BOOL")]
    part: Option<bool>,
}

#[derive(Clone, Copy, Default, PartialEq, Eq, ValueEnum)]
enum Format {
    /// A table, and what leaked
    #[default]
    Text,
    /// One JSON document
    Json,
}

fn minutes(text: &str) -> Result<f64, String> {
    let number: f64 = text.parse().map_err(|_| "a number is wanted, such as 10 or 0.5".to_owned())?;
    if (0.01..=10_000.0).contains(&number) { Ok(number) } else { Err("between 0.01 and 10000 are possible".into()) }
}

impl Soak {
    pub(crate) fn run(self) -> Result<(), Failure> {
        let mut frameworks = self.framework.clone();
        if frameworks.is_empty() {
            frameworks = Framework::ALL.into_iter().filter(|framework| framework.is_enabled()).collect();
        }
        let outcomes = match frameworks[..] {
            [framework] if self.part.is_some() => vec![self.alone(framework)?],
            _ => self.beside_each_other(&frameworks)?,
        };
        match self.format {
            Format::Text => print(table(&outcomes).trim_end())?,
            Format::Json => {
                let text = serde_json::to_string(&outcomes).map_err(|error| failed("cannot write JSON", error))?;
                print(text)?;
            }
        }
        if self.part.is_some() { Ok(()) } else { verdict(&outcomes) }
    }

    fn is_told(&self) -> bool {
        self.part.unwrap_or_else(|| stderr().is_terminal())
    }

    /// In this process.
    fn alone(&self, framework: Framework) -> Result<Outcome, Failure> {
        let adapter = framework
            .adapter_with(ServeConfig::default().max_connections(CONNECTIONS))
            .map_err(|problem| Failure::Run(problem.problem))?;
        let told = self.is_told();
        let progress = |progress: &Progress| {
            if told {
                let _ = writeln!(stderr(), "{framework}: {}", line(progress));
            }
        };
        let options = SoakOptions {
            time: Duration::from_secs_f64(self.minutes * 60.0),
            clients: self.clients.into(),
            connections: CONNECTIONS,
            progress: &progress,
            ..SoakOptions::default()
        };
        soak(&reference::Served::by(adapter), options)
            .map_err(|failure| Failure::Run(format!("{framework}: {failure}")))
    }

    /// Each in a process of its own, so that memory and files can be told apart.
    fn beside_each_other(&self, frameworks: &[Framework]) -> Result<Vec<Outcome>, Failure> {
        let binary = std::env::current_exe().map_err(|error| failed("this binary cannot be found", error))?;
        let mut children = Vec::new();
        for framework in frameworks {
            let mut command = Command::new(&binary);
            command.args(["conformance", "soak", "--format", "json", "--framework", framework.as_str()]);
            command.args(["--minutes", &self.minutes.to_string(), "--clients", &self.clients.to_string()]);
            command.args(["--part", &self.is_told().to_string()]);
            // What glibc keeps of large blocks that were freed, such as those of password hashes, is no leak.
            command.env("MALLOC_MMAP_THRESHOLD_", (1024 * 1024).to_string());
            let child = command.stdin(Stdio::null()).stdout(Stdio::piped()).spawn();
            children.push((framework, SoakProcess(child.map_err(|error| failed("cannot start a process", error))?)));
        }
        children.into_iter().map(|(framework, child)| child.outcome(*framework)).collect()
    }
}

/// A process that ends with this one.
struct SoakProcess(Child);

impl SoakProcess {
    fn outcome(mut self, framework: Framework) -> Result<Outcome, Failure> {
        let lost = || Failure::Run(format!("{framework}: its process ended without a result"));
        let stdout = self.0.stdout.take().ok_or_else(lost)?;
        let mut text = String::new();
        BufReader::new(stdout).read_line(&mut text).map_err(|error| failed(framework.as_str(), error))?;
        let outcomes: Vec<Outcome> = serde_json::from_str(&text).map_err(|_| lost())?;
        outcomes.into_iter().next().ok_or_else(lost)
    }
}

impl Drop for SoakProcess {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

fn line(progress: &Progress) -> String {
    let Progress { elapsed, visits, busy, wrong, resident } = progress;
    let seconds = elapsed.as_secs();
    format!("{seconds} s, {visits} visits, {busy} met a busy server, {wrong} wrong answers, {} MiB", resident >> 20)
}

fn table(outcomes: &[Outcome]) -> String {
    let heading = "FRAMEWORK  SECONDS   VISITS     BUSY    WRONG  RESTARTS  MEMORY (MiB)  COUNTERS BACK";
    let mut text = format!("{}\n", paint(BOLD, heading));
    for outcome in outcomes {
        let Outcome { name, seconds, visits, busy, wrong, restarts, memory, measures, .. } = outcome;
        let back = measures.iter().filter(|measure| measure.is_back()).count();
        let memory = format!("{} → {}", memory.warm >> 20, memory.end >> 20);
        let style = if outcome.is_clean() { GREEN } else { RED };
        let row = format!("{seconds:>7.0} {visits:>8} {busy:>8} {wrong:>8}  {restarts:>8}  {memory:>12}");
        let counters = format!("{back} of {}", measures.len());
        text.push_str(&format!("{} {row}  {counters}\n", paint(style, format_args!("{name:<10}"))));
    }
    for outcome in outcomes {
        for problem in &outcome.problems {
            text.push_str(&format!("{}: {}\n", outcome.name, paint(RED, problem)));
        }
    }
    text.push_str(&paint(DIM, "busy: 408, 429 or 504; memory: after the warm-up → in the last quarter"));
    text
}

fn verdict(outcomes: &[Outcome]) -> Result<(), Failure> {
    let problems: Vec<String> = outcomes
        .iter()
        .flat_map(|outcome| outcome.problems.iter().map(move |problem| format!("{}: {problem}", outcome.name)))
        .collect();
    match &problems[..] {
        [] => Ok(()),
        [problem] => Err(Failure::Run(problem.clone())),
        [first, ..] => Err(Failure::Run(format!("{first}; and {} more", problems.len() - 1))),
    }
}

#[cfg(test)]
mod tests {
    use neurolink_conformance::soak::Memory;

    use super::*;

    fn outcome(problems: &[&str]) -> Outcome {
        Outcome {
            name: "axum".into(),
            seconds: 60.0,
            visits: 1000,
            busy: 1,
            wrong: 0,
            restarts: 9,
            memory: Memory { warm: 40 << 20, end: 41 << 20, tolerance: 12 << 20 },
            measures: Vec::new(),
            problems: problems.iter().map(|problem| (*problem).to_owned()).collect(),
        }
    }

    #[test]
    fn what_leaked_is_said_in_the_table_and_ends_the_program_with_a_failure() {
        let leaky = outcome(&["leaked, threads: 9 when every client had left, 8 at the start", "another"]);
        assert!(table(&[outcome(&[]), leaky.clone()]).contains("leaked, threads: 9"));
        assert!(verdict(&[outcome(&[])]).is_ok());
        let failure = verdict(&[outcome(&[]), leaky]);
        let text = "axum: leaked, threads: 9 when every client had left, 8 at the start; and 1 more";
        assert!(matches!(failure, Err(Failure::Run(said)) if said == text));
    }
}
