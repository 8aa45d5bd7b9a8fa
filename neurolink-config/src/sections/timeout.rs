use std::time::Duration;

use serde::Serialize;

use crate::reader::{Section, duration, word};
use crate::show;

/// Section `timeout`: how long things may take.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct TimeoutConfig {
    /// The times to begin with; what is given wins over them.
    pub preset: TimeoutPreset,
    /// A request, until its first byte is answered: 30 s.
    #[serde(serialize_with = "show::duration")]
    pub request: Duration,
    /// The next bytes of a request's body: 10 s.
    #[serde(serialize_with = "show::duration")]
    pub body: Duration,
    /// The head of a request, the silence before a connection's first one, and a PROXY header: 10 s.
    #[serde(serialize_with = "show::duration")]
    pub head: Duration,
    /// A connection without a request, once it has had one: 60 s, noticed after at most twice that.
    #[serde(serialize_with = "show::duration")]
    pub keep_alive: Duration,
    /// The handshake of an encrypted connection: 10 s.
    #[serde(serialize_with = "show::duration")]
    pub tls_handshake: Duration,
    /// A peer that takes no byte of what is sent to it: 30 s.
    #[serde(serialize_with = "show::duration")]
    pub send: Duration,
}

/// Times to begin with.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
#[non_exhaustive]
pub enum TimeoutPreset {
    /// The defaults of each.
    #[default]
    Modern,
    /// Those that guides to hardening give nginx: 12 s for the next bytes of a body and for a head, 10 s to take some of an
    /// answer, 60 s to answer.
    Nginx,
}

const PRESETS: [(&str, TimeoutPreset); 2] = [("modern", TimeoutPreset::Modern), ("nginx", TimeoutPreset::Nginx)];

impl TimeoutPreset {
    /// Its times.
    ///
    /// ```
    /// use neurolink_config::{Config, TimeoutPreset};
    ///
    /// let mut config = Config::default();
    /// config.timeout = TimeoutPreset::Nginx.times();
    /// assert_eq!(config.timeout.head.as_secs(), 12);
    /// ```
    #[must_use]
    pub fn times(self) -> TimeoutConfig {
        let modern = TimeoutConfig::default();
        match self {
            Self::Modern => modern,
            Self::Nginx => TimeoutConfig {
                preset: self,
                request: Duration::from_secs(60),
                body: Duration::from_secs(12),
                head: Duration::from_secs(12),
                send: Duration::from_secs(10),
                ..modern
            },
        }
    }
}

impl Default for TimeoutConfig {
    fn default() -> Self {
        Self {
            preset: TimeoutPreset::default(),
            request: Duration::from_secs(30),
            body: Duration::from_secs(10),
            head: Duration::from_secs(10),
            keep_alive: Duration::from_secs(60),
            tls_handshake: Duration::from_secs(10),
            send: Duration::from_secs(30),
        }
    }
}

impl TimeoutConfig {
    pub(crate) fn read(&mut self, mut section: Section<'_>) {
        let before = self.preset;
        section.set("preset", &mut self.preset, word(&PRESETS));
        if self.preset != before {
            *self = self.preset.times();
        }
        section.set("request", &mut self.request, duration(false));
        section.set("body", &mut self.body, duration(false));
        section.set("head", &mut self.head, duration(false));
        section.set("keep_alive", &mut self.keep_alive, duration(false));
        section.set("tls_handshake", &mut self.tls_handshake, duration(false));
        section.set("send", &mut self.send, duration(false));
        section.finish();
    }
}
