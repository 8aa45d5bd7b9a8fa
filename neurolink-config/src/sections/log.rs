use serde::Serialize;

use crate::reader::{Section, boolean, word};

/// Section `log`: what is written to standard error. A library writes nothing; the binary does.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct LogConfig {
    /// Text for people, JSON for machines, or requests as Keryx writes them.
    pub format: LogFormat,
    /// The least important level that is written: `info`.
    pub level: LogLevel,
    /// Whether every request gets a line: yes.
    pub access: bool,
}

/// How log lines look.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
#[non_exhaustive]
pub enum LogFormat {
    /// For people.
    #[default]
    Text,
    /// One JSON object a line.
    Json,
    /// For people, and the lines of requests are Keryx's: `[ACTION:WEB:OK] .. [cor:..] {}`.
    Keryx,
}

/// How important a line is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
#[non_exhaustive]
pub enum LogLevel {
    /// Nothing is written.
    Off,
    /// Failures.
    Error,
    /// What may become one.
    Warn,
    /// What happens.
    #[default]
    Info,
    /// How it happens.
    Debug,
    /// Everything.
    Trace,
}

impl LogLevel {
    /// The name, as `RUST_LOG` takes it.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Off => "off",
            Self::Error => "error",
            Self::Warn => "warn",
            Self::Info => "info",
            Self::Debug => "debug",
            Self::Trace => "trace",
        }
    }
}

impl Default for LogConfig {
    fn default() -> Self {
        Self { format: LogFormat::Text, level: LogLevel::Info, access: true }
    }
}

impl LogConfig {
    pub(crate) fn read(&mut self, mut section: Section<'_>) {
        use LogLevel::{Debug, Error, Info, Off, Trace, Warn};
        let formats = [("text", LogFormat::Text), ("json", LogFormat::Json), ("keryx", LogFormat::Keryx)];
        section.set("format", &mut self.format, word(&formats));
        let levels = [Off, Error, Warn, Info, Debug, Trace].map(|level| (level.as_str(), level));
        section.set("level", &mut self.level, word(&levels));
        section.set("access", &mut self.access, boolean);
        section.finish();
    }
}
