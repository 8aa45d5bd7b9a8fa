use std::time::Duration;

use neurolink_core::server::Networks;

use crate::Tls;

/// Limits and times of connections.
///
/// Times are at least 10 ms and at most a year; what is outside counts as the nearest.
///
/// ```
/// use std::time::Duration;
/// use neurolink_serve::ServeConfig;
///
/// let config = ServeConfig::default().header_read_timeout(Duration::from_secs(5)).max_connections(1000);
/// ```
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct ServeConfig {
    /// How long the head of a request may take, and how long a connection may be silent before one: 10 s.
    pub header_read_timeout: Duration,
    /// The most connections at one time, upgraded ones included: 10,000. Further ones wait in the kernel's queue.
    pub max_connections: usize,
    /// The most connections at one time of one client address, or of one /64 of IPv6; nothing: as many as there may be.
    ///
    /// It counts by what a PROXY header tells, if connections have one. Further ones are closed.
    pub max_connections_per_address: Option<usize>,
    /// Addresses of many clients, such as those of proxies, whose connections are not counted: none.
    pub shared_addresses: Networks,
    /// Whether HTTP/2 is spoken by prior knowledge: yes.
    pub http2: bool,
    /// The most header lines of an HTTP/1 request: 100. Above that, parsing a request costs two allocations.
    pub max_headers: usize,
    /// Bytes of a request's head, at least 8 KiB: 128 KiB.
    pub header_bytes: usize,
    /// The most streams at one time of one HTTP/2 connection: 100.
    pub max_concurrent_streams: u32,
    /// How long a connection may be open without a request: 60 s, noticed after at most twice that.
    ///
    /// Before its first request it has the `header_read_timeout` only.
    /// A peer that takes no byte of an answer is idle too; one that takes it slowly is not.
    /// An HTTP/2 connection that gives a stream's answer no window, and takes no other's, is closed after one to two such times.
    pub keep_alive_idle: Duration,
    /// How long a peer may take no byte of what is sent, or acknowledge none: 30 s; on Linux and Android only.
    pub write_stall: Duration,
    /// Encrypts every connection: no.
    pub tls: Option<Tls>,
    /// How long the handshake of an encrypted connection may take: 10 s.
    pub tls_handshake_timeout: Duration,
    /// The proxies that begin each connection with a PROXY header, of version 1 or 2; nothing: no connection has one.
    ///
    /// Whoever else connects is cut. The header has to come within `header_read_timeout`.
    pub proxy_protocol: Option<Networks>,
}

impl Default for ServeConfig {
    fn default() -> Self {
        Self {
            header_read_timeout: Duration::from_secs(10),
            max_connections: 10_000,
            max_connections_per_address: None,
            shared_addresses: Networks::default(),
            http2: true,
            max_headers: 100,
            header_bytes: 128 * 1024,
            max_concurrent_streams: 100,
            keep_alive_idle: Duration::from_secs(60),
            write_stall: Duration::from_secs(30),
            tls: None,
            tls_handshake_timeout: Duration::from_secs(10),
            proxy_protocol: None,
        }
    }
}

impl ServeConfig {
    /// A time that timers and the kernel can bear.
    pub(crate) fn bounded(time: Duration) -> Duration {
        time.clamp(Duration::from_millis(10), Duration::from_secs(365 * 24 * 3600))
    }

    /// Sets how long the head of a request may take.
    #[must_use]
    pub const fn header_read_timeout(mut self, timeout: Duration) -> Self {
        self.header_read_timeout = timeout;
        self
    }

    /// Sets the most connections at one time; 0 counts as 1.
    #[must_use]
    pub const fn max_connections(mut self, most: usize) -> Self {
        self.max_connections = most;
        self
    }

    /// Sets the most connections at one time of one client address; 0 counts as 1.
    #[must_use]
    pub const fn max_connections_per_address(mut self, most: usize) -> Self {
        self.max_connections_per_address = Some(most);
        self
    }

    /// Leaves the connections of these addresses uncounted, since many clients come from there.
    #[must_use]
    pub fn shared_addresses(mut self, addresses: Networks) -> Self {
        self.shared_addresses = addresses;
        self
    }

    /// Says whether HTTP/2 is spoken by prior knowledge.
    #[must_use]
    pub const fn http2(mut self, yes: bool) -> Self {
        self.http2 = yes;
        self
    }

    /// Sets the most header lines of an HTTP/1 request.
    #[must_use]
    pub const fn max_headers(mut self, most: usize) -> Self {
        self.max_headers = most;
        self
    }

    /// Sets the most bytes of a request's head.
    #[must_use]
    pub const fn header_bytes(mut self, most: usize) -> Self {
        self.header_bytes = most;
        self
    }

    /// Sets the most streams at one time of one HTTP/2 connection.
    #[must_use]
    pub const fn max_concurrent_streams(mut self, most: u32) -> Self {
        self.max_concurrent_streams = most;
        self
    }

    /// Sets how long a connection may be open without a request.
    #[must_use]
    pub const fn keep_alive_idle(mut self, time: Duration) -> Self {
        self.keep_alive_idle = time;
        self
    }

    /// Sets how long a peer may take no byte of what is sent.
    #[must_use]
    pub const fn write_stall(mut self, time: Duration) -> Self {
        self.write_stall = time;
        self
    }

    /// Encrypts every connection.
    #[must_use]
    pub fn tls(mut self, tls: Tls) -> Self {
        self.tls = Some(tls);
        self
    }

    /// Sets how long the handshake of an encrypted connection may take.
    #[must_use]
    pub const fn tls_handshake_timeout(mut self, time: Duration) -> Self {
        self.tls_handshake_timeout = time;
        self
    }

    /// Expects a PROXY header at the beginning of each connection, from these proxies and nobody else.
    #[must_use]
    pub fn proxy_protocol(mut self, proxies: Networks) -> Self {
        self.proxy_protocol = Some(proxies);
        self
    }
}
