//! The subcommands, and what runs for each.

use clap::Subcommand;

use super::{config, conformance, key, password, routes, serve};
use crate::output::Failure;

/// What to do.
#[derive(Subcommand)]
pub(crate) enum Command {
    /// Serves the built-in engine until SIGTERM or Ctrl-C
    Serve(serve::Serve),
    /// Shows what really applies to each route
    Routes(routes::Routes),
    /// Shows the effective configuration, without its secrets
    Config(config::Config),
    /// Issues and revokes API keys
    #[command(subcommand)]
    Key(key::Key),
    /// Hashes a password for the configuration
    Password(password::Password),
    /// Asks servers the cases of the conformance suite
    #[command(subcommand)]
    Conformance(conformance::Conformance),
}

impl Command {
    pub(crate) fn run(self) -> Result<(), Failure> {
        match self {
            Self::Serve(command) => command.run(),
            Self::Routes(command) => command.run(),
            Self::Config(command) => command.run(),
            Self::Key(command) => command.run(),
            Self::Password(command) => command.run(),
            Self::Conformance(command) => command.run(),
        }
    }
}
