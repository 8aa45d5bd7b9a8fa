use clap::{Args, ValueEnum};
use neurolink_conformance::{CONFIGURATIONS, Suite, Test, configuration};
use serde_json::json;

use super::failed;
use super::subjects::Nobody;
use crate::output::{BOLD, CYAN, DIM, Failure, YELLOW, paint, print};

/// Lists the cases and the configurations they need.
#[derive(Args)]
#[command(after_help = "\
Examples:
  neurolink conformance list auth/
  neurolink conformance list --needs                   the configurations there are
  neurolink conformance list --needs reference         one of them, to start a server with
  neurolink conformance list --coverage | less         the requirements, and what shows each
  neurolink conformance list --format json")]
pub(crate) struct List {
    /// Lists only cases whose name contains one of these
    filter: Vec<String>,

    /// Prints the configuration of this name, or the names of all
    #[arg(long, value_name = "CONFIGURATION", num_args = 0..=1, default_missing_value = "")]
    needs: Option<String>,

    /// Prints what is asked of the server and what shows that it is so, as markdown
    #[arg(long, conflicts_with_all = ["filter", "needs", "format"])]
    coverage: bool,

    /// How it is written
    #[arg(long, value_enum, default_value_t)]
    format: Format,
}

#[derive(Clone, Copy, Default, ValueEnum)]
enum Format {
    /// A line a case
    #[default]
    Text,
    /// JSON for programs
    Json,
}

impl List {
    pub(crate) fn run(self) -> Result<(), Failure> {
        if self.coverage {
            let text = neurolink_conformance::coverage().map_err(|error| failed("cannot read the lists", error))?;
            return print(text.trim_end());
        }
        let suite = Suite::new(Nobody, "").map_err(Failure::Run)?;
        if let Some(name) = &self.needs {
            return needs(&suite, name);
        }
        let wanted = |test: &&Test| {
            self.filter.is_empty() || self.filter.iter().any(|filter| test.name().contains(filter.as_str()))
        };
        let tests: Vec<&Test> = suite.tests().iter().filter(wanted).collect();
        match self.format {
            Format::Text => text(&tests)?,
            Format::Json => {
                let list: Vec<_> = tests.iter().map(|test| entry(test)).collect();
                let text = serde_json::to_string_pretty(&list).map_err(|error| failed("cannot write JSON", error))?;
                print(text)?;
            }
        }
        Ok(())
    }
}

fn text(tests: &[&Test]) -> Result<(), Failure> {
    for test in tests {
        let inside = if test.is_inside() { ", in this process only" } else { "" };
        let covers = test.covers().join(" ");
        let covers = if covers.is_empty() { covers } else { format!("; {covers}") };
        print(format_args!(
            "{:<6} {}  {}",
            format!("{:?}", test.level()).to_uppercase(),
            paint(CYAN, test.name()),
            paint(DIM, format_args!("{} (needs {}{inside}{covers})", test.source(), test.needs())),
        ))?;
    }
    let mut ids: Vec<&str> = tests.iter().map(|test| test.id()).collect();
    ids.dedup();
    print(format_args!("{} behaviours, {} tests", paint(BOLD, ids.len()), tests.len()))
}

fn entry(test: &Test) -> serde_json::Value {
    json!({
        "name": test.name(), "id": test.id(), "area": test.area(), "level": test.level(), "source": test.source(),
        "covers": test.covers(), "needs": test.needs(), "inside": test.is_inside(), "wanted": test.wanted(),
    })
}

fn needs(suite: &Suite, name: &str) -> Result<(), Failure> {
    if name.is_empty() {
        for (name, _) in CONFIGURATIONS {
            let tests: Vec<_> = suite.tests().iter().filter(|test| test.needs() == *name).collect();
            let inside = tests.iter().filter(|test| test.is_inside()).count();
            let note = if inside == 0 { String::new() } else { format!(", {inside} of them in this process only") };
            let text = format_args!("{} tests{note}", tests.len());
            print(format_args!("{}  {}", paint(BOLD, name), paint(DIM, text)))?;
        }
        let command = "neurolink conformance list --needs NAME > server.toml";
        return print(format_args!("\nprint one: {}", paint(CYAN, command)));
    }
    let Some(text) = configuration(name) else {
        let names: Vec<&str> = CONFIGURATIONS.iter().map(|(name, _)| *name).collect();
        return Err(Failure::Run(format!("no configuration is called `{name}`; there are {}", names.join(", "))));
    };
    print(text.trim_end())?;
    if anstream::stdout().is_terminal() {
        print(paint(YELLOW, "# Beside it the server has the routes that the suite's README lists."))?;
    }
    Ok(())
}
