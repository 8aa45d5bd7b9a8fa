use serde::Serialize;

use crate::checks;
use crate::reader::{Section, boolean, integer, text, word};

/// Section `errors`: how errors are answered.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct ErrorsConfig {
    /// The shape of an error, when `Accept` does not ask for one.
    pub format: ErrorFormat,
    /// Text in front of every code, such as `SERVER_ADAPTER_`; events of streams have none.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub code_prefix: String,
    /// The status of a request that took too long: 504, or 408.
    pub timeout_status: u16,
    /// Tells the cause of a server error, on connections from this machine to a loopback address only.
    pub dev_errors: bool,
}

impl Default for ErrorsConfig {
    fn default() -> Self {
        Self { format: ErrorFormat::Envelope, code_prefix: String::new(), timeout_status: 504, dev_errors: false }
    }
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
        section.set("code_prefix", &mut self.code_prefix, |value| {
            let prefix = text(value)?;
            checks::code_prefix(&prefix).map(|()| prefix)
        });
        section.set("timeout_status", &mut self.timeout_status, |value| match integer(408, 504)(value) {
            Ok(408) => Ok(408),
            Ok(504) => Ok(504),
            _ => Err("write 504 or 408".into()),
        });
        section.set("dev_errors", &mut self.dev_errors, boolean);
        section.finish();
    }
}
