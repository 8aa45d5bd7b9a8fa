use std::time::Duration;

use serde::Serialize;

use crate::layers::Value;
use crate::reader::{Section, duration, integer, text};
use crate::show;

/// Section `stream`: how event streams behave.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct StreamConfig {
    /// The time between comments that keep an idle connection open: 15 s; zero (`off`) sends none.
    #[serde(serialize_with = "show::duration")]
    pub keep_alive: Duration,
    /// How long the engine may say nothing: 2 minutes.
    #[serde(serialize_with = "show::duration")]
    pub idle_timeout: Duration,
    /// How long a stream may last: an hour.
    #[serde(serialize_with = "show::duration")]
    pub max_duration: Duration,
    /// How many streams a user may have open, and an address whose callers are not known: 32.
    pub max_per_client: usize,
}

impl Default for StreamConfig {
    fn default() -> Self {
        Self {
            keep_alive: Duration::from_secs(15),
            idle_timeout: Duration::from_secs(120),
            max_duration: Duration::from_secs(3600),
            max_per_client: 32,
        }
    }
}

impl StreamConfig {
    pub(crate) fn read(&mut self, mut section: Section<'_>) {
        section.set("keep_alive", &mut self.keep_alive, |value| {
            let off = text(value).is_ok_and(|text| text.eq_ignore_ascii_case("off"));
            // YAML reads `off` as false.
            if off || matches!(value, Value::Bool(false)) {
                return Ok(Duration::ZERO);
            }
            duration(true)(value)
        });
        section.set("idle_timeout", &mut self.idle_timeout, duration(false));
        section.set("max_duration", &mut self.max_duration, duration(false));
        section.set("max_per_client", &mut self.max_per_client, integer(1, 1_000_000));
        section.finish();
    }
}
