use std::fmt;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::watch;
use tokio::task::JoinHandle;
use tokio::time::Instant;

use super::events::EventSender;
use super::listen::{self, File, Open};
use super::signals::{Signal, Signals};
use super::{
    Adapter, Event, Events, Phase, ServeError, ServerBuilder, ServerError, Shutdown, ShutdownHandle, State, Status,
};
use crate::{App, Code, Plan};

/// An app on a socket, with its life: started, stopped gracefully, started again; a cheap handle to clone.
#[derive(Clone)]
pub struct Server {
    inner: Arc<Inner>,
}

struct Inner {
    /// What it was made of; the app with the events.
    options: ServerBuilder,
    adapter: Arc<dyn Adapter>,
    events: EventSender,
    life: Mutex<Life>,
}

struct Life {
    state: State,
    run: Option<Run>,
}

/// The framework's server at work.
type Serving = JoinHandle<Result<(), ServeError>>;

/// One run from start to stop.
#[derive(Clone)]
struct Run {
    /// A Unix socket has none.
    address: Option<SocketAddr>,
    /// The file of a Unix socket.
    unix: Option<PathBuf>,
    /// The same, if it was made here and goes with the stop.
    file: Option<File>,
    since: Instant,
    shutdown: ShutdownHandle,
    /// Set when the framework's server has ended.
    ended: watch::Receiver<bool>,
    /// Set once by the stop of this run; everybody who stops waits for it.
    stopped: Arc<watch::Sender<Option<bool>>>,
    task: Arc<Mutex<Option<Serving>>>,
}

/// What stands for the address that a Unix socket has not.
const NO_ADDRESS: SocketAddr = SocketAddr::new(IpAddr::V4(Ipv4Addr::UNSPECIFIED), 0);
/// How long a request on an open connection is still served after the server has stopped accepting.
const LINGER: Duration = Duration::from_secs(1);
/// How long streams get to say goodbye, and then connections to be cut: the last part of the grace.
const LAST: Duration = Duration::from_secs(1);

impl Server {
    pub(super) fn new(mut options: ServerBuilder, adapter: Arc<dyn Adapter>) -> Self {
        let events = EventSender::new();
        options.app = options.app.with_events(events.clone());
        let life = Mutex::new(Life { state: State::Uninitialized, run: None });
        Self { inner: Arc::new(Inner { options, adapter, events, life }) }
    }

    /// Gets ready to start.
    ///
    /// # Errors
    /// When it is anything but uninitialized or stopped.
    pub fn initialize(&self) -> Result<(), ServerError> {
        let mut life = self.life();
        if !matches!(life.state, State::Uninitialized | State::Stopped) {
            return Err(wrong_state("initialize", life.state, "uninitialized or stopped"));
        }
        life.state = State::Initialized;
        drop(life);
        self.inner.events.send(|| Event::Initialized { routes: self.plan().routes.len() });
        Ok(())
    }

    /// Listens and serves; returns the real address as soon as connections are taken: of a Unix socket, which has none,
    /// `0.0.0.0:0`.
    ///
    /// # Errors
    /// When the address is taken or public without an authenticator, or the state is neither initialized nor stopped.
    ///
    /// # Panics
    /// Outside of a tokio runtime.
    pub async fn start(&self) -> Result<SocketAddr, ServerError> {
        {
            let mut life = self.life();
            if !matches!(life.state, State::Initialized | State::Stopped) {
                return Err(wrong_state("start", life.state, "initialized or stopped"));
            }
            life.state = State::Starting;
        }
        match self.open() {
            Ok(run) => {
                let address = run.address;
                let mut life = self.life();
                life.state = State::Running;
                life.run = Some(run);
                drop(life);
                self.inner.events.send(|| Event::Started { address });
                Ok(address.unwrap_or(NO_ADDRESS))
            }
            Err(error) => {
                self.life().state = State::Initialized;
                Err(error)
            }
        }
    }

    fn open(&self) -> Result<Run, ServerError> {
        let options = &self.inner.options;
        let Open { listener, file } = match &options.listener {
            Some(listener) => listen::handed_over(listener)?,
            None => listen::open(&options.address, options.unix_mode, options.reuse_port)?,
        };
        let address = listener.local_addr();
        let address = address.map_err(|source| ServerError::Bind { address: options.address.clone(), source })?;
        // A Unix socket is reached by whoever its file's permissions let in.
        if let Some(address) = address
            && !address.ip().to_canonical().is_loopback()
            && !options.app.has_authenticator()
            && !options.allow_unauthenticated
        {
            return Err(ServerError::Exposed(address));
        }
        let unix = file.as_ref().map(|file| file.path().to_owned()).or_else(|| listener.path());
        let (handle, shutdown) = Shutdown::new();
        let serve = self.inner.adapter.serve(options.app.with_shutdown(shutdown.clone()), listener, shutdown);
        let (ended_sender, ended) = watch::channel(false);
        let life = Arc::clone(&self.inner);
        let task = tokio::spawn(async move {
            let result = serve.await;
            if let Err(error) = &result {
                tracing::error!(target: "neurolink::server", "{error}");
                life.life.lock().unwrap_or_else(PoisonError::into_inner).state = State::Error;
                life.events.send(|| Event::Error {
                    request_id: None,
                    code: Code::InternalError,
                    message: Code::InternalError.message().to_owned(),
                    timestamp: life.options.app.shared.clock.now(),
                });
            }
            ended_sender.send_replace(true);
            result
        });
        Ok(Run {
            address,
            unix,
            file,
            since: Instant::now(),
            shutdown: handle,
            ended,
            stopped: Arc::new(watch::channel(None).0),
            task: Arc::new(Mutex::new(Some(task))),
        })
    }

    /// Stops gracefully: drains, waits for what is open, then cuts.
    ///
    /// All calls share one result; a server that does not run is stopped already.
    ///
    /// # Errors
    /// [`ServerError::Forced`] when something had to be cut after the grace.
    pub async fn stop(&self) -> Result<(), ServerError> {
        let (run, first) = {
            let mut life = self.life();
            let Some(run) = life.run.clone() else {
                if life.state != State::Uninitialized {
                    life.state = State::Stopped;
                }
                return Ok(());
            };
            let first = !matches!(life.state, State::Draining | State::Stopping);
            if first {
                life.state = State::Draining;
            }
            (run, first)
        };
        let mut stopped = run.stopped.subscribe();
        if first {
            // A task of its own, so that a caller who gives up does not leave the server half stopped.
            tokio::spawn(self.clone().wind_down(run));
        }
        let clean = stopped.wait_for(Option::is_some).await.map_or(Some(true), |clean| *clean);
        if clean == Some(true) { Ok(()) } else { Err(ServerError::Forced) }
    }

    /// Cuts everything that is open, at once; for a second signal.
    pub fn force(&self) {
        if let Some(run) = &self.life().run {
            run.shutdown.advance(Phase::Forced);
        }
    }

    async fn wind_down(self, run: Run) {
        self.inner.events.send(|| Event::Draining);
        let mut ended = run.ended.clone();
        let drains = Instant::now() + self.inner.options.drain_delay;
        let work = self.inner.options.grace.saturating_sub(2 * LAST);
        let steps = [
            (Phase::NotReady, drains),
            (Phase::Draining, drains + LINGER.min(work)),
            (Phase::Refusing, drains + work),
            (Phase::Ending, drains + work + LAST),
            (Phase::Forced, drains + work + 2 * LAST),
        ];
        let forced = run.shutdown.subscribe();
        for (phase, until) in steps {
            if phase == Phase::Ending {
                self.life().state = State::Stopping;
            }
            run.shutdown.advance(phase);
            if phase == Phase::NotReady {
                // Readiness is seen while everything is still served.
                tokio::select! {
                    () = tokio::time::sleep_until(until) => {}
                    () = forced.reached(Phase::Forced) => {}
                }
                continue;
            }
            tokio::select! {
                _ = ended.wait_for(|ended| *ended) => break,
                () = tokio::time::sleep_until(until) => {}
                () = forced.reached(Phase::Forced), if phase < Phase::Forced => {}
            }
        }
        // Whatever ended because it was cut, by the last step or by somebody's order.
        let clean = forced.phase() < Phase::Forced;
        let task = run.task.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(task) = task {
            task.abort();
            // What it held is dropped with it, and may have something to settle.
            let _ = tokio::time::timeout(LAST, task).await;
        }
        self.inner.options.app.settled().await;
        if let Some(file) = &run.file {
            file.remove();
        }
        {
            let mut life = self.life();
            life.state = State::Stopped;
            life.run = None;
        }
        self.inner.events.send(|| Event::Stopped { uptime: run.since.elapsed() });
        run.stopped.send_replace(Some(clean));
    }

    /// Starts, serves until SIGTERM or SIGINT, and stops gracefully; a second signal cuts what is open.
    ///
    /// # Errors
    /// When it cannot start, when the framework's server fails, or when something had to be cut.
    pub async fn run(&self) -> Result<(), ServerError> {
        if self.status().state == State::Uninitialized {
            self.initialize()?;
        }
        self.start().await?;
        self.wait().await
    }

    /// Waits for SIGTERM, SIGINT or the end of the framework's server, then stops gracefully.
    ///
    /// # Errors
    /// When the framework's server failed, or when something had to be cut.
    pub async fn wait(&self) -> Result<(), ServerError> {
        let Some(run) = self.life().run.clone() else { return Ok(()) };
        let mut ended = run.ended.clone();
        let mut signals = Signals::listen(!self.inner.options.reload.is_empty());
        loop {
            let signal = tokio::select! {
                signal = signals.next() => signal,
                _ = ended.wait_for(|ended| *ended) => {
                    let task = run.task.lock().unwrap_or_else(PoisonError::into_inner).take();
                    let failed = match task {
                        Some(task) => task.await.unwrap_or(Ok(())),
                        None => Ok(()), // somebody stops it already
                    };
                    self.stop().await?;
                    return failed.map_err(ServerError::from);
                }
            };
            match signal {
                Signal::Stop => break,
                #[cfg(unix)]
                Signal::Reload => self.inner.options.reload.iter().for_each(|hook| hook()),
            }
        }
        tokio::select! {
            stopped = self.stop() => stopped,
            () = signals.stop() => {
                self.force();
                self.stop().await
            }
        }
    }

    /// What it is doing.
    #[must_use]
    pub fn status(&self) -> Status {
        let life = self.life();
        Status {
            state: life.state,
            framework: self.inner.adapter.name(),
            address: life.run.as_ref().and_then(|run| run.address),
            unix: life.run.as_ref().and_then(|run| run.unix.clone()),
            uptime: life.run.as_ref().map(|run| run.since.elapsed()),
            routes: self.plan().routes.len(),
        }
    }

    /// What applies to each route.
    #[must_use]
    pub fn plan(&self) -> &Plan {
        self.inner.options.app.plan()
    }

    /// The app.
    #[must_use]
    pub fn app(&self) -> &App {
        &self.inner.options.app
    }

    /// Events from now on.
    #[must_use]
    pub fn events(&self) -> Events {
        self.inner.events.subscribe()
    }

    fn life(&self) -> MutexGuard<'_, Life> {
        self.inner.life.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl fmt::Debug for Server {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Server").field("status", &self.status()).finish_non_exhaustive()
    }
}

const fn wrong_state(operation: &'static str, state: State, expected: &'static str) -> ServerError {
    ServerError::State { operation, state, expected }
}
