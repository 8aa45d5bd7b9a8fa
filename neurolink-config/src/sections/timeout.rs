use std::time::Duration;

use serde::Serialize;

use crate::reader::{Section, duration};
use crate::show;

/// Section `timeout`: how long things may take.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct TimeoutConfig {
    /// A request, until its first byte is answered: 30 s.
    #[serde(serialize_with = "show::duration")]
    pub request: Duration,
    /// The next bytes of a request's body: 10 s.
    #[serde(serialize_with = "show::duration")]
    pub body: Duration,
}

impl Default for TimeoutConfig {
    fn default() -> Self {
        Self { request: Duration::from_secs(30), body: Duration::from_secs(10) }
    }
}

impl TimeoutConfig {
    pub(crate) fn read(&mut self, mut section: Section<'_>) {
        section.set("request", &mut self.request, duration(false));
        section.set("body", &mut self.body, duration(false));
        section.finish();
    }
}
