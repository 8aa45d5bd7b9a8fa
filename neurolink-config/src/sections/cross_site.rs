use neurolink_core::app::check_origin;
use serde::Serialize;

use crate::reader::{Section, boolean};

/// Section `cross_site`: state-changing requests that a browser sends from another site.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct CrossSiteConfig {
    /// Whether they are refused: yes.
    pub enabled: bool,
    /// Origins that may send them all the same, beside those of CORS.
    pub trusted_origins: Vec<String>,
}

impl Default for CrossSiteConfig {
    fn default() -> Self {
        Self { enabled: true, trusted_origins: Vec::new() }
    }
}

impl CrossSiteConfig {
    pub(crate) fn read(&mut self, mut section: Section<'_>) {
        section.set("enabled", &mut self.enabled, boolean);
        section.list("trusted_origins", &mut self.trusted_origins, check_origin);
        section.finish();
    }
}
