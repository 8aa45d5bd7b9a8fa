use clap::{Args, ValueEnum};

use crate::options::{Options, say_remarks};
use crate::output::{Failure, print};

/// Shows the effective configuration, without its secrets.
#[derive(Args)]
#[command(after_help = "\
Examples:
  neurolink config
  neurolink config --preset neurolink > neurolink.toml
  neurolink config --config neurolink.toml --format json")]
pub(crate) struct Config {
    #[command(flatten)]
    options: Options,

    /// How it is written
    #[arg(long, value_enum, default_value_t)]
    format: Format,
}

#[derive(Clone, Copy, Default, ValueEnum)]
enum Format {
    /// TOML, as in a file; each secret is [hidden]
    #[default]
    Text,
    /// JSON
    Json,
}

impl Config {
    pub(crate) fn run(self) -> Result<(), Failure> {
        let loaded = self.options.load()?;
        say_remarks(&loaded);
        let failure = |error: &dyn std::fmt::Display| Failure::Run(error.to_string());
        let text = match self.format {
            Format::Text => toml::to_string_pretty(&loaded.config).map_err(|error| failure(&error))?,
            Format::Json => serde_json::to_string_pretty(&loaded.config).map_err(|error| failure(&error))?,
        };
        print(text.trim_end())
    }
}
