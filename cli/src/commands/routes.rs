use clap::{Args, ValueEnum};
use neurolink::create_server;
use neurolink::routes::OfflineEngine;

use crate::options::{Options, say_remarks};
use crate::output::{Failure, print};
use crate::table::{table, terminal_width};

/// Shows what really applies to each route.
#[derive(Args)]
#[command(after_help = "\
Examples:
  neurolink routes
  neurolink routes --config neurolink.toml --format json")]
pub(crate) struct Routes {
    #[command(flatten)]
    options: Options,

    /// How it is written
    #[arg(long, value_enum, default_value_t)]
    format: Format,
}

#[derive(Clone, Copy, Default, ValueEnum)]
enum Format {
    /// A table for people
    #[default]
    Table,
    /// JSON for programs
    Json,
}

impl Routes {
    pub(crate) fn run(self) -> Result<(), Failure> {
        let loaded = self.options.load()?;
        say_remarks(&loaded);
        let app = create_server(OfflineEngine::new()).config(loaded.config).build_app()?;
        match self.format {
            Format::Table => print(table(app.plan(), terminal_width()).trim_end()),
            Format::Json => {
                print(serde_json::to_string_pretty(app.plan()).map_err(|error| Failure::Run(error.to_string()))?)
            }
        }
    }
}
