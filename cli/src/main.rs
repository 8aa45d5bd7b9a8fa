//! The `neurolink` binary: serves an AI engine over HTTP.

mod commands;
mod curl;
mod logging;
mod options;
mod output;
mod table;

use std::process::ExitCode;

use clap::Parser;

use commands::Command;
use output::Failure;

/// Serves an AI engine over HTTP on axum, actix-web, warp or poem: one core, one answer.
#[derive(Parser)]
#[command(
    name = "neurolink",
    version,
    styles = output::STYLES,
    arg_required_else_help = true,
    max_term_width = 100,
    subcommand_required = true,
    after_help = AFTER_HELP
)]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

const AFTER_HELP: &str = "\
Examples:
  neurolink serve                               the built-in engine on http://127.0.0.1:3000
  neurolink serve --framework poem --port 8080  another framework, the same answers
  neurolink routes                              what applies to each route
  neurolink config --preset neurolink           every setting, without secrets

Exit codes: 0 success, 1 failure while running, 2 a mistake in the command line or the configuration.";

fn main() -> ExitCode {
    let done = match Arguments::try_parse() {
        Ok(arguments) => arguments.command.run().map(|()| ExitCode::SUCCESS),
        Err(answer) => explain(&answer),
    };
    done.unwrap_or_else(|failure| failure.report())
}

/// Help, the version, or what is wrong with the command line.
fn explain(answer: &clap::Error) -> Result<ExitCode, Failure> {
    let said = answer.print();
    if !answer.use_stderr() {
        output::written(said)?;
    }
    Ok(ExitCode::from(u8::try_from(answer.exit_code()).unwrap_or(2)))
}
