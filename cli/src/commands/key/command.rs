//! The subcommands of `key`, and what runs for each.

use clap::Subcommand;

use super::{issue, revoke};
use crate::output::Failure;

/// Issues and revokes API keys.
#[derive(Subcommand)]
pub(crate) enum Key {
    /// Makes an API key, shows it once, and keeps its hash only
    Issue(issue::Issue),
    /// Revokes a key that was issued into the store
    Revoke(revoke::Revoke),
}

impl Key {
    pub(crate) fn run(self) -> Result<(), Failure> {
        match self {
            Self::Issue(command) => command.run(),
            Self::Revoke(command) => command.run(),
        }
    }
}
