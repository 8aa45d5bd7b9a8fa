use std::io::{IsTerminal as _, Read as _};

use clap::Args;
use neurolink::middleware::PasswordHash;
use neurolink::{ConfigError, ConfigProblem};

use crate::output::{Failure, print};

/// More than any password has, so that a wrong file is not read whole.
const MOST: u64 = 4096;

/// Hashes a password for `auth.passwords[].hash` of the configuration.
///
/// It asks for the password on a terminal, and otherwise reads one line from standard input: a password has no flag.
#[derive(Args)]
#[command(after_help = "\
Examples:
  neurolink password                           asks twice, and writes the hash
  pass show ada | neurolink password > ada.hash   for `hash_file = \"ada.hash\"`")]
pub(crate) struct Password {}

impl Password {
    pub(crate) fn run(self) -> Result<(), Failure> {
        let hash = PasswordHash::of(&read()?).map_err(mistake)?;
        print(hash.text())
    }
}

fn mistake(problem: impl Into<String>) -> Failure {
    ConfigError::new(vec![ConfigProblem::new("password", problem)]).into()
}

fn read() -> Result<String, Failure> {
    if std::io::stdin().is_terminal() {
        let ask = |prompt| rpassword::prompt_password(prompt).map_err(|error| mistake(error.to_string()));
        let (first, second) = (ask("Password: ")?, ask("Once more: ")?);
        return if first == second { Ok(first) } else { Err(mistake("the two passwords differ")) };
    }
    let mut text = String::new();
    let read = std::io::stdin().lock().take(MOST).read_to_string(&mut text);
    read.map_err(|error| mistake(format!("standard input is no text: {error}")))?;
    let line = text.strip_suffix('\n').unwrap_or(&text);
    Ok(line.strip_suffix('\r').unwrap_or(line).to_owned())
}
