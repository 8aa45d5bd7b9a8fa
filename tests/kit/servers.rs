//! The reference server behind every framework's own server.

use neurolink::Framework;
use neurolink_conformance::{Column, Divergences, Running, Subject as _, reference};

/// What an adapter says that its framework forces.
pub(crate) fn divergences(framework: Framework) -> Divergences {
    Divergences::parse(framework.divergences().expect("compiled in")).expect("a valid list")
}

/// Frameworks, running.
pub(crate) struct Servers(Vec<(Framework, Divergences, Running)>);

impl Servers {
    pub(crate) fn start(frameworks: &[Framework], needs: &str) -> Self {
        let start = |&framework: &Framework| {
            let adapter = framework.adapter().expect("compiled in");
            let running = reference::Served::by(adapter).start(needs).expect("starts");
            (framework, divergences(framework), running)
        };
        Self(frameworks.iter().map(start).collect())
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
