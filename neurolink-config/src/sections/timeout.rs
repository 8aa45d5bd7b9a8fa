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
    /// The head of a request, the silence before one, and a PROXY header: 10 s.
    #[serde(serialize_with = "show::duration")]
    pub head: Duration,
    /// A connection without a request: 60 s; `head` ends it before where that is shorter and it is HTTP/1.
    #[serde(serialize_with = "show::duration")]
    pub keep_alive: Duration,
    /// The handshake of an encrypted connection: 10 s.
    #[serde(serialize_with = "show::duration")]
    pub tls_handshake: Duration,
    /// A peer that takes no byte of what is sent to it: 30 s.
    #[serde(serialize_with = "show::duration")]
    pub send: Duration,
}

impl Default for TimeoutConfig {
    fn default() -> Self {
        Self {
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
        section.set("request", &mut self.request, duration(false));
        section.set("body", &mut self.body, duration(false));
        section.set("head", &mut self.head, duration(false));
        section.set("keep_alive", &mut self.keep_alive, duration(false));
        section.set("tls_handshake", &mut self.tls_handshake, duration(false));
        section.set("send", &mut self.send, duration(false));
        section.finish();
    }
}
