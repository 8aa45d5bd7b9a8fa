use std::error::Error;
use std::io;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http_body::Body;
use hyper::body::Incoming;
use hyper_util::rt::TokioExecutor;
use neurolink_core::ConnInfo;
use neurolink_core::server::{Listener, Phase, Shutdown};
use tokio::task::{JoinError, JoinSet};
use tokio::time::timeout;
use tower_service::Service;

use crate::connection::{Http, drive};
use crate::listener::{Attached, accept_now};
use crate::{Accepted, ServeConfig, Transport};

/// How long what is cut may take to be gone.
const CUT: Duration = Duration::from_secs(1);

/// Why serving did not begin.
#[derive(Debug, thiserror::Error)]
#[error("the listener cannot be used: {0}; it must be a listening socket, and the runtime's I/O must be enabled")]
pub struct ServeError(#[from] io::Error);

/// Serves every connection of `listener` by hyper, with the service that `make` gives for it, until `shutdown` has gone
/// its way.
///
/// | phase | connections |
/// |---|---|
/// | before [`Phase::Draining`] | accepted and served, `max_connections` at a time |
/// | [`Phase::Draining`] | those in the kernel's queue are accepted, above the cap too, then the listener is closed; open ones are served, HTTP/2 is told to go (GOAWAY) |
/// | [`Phase::Refusing`] | idle ones are closed, busy ones end after their answer |
/// | [`Phase::Forced`] | all are cut |
///
/// It ends when every connection is gone, upgraded ones among them. Dropping the future cuts all.
/// An error of accepting ends nothing: what is one connection's is passed over, and when the system has no more of
/// something (files, memory) it is tried again after 50 ms, doubling up to 1 s.
///
/// # Errors
/// When the listener cannot be used.
///
/// # Panics
/// Outside a tokio runtime with I/O and time.
pub async fn serve<M, S, B>(
    listener: impl Into<Listener>,
    config: ServeConfig,
    shutdown: Shutdown,
    make: M,
) -> Result<(), ServeError>
where
    M: Fn(ConnInfo) -> S + Send + Sync + 'static,
    S: Service<http::Request<Incoming>, Response = http::Response<B>> + Clone + Send + 'static,
    S::Future: Send + 'static,
    S::Error: Into<Box<dyn Error + Send + Sync>>,
    B: Body<Data = Bytes> + Send + 'static,
    B::Error: Send + Into<Box<dyn Error + Send + Sync>>,
{
    let shared = Arc::new((Transport::new(&config)?, Http::new(&config, TokioExecutor::new()), make));
    let stop = shutdown.clone();
    let each = move |accepted: Accepted| {
        let (shared, shutdown) = (Arc::clone(&shared), stop.clone());
        async move {
            let (transport, http, make) = &*shared;
            if let Some(prepared) = transport.prepare(accepted, &shutdown).await {
                let service = make(*prepared.io.info());
                drive(prepared, http, shutdown, service).await;
            }
        }
    };
    accept(listener, &config, shutdown, each).await
}

/// Runs a future for every connection of `listener` until `shutdown` has gone its way, as [`serve`] does; for servers
/// that speak HTTP by themselves.
///
/// Each future ends when its connection is gone; dropping it has to cut the connection.
///
/// # Errors
/// When the listener cannot be used.
///
/// # Panics
/// Outside a tokio runtime with I/O and time.
pub async fn accept<F, Fut>(
    listener: impl Into<Listener>,
    config: &ServeConfig,
    shutdown: Shutdown,
    each: F,
) -> Result<(), ServeError>
where
    F: Fn(Accepted) -> Fut,
    Fut: Future<Output = ()> + Send + 'static,
{
    let listener = Attached::new(listener.into())?;
    let most = config.max_connections.max(1);
    // Dropped at the end, and with this future.
    let mut helpers = JoinSet::new();
    if let Some(tls) = config.tls.clone() {
        helpers.spawn(async move { tls.watch().await });
    }
    // Ended ones are taken out at once, so its length is what is open.
    let mut connections = JoinSet::new();
    let mut pause = Pause::default();
    {
        let mut draining = std::pin::pin!(shutdown.reached(Phase::Draining));
        loop {
            tokio::select! {
                biased;
                () = draining.as_mut() => break,
                Some(ended) = connections.join_next() => report(ended),
                accepted = listener.accept(), if connections.len() < most => match accepted {
                    Ok(accepted) => {
                        pause = Pause::default();
                        connections.spawn(each(accepted));
                    }
                    Err(error) if is_of_the_connection(&error) => {}
                    Err(error) => tokio::select! {
                        () = draining.as_mut() => break,
                        () = pause.wait(&error) => {}
                    },
                },
            }
        }
    }
    // What the kernel has completed already is served, not reset. It is asked directly: tokio knows of a connection
    // only after it has looked, and a flood must not hold up the shutdown.
    let listener = listener.detach()?;
    while shutdown.phase() < Phase::Refusing {
        match accept_now(&listener) {
            Ok(accepted) => drop(connections.spawn(each(accepted))),
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => break,
            Err(error) if is_of_the_connection(&error) => {}
            Err(error) => tokio::select! {
                () = shutdown.reached(Phase::Refusing) => break,
                () = pause.wait(&error) => {}
            },
        }
        tokio::task::coop::consume_budget().await;
    }
    drop(listener);
    let mut forced = std::pin::pin!(shutdown.reached(Phase::Forced));
    loop {
        tokio::select! {
            biased;
            () = forced.as_mut() => break,
            ended = connections.join_next() => match ended {
                Some(ended) => report(ended),
                None => break,
            },
        }
    }
    let _ = timeout(CUT, connections.shutdown()).await; // one that is blocked by a handler is left behind
    Ok(())
}

fn report(ended: Result<(), JoinError>) {
    if let Err(error) = ended
        && error.is_panic()
    {
        tracing::error!(target: "neurolink::serve", "a service panicked and its connection was closed: {error}");
    }
}

/// Errors that are one connection's and not the listener's; accept(2) names them.
fn is_of_the_connection(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::ConnectionRefused
            | io::ErrorKind::ConnectionAborted
            | io::ErrorKind::ConnectionReset
            | io::ErrorKind::HostUnreachable
            | io::ErrorKind::NetworkUnreachable
            | io::ErrorKind::NetworkDown
            | io::ErrorKind::Interrupted
    )
}

/// The time to wait after the system has no more of something: 50 ms, doubling up to 1 s.
#[derive(Default)]
struct Pause(u32);

impl Pause {
    async fn wait(&mut self, error: &io::Error) {
        let time = self.next();
        tracing::error!(target: "neurolink::serve", "cannot accept: {error}; trying again in {time:?}");
        tokio::time::sleep(time).await;
    }

    fn next(&mut self) -> Duration {
        let pause = Duration::from_millis(50) * 2_u32.pow(self.0.min(5));
        self.0 = self.0.saturating_add(1);
        pause.min(Duration::from_secs(1))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_double_up_to_a_second() {
        let mut pause = Pause::default();
        let pauses: Vec<u128> = (0..7).map(|_| pause.next().as_millis()).collect();
        assert_eq!(pauses, [50, 100, 200, 400, 800, 1000, 1000]);
    }
}
