//! The reference server behind every framework's own server.

use neurolink::Framework;
use neurolink_conformance::{Column, Divergences, Running, Subject, reference};

/// What an adapter says that its framework forces.
pub(crate) fn divergences(framework: Framework) -> Divergences {
    Divergences::parse(framework.divergences().expect("compiled in")).expect("a valid list")
}

/// Frameworks, running.
pub(crate) struct Servers(Vec<(Framework, Divergences, Running)>);

impl Servers {
    /// The app alone: every path is its own.
    pub(crate) fn start(frameworks: &[Framework], needs: &str) -> Self {
        let alone = |framework: Framework| {
            let adapter = framework.adapter().expect("compiled in");
            Box::new(reference::Served::by(adapter)) as Box<dyn Subject>
        };
        Self::start_as(alone, frameworks, needs)
    }

    pub(crate) fn start_as(
        subject: impl Fn(Framework) -> Box<dyn Subject>,
        frameworks: &[Framework],
        needs: &str,
    ) -> Self {
        let start = |&framework: &Framework| {
            let running = subject(framework).start(needs).expect("starts");
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
