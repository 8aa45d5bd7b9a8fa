use std::net::IpAddr;
use std::time::Duration;

use serde::Serialize;

use crate::reader::{Section, boolean, duration, integer, text, word};
use crate::{checks, show};

/// Section `server`: where it listens, what it is called, how it stops.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct ServerConfig {
    /// The web framework: `axum`, `actix`, `warp` or `poem`.
    pub framework: String,
    /// The address or name to listen on: `127.0.0.1`.
    pub host: String,
    /// The port: 3000; 0 takes any free one.
    pub port: u16,
    /// The prefix of every route: `/api`; `/` for none.
    pub base_path: String,
    /// Host names that are answered for, such as `api.example.com` or `*.example.com`; none means any,
    /// but on a loopback address only its own names and these.
    pub hosts: Vec<String>,
    /// Answers for every Host, also on loopback; gives up the protection against DNS rebinding.
    pub allow_any_host: bool,
    /// Serves everybody on a public address, without authentication.
    pub allow_unauthenticated: bool,
    /// How long readiness says 503 before the server stops accepting: not at all.
    #[serde(serialize_with = "show::duration")]
    pub drain_delay: Duration,
    /// How long open requests and streams may go on when the server stops: 25 s.
    #[serde(serialize_with = "show::duration")]
    pub grace: Duration,
    /// The most connections at one time: 10,000.
    pub max_connections: usize,
    /// How many health probes an address may ask for in a second: 50; 0 for any number.
    pub probe_rate: u32,
}

impl Default for ServerConfig {
    fn default() -> Self {
        Self {
            framework: "axum".into(),
            host: "127.0.0.1".into(),
            port: 3000,
            base_path: "/api".into(),
            hosts: Vec::new(),
            allow_any_host: false,
            allow_unauthenticated: false,
            drain_delay: Duration::ZERO,
            grace: Duration::from_secs(25),
            max_connections: 10_000,
            probe_rate: 50,
        }
    }
}

impl ServerConfig {
    /// Whether it listens where only this machine can reach it.
    #[must_use]
    pub fn is_loopback(&self) -> bool {
        let host = self.host.trim_start_matches('[').trim_end_matches(']');
        match host.parse::<IpAddr>() {
            Ok(address) => address.to_canonical().is_loopback(),
            Err(_) => host.eq_ignore_ascii_case("localhost"),
        }
    }

    /// Host and port, as sockets take them.
    #[must_use]
    pub fn address(&self) -> String {
        if self.host.contains(':') && !self.host.starts_with('[') {
            return format!("[{}]:{}", self.host, self.port);
        }
        format!("{}:{}", self.host, self.port)
    }

    pub(crate) fn read(&mut self, mut section: Section<'_>) {
        const FRAMEWORKS: [(&str, &str); 5] =
            [("axum", "axum"), ("actix", "actix"), ("warp", "warp"), ("poem", "poem"), ("actix-web", "actix")];
        section.set("framework", &mut self.framework, |value| {
            word(&FRAMEWORKS)(value)
                .map(Into::into)
                .map_err(|_| "write one of `axum`, `actix`, `warp` and `poem`".into())
        });
        section.set("host", &mut self.host, |value| {
            let host = text(value)?;
            checks::listen_host(&host).map(|()| host)
        });
        section.set("port", &mut self.port, |value| {
            integer(0, 65_535)(value).map(|port| u16::try_from(port).unwrap_or_default())
        });
        section.set("base_path", &mut self.base_path, |value| {
            let path = text(value)?;
            checks::base_path(&path).map(|()| path)
        });
        section.list("hosts", &mut self.hosts, checks::host_name);
        section.set("allow_any_host", &mut self.allow_any_host, boolean);
        section.set("allow_unauthenticated", &mut self.allow_unauthenticated, boolean);
        section.set("drain_delay", &mut self.drain_delay, duration(true));
        section.set("grace", &mut self.grace, duration(true));
        section.set("max_connections", &mut self.max_connections, |value| {
            integer(1, 1_000_000)(value).map(|most| usize::try_from(most).unwrap_or(usize::MAX))
        });
        section.set("probe_rate", &mut self.probe_rate, |value| {
            integer(0, 1_000_000)(value).map(|rate| u32::try_from(rate).unwrap_or(u32::MAX))
        });
        section.finish();
    }
}
