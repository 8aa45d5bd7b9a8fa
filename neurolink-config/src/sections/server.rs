use std::net::IpAddr;
use std::path::PathBuf;
use std::time::Duration;

use serde::Serialize;

use crate::reader::{Section, boolean, duration, integer, text, word};
use crate::{bounded, checks, show};

/// The longest file of a certificate or of its key, in bytes.
const LONGEST_PEM: u64 = 1024 * 1024;

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
    /// The path of a Unix socket to listen on, in place of host and port; none.
    pub unix: Option<String>,
    /// Who may connect to it, as permissions of its file: `660`.
    #[serde(serialize_with = "show::mode")]
    pub unix_mode: u32,
    /// Lets several processes listen on one port, to use more cores: no.
    pub reuse_port: bool,
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
    /// The most connections at one time of one client address, those of `proxies.trusted` excepted; 0 for any number, which
    /// is the default.
    pub max_connections_per_address: usize,
    /// How many health probes an address may ask for in a second: 50; 0 for any number.
    pub probe_rate: u32,
    /// Expects a PROXY header (version 1 or 2) at the beginning of each connection, from `proxies.trusted` only: no.
    pub proxy_protocol: bool,
    /// Encrypts connections: no.
    pub tls: Option<TlsConfig>,
}

/// Section `server.tls`: the files of a certificate and its key, in PEM.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct TlsConfig {
    /// The certificate, and behind it its chain.
    pub cert: PathBuf,
    /// Its key.
    pub key: PathBuf,
}

impl TlsConfig {
    /// A certificate and its key.
    #[must_use]
    pub fn new(cert: impl Into<PathBuf>, key: impl Into<PathBuf>) -> Self {
        Self { cert: cert.into(), key: key.into() }
    }
}

impl Default for ServerConfig {
    fn default() -> Self {
        Self {
            framework: "axum".into(),
            host: "127.0.0.1".into(),
            port: 3000,
            unix: None,
            unix_mode: 0o660,
            reuse_port: false,
            base_path: "/api".into(),
            hosts: Vec::new(),
            allow_any_host: false,
            allow_unauthenticated: false,
            drain_delay: Duration::ZERO,
            grace: Duration::from_secs(25),
            max_connections: 10_000,
            max_connections_per_address: 0,
            probe_rate: 50,
            proxy_protocol: false,
            tls: None,
        }
    }
}

impl TlsConfig {
    /// Both files have to be named and there; what is in them is looked at when the server is built.
    fn read(before: Option<Self>, mut section: Section<'_>) -> Option<Self> {
        let (mut cert, mut key) = before.map(|before| (before.cert, before.key)).unzip();
        for (name, place) in [("cert", &mut cert), ("key", &mut key)] {
            if place.is_none() && section.given(&[name]).is_empty() {
                section.missing(name, "a certificate and its key are two files in PEM; name both");
            }
            section.set(name, place, |value| {
                let path = PathBuf::from(text(value)?);
                bounded::is_there(&path, LONGEST_PEM).map(|()| Some(path))
            });
        }
        section.finish();
        Some(Self { cert: cert?, key: key? })
    }
}

impl ServerConfig {
    /// Whether it listens where only this machine can reach it.
    #[must_use]
    pub fn is_loopback(&self) -> bool {
        if self.unix.is_some() {
            return true;
        }
        let host = self.host.trim_start_matches('[').trim_end_matches(']');
        match host.parse::<IpAddr>() {
            Ok(address) => address.to_canonical().is_loopback(),
            Err(_) => host.eq_ignore_ascii_case("localhost"),
        }
    }

    /// Host and port, as sockets take them; or `unix:` and the path of a Unix socket.
    #[must_use]
    pub fn address(&self) -> String {
        if let Some(path) = &self.unix {
            return format!("unix:{path}");
        }
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
        section.set("port", &mut self.port, integer(0, 65_535));
        section.set("unix", &mut self.unix, |value| text(value).map(Some));
        section.set("unix_mode", &mut self.unix_mode, |value| {
            let text = text(value)?;
            let mode = u32::from_str_radix(&text, 8).ok().filter(|mode| *mode <= 0o777);
            mode.ok_or_else(|| "it is no mode of a file; write three digits from 0 to 7, such as `\"660\"`".into())
        });
        section.set("reuse_port", &mut self.reuse_port, boolean);
        if self.reuse_port && self.unix.is_some() {
            section
                .missing("reuse_port", "several processes share a port, not a Unix socket; leave out one of the two");
        }
        section.set("base_path", &mut self.base_path, |value| {
            let path = text(value)?;
            checks::base_path(&path).map(|()| path)
        });
        section.list("hosts", &mut self.hosts, checks::host_name);
        section.set("allow_any_host", &mut self.allow_any_host, boolean);
        section.set("allow_unauthenticated", &mut self.allow_unauthenticated, boolean);
        section.set("drain_delay", &mut self.drain_delay, duration(true));
        section.set("grace", &mut self.grace, duration(true));
        section.set("max_connections", &mut self.max_connections, integer(1, 1_000_000));
        section.set("max_connections_per_address", &mut self.max_connections_per_address, integer(0, 1_000_000));
        section.set("probe_rate", &mut self.probe_rate, integer(0, 1_000_000));
        section.set("proxy_protocol", &mut self.proxy_protocol, boolean);
        if let Some(tls) = section.section("tls") {
            self.tls = TlsConfig::read(self.tls.take(), tls);
        }
        section.finish();
    }
}
