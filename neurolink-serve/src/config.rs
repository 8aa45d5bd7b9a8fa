use std::time::Duration;

/// Limits and times of connections.
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
    /// How long the head of a request may take, and how long a connection may be silent: 10 s.
    pub header_read_timeout: Duration,
    /// The most connections at one time: 10,000. Further ones wait in the kernel's queue.
    pub max_connections: usize,
    /// Whether HTTP/2 is spoken by prior knowledge: yes.
    pub http2: bool,
    /// The most header lines of a request: 100.
    pub max_headers: usize,
    /// Bytes of a request's head: 128 KiB.
    pub header_bytes: usize,
    /// The most streams at one time of one HTTP/2 connection: 100.
    pub max_concurrent_streams: u32,
}

impl Default for ServeConfig {
    fn default() -> Self {
        Self {
            header_read_timeout: Duration::from_secs(10),
            max_connections: 10_000,
            http2: true,
            max_headers: 100,
            header_bytes: 128 * 1024,
            max_concurrent_streams: 100,
        }
    }
}

impl ServeConfig {
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

    /// Says whether HTTP/2 is spoken by prior knowledge.
    #[must_use]
    pub const fn http2(mut self, yes: bool) -> Self {
        self.http2 = yes;
        self
    }
}
