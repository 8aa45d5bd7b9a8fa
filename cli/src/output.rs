//! What people see: colours, warnings and failures.

use std::fmt::Display;
use std::io::{self, ErrorKind, Write as _};
use std::process::ExitCode;

use clap::builder::Styles;
use clap::builder::styling::{AnsiColor, Style};
use neurolink::{ConfigError, ConfigProblem};
use neurolink_config::{LogFormat, Refused};
use serde_json::{Value, json};

/// Names and headings.
pub(crate) const BOLD: Style = Style::new().bold();
/// What matters less.
pub(crate) const DIM: Style = Style::new().dimmed();
/// What is fine.
pub(crate) const GREEN: Style = AnsiColor::Green.on_default();
/// What is in the way.
pub(crate) const RED: Style = AnsiColor::Red.on_default().bold();
/// What should be looked at.
pub(crate) const YELLOW: Style = AnsiColor::Yellow.on_default();
/// What can be typed.
pub(crate) const CYAN: Style = AnsiColor::Cyan.on_default();

/// The colours of `--help`.
pub(crate) const STYLES: Styles = Styles::styled()
    .header(AnsiColor::Green.on_default().bold())
    .usage(AnsiColor::Green.on_default().bold())
    .literal(AnsiColor::Cyan.on_default().bold())
    .placeholder(AnsiColor::Cyan.on_default());

/// Text in a style; the style vanishes when output is no terminal.
pub(crate) fn paint(style: Style, text: impl Display) -> String {
    format!("{style}{text}{style:#}")
}

/// Writes to standard output.
///
/// Nobody may be listening any more, which is fine; a full disk is a failure.
pub(crate) fn print(text: impl Display) -> Result<(), Failure> {
    let mut out = anstream::stdout().lock();
    written(writeln!(out, "{text}").and_then(|()| out.flush()))
}

/// What came of writing to standard output.
pub(crate) fn written(result: io::Result<()>) -> Result<(), Failure> {
    match result {
        Err(error) if error.kind() != ErrorKind::BrokenPipe => {
            Err(Failure::Run(format!("cannot write to standard output: {error}")))
        }
        _ => Ok(()),
    }
}

/// Writes a warning to standard error.
pub(crate) fn warn(text: impl Display) {
    let _ = writeln!(anstream::stderr(), "{}: {text}", paint(YELLOW, "warning"));
}

/// Why the program ends.
pub(crate) enum Failure {
    /// The command line or the configuration has mistakes: exit code 2.
    Config(ConfigError),
    /// It failed while running, with a hint perhaps: exit code 1.
    Run(String),
    /// One of the others, as lines of JSON.
    Json(Box<Self>),
}

impl From<ConfigError> for Failure {
    fn from(error: ConfigError) -> Self {
        Self::Config(error)
    }
}

impl From<Refused> for Failure {
    fn from(refused: Refused) -> Self {
        refused.error.into()
    }
}

impl Failure {
    /// Is told as the log is.
    pub(crate) fn told_in(self, format: LogFormat) -> Self {
        if format == LogFormat::Json { Self::Json(Box::new(self)) } else { self }
    }

    /// Says why, and gives the exit code.
    pub(crate) fn report(&self) -> ExitCode {
        // A terminal that is gone is nobody who reads it.
        let _ = self.tell(&mut anstream::stderr().lock());
        self.code()
    }

    fn code(&self) -> ExitCode {
        match self {
            Self::Run(_) => ExitCode::FAILURE,
            Self::Config(_) => ExitCode::from(2),
            Self::Json(failure) => failure.code(),
        }
    }

    fn tell(&self, out: &mut impl io::Write) -> io::Result<()> {
        match self {
            Self::Run(text) => writeln!(out, "{}: {text}", paint(RED, "error")),
            Self::Config(error) => tell_mistakes(error, out),
            Self::Json(failure) => failure.lines().iter().try_for_each(|line| writeln!(out, "{line}")),
        }
    }

    /// Each problem as an object.
    fn lines(&self) -> Vec<Value> {
        match self {
            Self::Run(text) => vec![json!({ "level": "ERROR", "target": "neurolink", "message": text })],
            Self::Config(error) => error.problems().iter().map(line).collect(),
            Self::Json(failure) => failure.lines(),
        }
    }
}

fn line(problem: &ConfigProblem) -> Value {
    json!({
        "level": "ERROR",
        "target": "neurolink::config",
        "message": problem.problem,
        "key": problem.key,
        "value": problem.value,
        "origin": problem.origin,
    })
}

fn tell_mistakes(error: &ConfigError, out: &mut impl io::Write) -> io::Result<()> {
    let count = error.problems().len();
    let mistakes = if count == 1 { "a mistake".into() } else { format!("{count} mistakes") };
    writeln!(out, "{}: the configuration has {mistakes}", paint(RED, "error"))?;
    for problem in error.problems() {
        let value = problem.value.as_ref().map(|value| format!(" = {value}")).unwrap_or_default();
        let origin = problem.origin.as_ref().map(|origin| format!(" (from {origin})")).unwrap_or_default();
        let (key, origin) = (paint(BOLD, &problem.key), paint(DIM, origin));
        writeln!(out, "\n  {key}{value}{origin}\n    {}", problem.problem)?;
    }
    Ok(())
}
