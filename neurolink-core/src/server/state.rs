use std::fmt;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

/// Where a server is in its life.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum State {
    /// Made, and nothing more.
    Uninitialized,
    /// Ready to start.
    Initialized,
    /// Opens its socket.
    Starting,
    /// Serves.
    Running,
    /// Tells load balancers to look elsewhere, and finishes what is open.
    Draining,
    /// Cuts what is still open.
    Stopping,
    /// Has stopped; it may be started again.
    Stopped,
    /// Failed.
    Error,
}

impl fmt::Display for State {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = match self {
            Self::Uninitialized => "uninitialized",
            Self::Initialized => "initialized",
            Self::Starting => "starting",
            Self::Running => "running",
            Self::Draining => "draining",
            Self::Stopping => "stopping",
            Self::Stopped => "stopped",
            Self::Error => "error",
        };
        f.write_str(name)
    }
}

/// What a server is doing.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Status {
    /// Where it is in its life.
    pub state: State,
    /// The framework.
    pub framework: &'static str,
    /// Where it listens, while it does; not of a Unix socket.
    pub address: Option<SocketAddr>,
    /// The file of the Unix socket that it listens on, while it does.
    pub unix: Option<PathBuf>,
    /// How long it has been running.
    pub uptime: Option<Duration>,
    /// How many routes it has.
    pub routes: usize,
}
