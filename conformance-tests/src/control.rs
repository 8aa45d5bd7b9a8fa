//! The inside of a server that runs in this process: what cases with a clock, an engine or a shutdown need.

use std::fmt;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, OnceLock};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use neurolink_config::Config;
use neurolink_core::server::{Server, ServerError};
use neurolink_core::{App, AppBuilder, Clock};

use crate::function::Failure;
use crate::watched::Counters;

/// What a case may see and steer inside of a server of this process.
#[derive(Clone)]
pub struct Control {
    engine: Arc<Counters>,
    clock: Arc<ManualClock>,
    app: App,
    server: Server,
    bound: Arc<Bound>,
    changed: Arc<Changed>,
    runtime: tokio::runtime::Handle,
}

/// Builds the server's app once more, with another configuration and more in it.
pub(crate) type Changed =
    dyn Fn(&dyn Fn(&mut Config), &dyn Fn(AppBuilder) -> AppBuilder) -> Result<(), String> + Send + Sync;

/// Makes a server of the same app and adapter at an address.
pub(crate) type Bound = dyn Fn(&str) -> Server + Send + Sync;

impl Control {
    pub(crate) const fn new(
        engine: Arc<Counters>,
        clock: Arc<ManualClock>,
        app: App,
        server: Server,
        bound: Arc<Bound>,
        changed: Arc<Changed>,
        runtime: tokio::runtime::Handle,
    ) -> Self {
        Self { engine, clock, app, server, bound, changed, runtime }
    }

    /// What the engine has done.
    #[must_use]
    pub fn engine(&self) -> &Counters {
        &self.engine
    }

    /// The clock that limits, tokens and timestamps are read from.
    #[must_use]
    pub fn clock(&self) -> &ManualClock {
        &self.clock
    }

    /// The server: its state, its plan, its events.
    #[must_use]
    pub const fn server(&self) -> &Server {
        &self.server
    }

    /// The app that is served.
    #[must_use]
    pub const fn app(&self) -> &App {
        &self.app
    }

    /// How many tasks the server's runtime has; a framework may have others on runtimes of its own.
    #[must_use]
    pub fn tasks(&self) -> usize {
        self.runtime.metrics().num_alive_tasks()
    }

    /// A second server of the same app and adapter, not started.
    #[must_use]
    pub fn another(&self, address: &str) -> Server {
        (self.bound)(address)
    }

    /// Builds the app once more, with another configuration and more in it.
    ///
    /// # Errors
    /// The mistakes that keep it from being built.
    pub(crate) fn build(
        &self,
        config: &dyn Fn(&mut Config),
        app: &dyn Fn(AppBuilder) -> AppBuilder,
    ) -> Result<(), String> {
        (self.changed)(config, app)
    }

    /// Begins a graceful stop.
    #[must_use]
    pub fn stop(&self) -> Stopping {
        let (sender, receiver) = std::sync::mpsc::channel();
        let server = self.server.clone();
        self.runtime.spawn(async move {
            // The case may have given up.
            let _ = sender.send(server.stop().await);
        });
        Stopping(receiver)
    }

    /// Starts the server again after a stop, on a port of its own.
    ///
    /// # Errors
    /// It does not start.
    pub fn start(&self) -> Result<SocketAddr, ServerError> {
        let server = self.server.clone();
        self.run(async move { server.start().await })
    }

    /// Runs a future on the server's runtime and waits for it.
    pub fn run<T: Send + 'static>(&self, future: impl Future<Output = T> + Send + 'static) -> T {
        self.runtime.block_on(future)
    }
}

impl fmt::Debug for Control {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Control").field("engine", &self.engine).field("server", &self.server).finish_non_exhaustive()
    }
}

/// A graceful stop that was begun.
#[derive(Debug)]
pub struct Stopping(std::sync::mpsc::Receiver<Result<(), ServerError>>);

impl Stopping {
    /// The result, if it comes within this time.
    ///
    /// # Errors
    /// It does not come.
    pub fn within(&self, wait: Duration) -> Result<Result<(), ServerError>, Failure> {
        self.0.recv_timeout(wait).map_err(|_| Failure::new(format!("the server did not stop within {wait:?}")))
    }
}

/// The machine's clock, which a case can put forward and hold.
#[derive(Debug, Default)]
pub struct ManualClock {
    ahead_nanos: AtomicU64,
    held: OnceLock<Duration>,
}

impl ManualClock {
    /// Lets it stand still from now on; only a case puts it forward then.
    pub fn hold(&self) {
        self.held.get_or_init(time_of_day);
    }

    /// Puts the clock forward.
    pub fn advance(&self, by: Duration) {
        // Exactly: a clock that falls short by a part of a millisecond is not there yet when the next request comes.
        let by = u64::try_from(by.as_nanos()).unwrap_or(u64::MAX);
        self.ahead_nanos.fetch_add(by, Ordering::SeqCst);
    }
}

impl Clock for ManualClock {
    fn now(&self) -> Duration {
        let now = self.held.get().copied().unwrap_or_else(time_of_day);
        now + Duration::from_nanos(self.ahead_nanos.load(Ordering::SeqCst))
    }
}

fn time_of_day() -> Duration {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default()
}
