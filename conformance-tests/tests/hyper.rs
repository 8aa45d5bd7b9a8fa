//! Every case against plain hyper: the adapter of the page "Write an adapter".

use std::process::ExitCode;

use neurolink_conformance::hyper_adapter::Hyper;
use neurolink_conformance::{reference, run_cli};

fn main() -> ExitCode {
    run_cli(reference::Served::by(Hyper::new()), "") // no divergence
}
