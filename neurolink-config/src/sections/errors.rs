use serde::Serialize;

use crate::reader::{Section, word};

/// Section `errors`: how errors are answered.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct ErrorsConfig {
    /// The shape of an error, when `Accept` does not ask for one.
    pub format: ErrorFormat,
}

/// The shape of an error.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
#[non_exhaustive]
pub enum ErrorFormat {
    /// `{"error":{..},"metadata":{..}}`.
    #[default]
    Envelope,
    /// `application/problem+json` (RFC 9457).
    Problem,
}

impl ErrorsConfig {
    pub(crate) fn read(&mut self, mut section: Section<'_>) {
        let words = [("envelope", ErrorFormat::Envelope), ("problem", ErrorFormat::Problem)];
        section.set("format", &mut self.format, word(&words));
        section.finish();
    }
}
