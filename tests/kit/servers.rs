//! The reference server behind every framework's own server.

use neurolink::Framework;
use neurolink_conformance::{Column, Divergences, Running, Subject as _, reference};

/// What an adapter says that its framework forces.
pub(crate) fn divergences(framework: Framework) -> Divergences {
    Divergences::parse(framework.divergences().expect("compiled in")).expect("a valid list")
}

/// All four, running.
pub(crate) struct Servers(Vec<(Framework, Divergences, Running)>);

impl Servers {
    pub(crate) fn start() -> Self {
        let start = |framework: Framework| {
            let adapter = framework.adapter().expect("compiled in");
            let running = reference::Served::by(adapter).start("reference").expect("starts");
            (framework, divergences(framework), running)
        };
        Self(Framework::ALL.into_iter().map(start).collect())
    }

    pub(crate) fn columns(&self) -> Vec<Column<'_>> {
        self.0
            .iter()
            .map(|(framework, divergences, running)| {
                Column::new(framework.as_str(), running.addr).with_divergences(divergences)
            })
            .collect()
    }
}
