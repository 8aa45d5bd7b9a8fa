/// What the process was told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Signal {
    /// SIGTERM or SIGINT.
    Stop,
    /// SIGHUP.
    Reload,
}

/// The signals that a server goes by.
pub(super) struct Signals {
    #[cfg(unix)]
    terminate: Option<tokio::signal::unix::Signal>,
    #[cfg(unix)]
    hangup: Option<tokio::signal::unix::Signal>,
}

impl Signals {
    /// Listens for SIGTERM and SIGINT, and for SIGHUP if something is to be done then.
    #[cfg_attr(not(unix), expect(unused_variables, reason = "there is no SIGHUP"))]
    pub(super) fn listen(reload: bool) -> Self {
        #[cfg(unix)]
        let listen = |kind| tokio::signal::unix::signal(kind).ok();
        Self {
            #[cfg(unix)]
            terminate: listen(tokio::signal::unix::SignalKind::terminate()),
            #[cfg(unix)]
            hangup: reload.then(|| listen(tokio::signal::unix::SignalKind::hangup())).flatten(),
        }
    }

    /// The next one.
    pub(super) async fn next(&mut self) -> Signal {
        let interrupt = async {
            if tokio::signal::ctrl_c().await.is_err() {
                std::future::pending::<()>().await;
            }
        };
        #[cfg(unix)]
        let (terminate, hangup) = (received(&mut self.terminate), received(&mut self.hangup));
        #[cfg(not(unix))]
        let (terminate, hangup) = (std::future::pending::<()>(), std::future::pending::<()>());
        tokio::select! {
            () = interrupt => Signal::Stop,
            () = terminate => Signal::Stop,
            () = hangup => Signal::Reload,
        }
    }

    /// The next one that stops.
    pub(super) async fn stop(&mut self) {
        while self.next().await != Signal::Stop {}
    }
}

#[cfg(unix)]
async fn received(signal: &mut Option<tokio::signal::unix::Signal>) {
    match signal {
        Some(signal) => drop(signal.recv().await),
        None => std::future::pending().await,
    }
}
