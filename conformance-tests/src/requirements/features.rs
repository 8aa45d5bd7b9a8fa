//! The features that rows wait for, and how each is recognised once it is there.

use std::collections::BTreeSet;
use std::path::PathBuf;

/// Something that exists only when a feature does.
#[derive(Debug)]
pub(super) enum Probe {
    /// A path of the reference app contains this.
    Route(&'static str),
    /// A file or folder of this name lies somewhere below the core's middleware.
    Middleware(&'static str),
    /// A preset has this name.
    Preset(&'static str),
    /// A file or folder of the repository.
    File(&'static str),
    /// A file, or a source below a folder, contains this.
    Text(&'static str, &'static str),
}

/// A feature, and how it is recognised.
pub(super) type Feature = (&'static str, &'static [Probe]);

/// What the server has.
pub(super) struct Registered {
    /// The features that rows may wait for.
    pub(super) features: &'static [Feature],
    /// The repository.
    pub(super) root: PathBuf,
    /// The paths of the reference app.
    pub(super) routes: BTreeSet<String>,
}

impl Registered {
    /// How a feature is recognised, or nothing for a name that the table does not have.
    pub(super) fn probes(&self, feature: &str) -> Option<&'static [Probe]> {
        self.features.iter().find(|(name, _)| *name == feature).map(|(_, probes)| *probes)
    }

    pub(super) fn has(&self, probe: &Probe) -> bool {
        match probe {
            Probe::Route(part) => self.routes.iter().any(|path| path.contains(part)),
            Probe::Middleware(name) => super::check::sources(&self.root.join("neurolink-core/src/middleware"))
                .iter()
                .any(|path| path.with_extension("").components().any(|part| part.as_os_str() == *name)),
            Probe::Preset(name) => name.parse::<neurolink_config::Preset>().is_ok(),
            Probe::File(path) => self.root.join(path).exists(),
            Probe::Text(path, text) => {
                let path = self.root.join(path);
                let files = if path.is_dir() { super::check::sources(&path) } else { vec![path] };
                files.iter().any(|file| std::fs::read_to_string(file).is_ok_and(|found| found.contains(text)))
            }
        }
    }
}

/// What is missing today. A row that waits for a feature whose probe is found fails.
#[rustfmt::skip] // a table
pub(super) const FEATURES: &[Feature] = &[
    ("async CORS decisions", &[Probe::Text("neurolink-core/src/middleware/cors", "async")]),
    ("audit", &[Probe::File("cli/src/commands/audit.rs")]),
    ("cache", &[Probe::Middleware("cache")]),
    ("CLI state", &[Probe::File("cli/src/commands/status.rs"), Probe::File("cli/src/commands/stop.rs")]),
    ("config get and set", &[Probe::Text("cli/src", "--get")]),
    ("container image", &[Probe::File("Dockerfile")]),
    ("deprecation", &[Probe::Middleware("deprecation")]),
    ("docs UI", &[Probe::Route("/docs"), Probe::Route("/openapi.json")]),
    ("dotfiles", &[Probe::Middleware("dotfiles")]),
    ("memory", &[Probe::Route("/memory")]),
    ("metrics", &[Probe::Route("/metrics"), Probe::Middleware("metrics")]),
    ("OAuth", &[Probe::Route("/oauth")]),
    ("OpenAI routes", &[Probe::Route("/chat/completions")]),
    ("preset hardening", &[Probe::Preset("hardening")]),
    ("preset tonl", &[Probe::Preset("tonl")]),
    ("private listener", &[Probe::Text("neurolink-config/src/sections/server.rs", "private")]),
    ("redaction", &[Probe::Middleware("redaction")]),
    ("route groups in the CLI", &[Probe::Text("cli/src", "--group")]),
    ("sanitising", &[Probe::Middleware("sanitize")]),
    ("schema validation", &[Probe::Middleware("schema"), Probe::Middleware("validation")]),
    ("secret providers", &[Probe::Text("neurolink-config/src", "trait SecretProvider")]),
    ("secret reload", &[Probe::Text("neurolink-config/src", "fn reload")]),
    ("sessions", &[Probe::Middleware("sessions")]),
    ("TONL", &[Probe::Route("/stream/convert")]),
    ("WebSocket", &[Probe::File("neurolink-websocket")]),
];
