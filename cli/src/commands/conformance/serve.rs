use clap::Args;
use neurolink::Framework;

use super::{failed, subjects};
use crate::output::{CYAN, Failure, paint, print};

/// Serves what the cases expect to find, to try them by hand.
///
/// It has the configuration, the test routes and one route of the framework's own, on a free port of this machine.
/// It ends with Ctrl-C.
#[derive(Args)]
#[command(after_help = "\
Examples:
  neurolink conformance serve                          the reference configuration on axum
  neurolink conformance serve --framework poem
  neurolink conformance serve --needs drain            another configuration")]
pub(crate) struct Serve {
    /// Web framework to serve on: axum, actix, warp or poem
    #[arg(long, value_name = "NAME", default_value = "axum")]
    framework: Framework,

    /// The configuration; `conformance list --needs` shows them
    #[arg(long, value_name = "CONFIGURATION", default_value = "reference")]
    needs: String,
}

impl Serve {
    pub(crate) fn run(self) -> Result<(), Failure> {
        let subject = subjects::subject(self.framework)?;
        let running = subject.start(&self.needs).map_err(|error| failed("cannot serve", error))?;
        print(format_args!("listening on http://{}", running.addr))?;
        let Self { framework, needs } = &self;
        let command =
            format!("neurolink conformance run --url http://{} --needs {needs} --known {framework}", running.addr);
        print(format_args!("ask it: {}", paint(CYAN, command)))?;
        let runtime = tokio::runtime::Runtime::new().map_err(|error| failed("cannot start the runtime", error))?;
        runtime.block_on(tokio::signal::ctrl_c()).map_err(|error| failed("cannot wait for Ctrl-C", error))
    }
}
