use std::sync::Arc;
use std::time::Duration;

use super::{Adapter, Listener, Server};
use crate::{App, ConfigError, ConfigProblem};

/// What is done when the process is told to read its files again.
type ReloadHook = Arc<dyn Fn() + Send + Sync>;

/// Collects what a [`Server`] is made of.
pub struct ServerBuilder {
    pub(super) app: App,
    adapter: Option<Arc<dyn Adapter>>,
    problems: Vec<ConfigProblem>,
    pub(super) address: String,
    pub(super) unix_mode: u32,
    pub(super) reuse_port: bool,
    pub(super) listener: Option<Arc<Listener>>,
    pub(super) reload: Vec<ReloadHook>,
    pub(super) drain_delay: Duration,
    pub(super) grace: Duration,
    pub(super) allow_unauthenticated: bool,
}

impl ServerBuilder {
    /// Serves by a framework's adapter; an `Arc<dyn Adapter>` is one too.
    #[must_use]
    pub fn adapter(mut self, adapter: impl Adapter) -> Self {
        self.adapter = Some(Arc::new(adapter));
        self
    }

    /// Makes [`build`](Self::build) fail with this problem, beside others; for what adds methods to the builder.
    #[must_use]
    pub fn problem(mut self, problem: ConfigProblem) -> Self {
        self.problems.push(problem);
        self
    }

    /// Where to listen: `127.0.0.1:3000` unless told; port 0 takes any free one, and `unix:/run/neurolink.sock` is a
    /// Unix socket.
    ///
    /// The file of a socket that nobody listens on any more is replaced, and the stop removes its own.
    #[must_use]
    pub fn bind(mut self, address: impl Into<String>) -> Self {
        self.address = address.into();
        self
    }

    /// Serves on a socket that is open already, in place of an address: one that a supervisor holds, so that a new
    /// process takes over from an old one and no connection is refused in between.
    ///
    /// The socket stays open when the server stops, and what connects then waits for whoever serves it next.
    #[must_use]
    pub fn listener(mut self, listener: impl Into<Listener>) -> Self {
        self.listener = Some(Arc::new(listener.into()));
        self
    }

    /// Does this at SIGHUP, while [`Server::run`] or [`Server::wait`] waits; without any, SIGHUP ends the process.
    #[must_use]
    pub fn on_reload(mut self, hook: impl Fn() + Send + Sync + 'static) -> Self {
        self.reload.push(Arc::new(hook));
        self
    }

    /// Sets who may connect to a Unix socket, as permissions of its file: 0o660 unless told.
    #[must_use]
    pub const fn unix_mode(mut self, mode: u32) -> Self {
        self.unix_mode = mode;
        self
    }

    /// Lets several processes listen on one port (`SO_REUSEPORT`), among which the kernel shares out connections: to use
    /// more cores, not to replace a process without loss.
    ///
    /// A port that is taken by such a process of the same user is no error then. Connections that wait for a process when
    /// it ends are lost with it, but for those that its stop still accepts; [`listener`](Self::listener) loses none.
    #[must_use]
    pub const fn reuse_port(mut self) -> Self {
        self.reuse_port = true;
        self
    }

    /// How long readiness says 503 before the server stops accepting; for load balancers that poll.
    #[must_use]
    pub const fn drain_delay(mut self, delay: Duration) -> Self {
        self.drain_delay = delay;
        self
    }

    /// How long the stop may take after the drain delay: 25 s unless told, and 2 s at least.
    ///
    /// Requests and streams may go on until 2 s before its end; then streams get a second to say goodbye,
    /// and a second later what is still open is cut.
    #[must_use]
    pub const fn grace(mut self, grace: Duration) -> Self {
        self.grace = grace;
        self
    }

    /// Serves everybody on a public address, without an authenticator.
    #[must_use]
    pub const fn allow_unauthenticated(mut self) -> Self {
        self.allow_unauthenticated = true;
        self
    }

    /// Makes the server; nothing is opened yet.
    ///
    /// # Errors
    /// When it has no adapter.
    pub fn build(mut self) -> Result<Server, ConfigError> {
        let mut problems = std::mem::take(&mut self.problems);
        match self.adapter.take() {
            Some(adapter) if problems.is_empty() => return Ok(Server::new(self, adapter)),
            None if problems.is_empty() => {
                let problem = "there is none; say which framework serves, for example `.adapter(Axum::new())`";
                problems.push(ConfigProblem::new("server.adapter", problem));
            }
            _ => {}
        }
        Err(ConfigError::new(problems))
    }
}

impl Server {
    /// A builder around an app, which wants an adapter.
    #[must_use]
    pub fn builder(app: App) -> ServerBuilder {
        ServerBuilder {
            app,
            adapter: None,
            problems: Vec::new(),
            address: "127.0.0.1:3000".into(),
            unix_mode: 0o660,
            reuse_port: false,
            listener: None,
            reload: Vec::new(),
            drain_delay: Duration::ZERO,
            grace: Duration::from_secs(25),
            allow_unauthenticated: false,
        }
    }
}
