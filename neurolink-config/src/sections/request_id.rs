use serde::Serialize;

use crate::checks;
use crate::reader::{Section, text};

/// Section `request_id`: the id that every response carries.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct RequestIdConfig {
    /// The header: `x-request-id`. A request's own id is taken from trusted proxies only.
    pub header: String,
}

impl Default for RequestIdConfig {
    fn default() -> Self {
        Self { header: "x-request-id".into() }
    }
}

impl RequestIdConfig {
    pub(crate) fn read(&mut self, mut section: Section<'_>) {
        section.set("header", &mut self.header, |value| {
            let name = text(value)?;
            checks::header_name(&name).map(|()| name.to_lowercase())
        });
        section.finish();
    }
}
