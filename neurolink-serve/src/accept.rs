use std::error::Error;
use std::io;
use std::sync::Arc;
use std::time::Duration;

use http_body::Body;
use hyper::body::Incoming;
use neurolink_core::server::{Phase, Shutdown};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Semaphore;
use tokio::task::JoinSet;
use tower_service::Service;

use crate::connection::{builder, drive};
use crate::{Connection, ServeConfig};

/// Why serving did not begin.
#[derive(Debug, thiserror::Error)]
#[error("the listener cannot be used: {0}; it must be non-blocking and listening")]
pub struct ServeError(#[from] io::Error);

/// Serves every connection of `listener` with the service that `make` gives for it, until `shutdown` has gone its way.
///
/// From [`Phase::Draining`] on nothing is accepted, after what waits in the queue; at [`Phase::Refusing`] idle
/// connections are closed and busy ones finish; at [`Phase::Forced`] all are cut.
/// It ends when every connection is gone; dropping the future cuts all.
///
/// # Errors
/// When the listener cannot be used.
pub async fn serve<M, S, B>(
    listener: std::net::TcpListener,
    config: ServeConfig,
    shutdown: Shutdown,
    make: M,
) -> Result<(), ServeError>
where
    M: Fn(Connection) -> S,
    S: Service<http::Request<Incoming>, Response = http::Response<B>> + Clone + Send + 'static,
    S::Future: Send + 'static,
    S::Error: Into<Box<dyn Error + Send + Sync>>,
    B: Body + Send + 'static,
    B::Data: Send,
    B::Error: Into<Box<dyn Error + Send + Sync>>,
{
    listener.set_nonblocking(true)?;
    let listener = TcpListener::from_std(listener)?;
    let builder = builder(&config);
    let slots = Arc::new(Semaphore::new(config.max_connections.clamp(1, Semaphore::MAX_PERMITS)));
    let mut connections = JoinSet::new();
    let spawn = |stream: TcpStream, permit, connections: &mut JoinSet<()>| {
        // A connection that is gone already has no addresses.
        let (Ok(peer), Ok(local)) = (stream.peer_addr(), stream.local_addr()) else { return };
        let _ = stream.set_nodelay(true);
        let service = make(Connection { peer, local });
        let serving = drive(stream, builder.clone(), config.clone(), shutdown.clone(), service);
        connections.spawn(async move {
            serving.await;
            drop(permit);
        });
    };
    let mut pause = Pause::default();
    let draining = shutdown.reached(Phase::Draining);
    let mut draining = std::pin::pin!(draining);
    loop {
        let permit = tokio::select! {
            biased;
            () = draining.as_mut() => break,
            // The semaphore is never closed.
            permit = Arc::clone(&slots).acquire_owned() => permit.ok(),
        };
        tokio::select! {
            biased;
            () = draining.as_mut() => break,
            accepted = listener.accept() => match accepted {
                Ok((stream, _)) => {
                    pause = Pause::default();
                    spawn(stream, permit, &mut connections);
                }
                Err(error) if is_of_the_connection(&error) => {}
                Err(error) => {
                    tracing::error!(target: "neurolink::serve", "cannot accept: {error}; trying again");
                    tokio::time::sleep(pause.next()).await;
                }
            },
        }
        while connections.try_join_next().is_some() {}
    }
    // What the kernel has completed already is served, not reset.
    while let Ok(Ok((stream, _))) = tokio::time::timeout(Duration::ZERO, listener.accept()).await {
        spawn(stream, None, &mut connections);
    }
    drop(listener);
    while connections.join_next().await.is_some() {}
    Ok(())
}

/// Errors that are one connection's and not the listener's.
fn is_of_the_connection(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::ConnectionRefused | io::ErrorKind::ConnectionAborted | io::ErrorKind::ConnectionReset
    )
}

/// The time to wait after the system has no more of something: 50 ms, doubling up to 1 s.
#[derive(Default)]
struct Pause(u32);

impl Pause {
    fn next(&mut self) -> Duration {
        let pause = Duration::from_millis(50) * 2_u32.pow(self.0.min(5));
        self.0 += 1;
        pause.min(Duration::from_secs(1))
    }
}
