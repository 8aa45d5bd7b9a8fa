#[cfg(unix)]
use tokio::signal::unix::{self, SignalKind};

/// What the process was told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Signal {
    /// SIGTERM or SIGINT.
    Stop,
    /// SIGHUP.
    #[cfg(unix)]
    Reload,
}

/// The signals that a server goes by; what comes while nobody waits is kept.
pub(super) struct Signals {
    #[cfg(unix)]
    interrupt: Option<unix::Signal>,
    #[cfg(unix)]
    terminate: Option<unix::Signal>,
    #[cfg(unix)]
    hangup: Option<unix::Signal>,
}

impl Signals {
    /// Listens for SIGTERM and SIGINT, and for SIGHUP if something is to be done then.
    #[cfg(unix)]
    pub(super) fn listen(reload: bool) -> Self {
        let listen = |kind| unix::signal(kind).ok();
        Self {
            interrupt: listen(SignalKind::interrupt()),
            terminate: listen(SignalKind::terminate()),
            hangup: reload.then(|| listen(SignalKind::hangup())).flatten(),
        }
    }

    /// Listens for Ctrl-C.
    #[cfg(not(unix))]
    pub(super) const fn listen(_: bool) -> Self {
        Self {}
    }

    /// The next one.
    #[cfg(unix)]
    pub(super) async fn next(&mut self) -> Signal {
        tokio::select! {
            () = received(&mut self.interrupt) => Signal::Stop,
            () = received(&mut self.terminate) => Signal::Stop,
            () = received(&mut self.hangup) => Signal::Reload,
        }
    }

    /// The next one.
    #[cfg(not(unix))]
    pub(super) async fn next(&mut self) -> Signal {
        if tokio::signal::ctrl_c().await.is_err() {
            std::future::pending::<()>().await;
        }
        Signal::Stop
    }

    /// The next one that stops.
    pub(super) async fn stop(&mut self) {
        while self.next().await != Signal::Stop {}
    }
}

#[cfg(unix)]
async fn received(signal: &mut Option<unix::Signal>) {
    match signal {
        Some(signal) => drop(signal.recv().await),
        None => std::future::pending().await,
    }
}
