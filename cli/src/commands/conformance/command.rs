//! The subcommands of `conformance`, and what runs for each.

use clap::Subcommand;

use super::{diff, list, matrix, run, serve, soak};
use crate::output::Failure;

/// Asks servers the cases of the conformance suite.
#[derive(Subcommand)]
pub(crate) enum Conformance {
    /// Runs cases against frameworks of this binary, or any server
    Run(run::Run),
    /// Lists the cases and the configurations they need
    List(list::List),
    /// Sends generated requests to all frameworks, and compares their answers
    Diff(diff::Diff),
    /// Runs all cases and writes the table of who answers how
    Matrix(matrix::Matrix),
    /// Loads frameworks for minutes, and proves that nothing is left of it
    Soak(soak::Soak),
    /// Serves what the cases expect to find, to try them by hand
    Serve(serve::Serve),
}

impl Conformance {
    pub(crate) fn run(self) -> Result<(), Failure> {
        // Cases make handlers panic on purpose; what comes of it is in their verdict.
        std::panic::set_hook(Box::new(|_| ()));
        match self {
            Self::Run(command) => command.run(),
            Self::List(command) => command.run(),
            Self::Diff(command) => command.run(),
            Self::Matrix(command) => command.run(),
            Self::Soak(command) => command.run(),
            Self::Serve(command) => command.run(),
        }
    }
}
