use serde::Serialize;

use crate::checks;
use crate::reader::Section;

/// Section `proxies`: whose forwarded data is believed.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct ProxiesConfig {
    /// Networks of trusted proxies, such as `10.0.0.0/8`; none are trusted unless named.
    pub trusted: Vec<String>,
}

impl ProxiesConfig {
    pub(crate) fn read(&mut self, mut section: Section<'_>) {
        section.list("trusted", &mut self.trusted, checks::network);
        section.finish();
    }
}
