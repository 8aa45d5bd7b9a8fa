use std::path::PathBuf;

use clap::Args;

use super::store;
use crate::output::{Failure, print};

/// Revokes a key that was issued into the store: every server refuses it from the next request on.
#[derive(Args)]
#[command(after_help = "\
Examples:
  neurolink key revoke 6ad1c05e0e3f4b1d8f0a2b7c9d4e5f60 --config neurolink.toml

A key of a configuration is revoked by taking its entry out.")]
pub(crate) struct Revoke {
    /// Id of the key, as `issue` has shown it
    id: String,

    /// File whose `auth.api_keys` names the store [default: as of `serve`]
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
}

impl Revoke {
    pub(crate) fn run(self) -> Result<(), Failure> {
        let issuer = store::issuer(self.config)?;
        match store::wait(issuer.revoke(&self.id))? {
            true => print("revoked"),
            false => Err(Failure::Run(format!("the store has no key with the id `{}`", self.id.escape_default()))),
        }
    }
}
