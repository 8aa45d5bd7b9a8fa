use std::error::Error;
use std::net::SocketAddr;
use std::pin::pin;

use http_body::Body;
use hyper::body::Incoming;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use hyper_util::server::conn::auto;
use hyper_util::service::TowerToHyperService;
use neurolink_core::server::{Phase, Shutdown};
use tokio::net::TcpStream;
use tower_service::Service;

use crate::ServeConfig;
use crate::preface::Watched;

/// The ends of one connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Connection {
    /// The other end.
    pub peer: SocketAddr,
    /// This end.
    pub local: SocketAddr,
}

/// How many resets of an HTTP/2 peer are borne before the connection is closed (rapid reset).
const RESETS: usize = 20;

/// What hyper is told once for all connections.
pub(crate) fn builder(config: &ServeConfig) -> auto::Builder<TokioExecutor> {
    let mut builder = auto::Builder::new(TokioExecutor::new());
    builder
        .http1()
        .timer(TokioTimer::new())
        .header_read_timeout(config.header_read_timeout)
        .half_close(false)
        .writev(false)
        .max_headers(config.max_headers)
        .max_buf_size(config.header_bytes.max(8192));
    builder
        .http2()
        .timer(TokioTimer::new())
        .max_concurrent_streams(config.max_concurrent_streams)
        .max_header_list_size(u32::try_from(config.header_bytes).unwrap_or(u32::MAX))
        .max_pending_accept_reset_streams(RESETS)
        .max_local_error_reset_streams(RESETS)
        .keep_alive_interval(config.header_read_timeout * 2)
        .keep_alive_timeout(config.header_read_timeout);
    if config.http2 { builder } else { builder.http1_only() }
}

/// Serves one connection to its end.
pub(crate) async fn drive<S, B>(
    stream: TcpStream,
    builder: auto::Builder<TokioExecutor>,
    config: ServeConfig,
    shutdown: Shutdown,
    service: S,
) where
    S: Service<http::Request<Incoming>, Response = http::Response<B>> + Clone + Send + 'static,
    S::Future: Send + 'static,
    S::Error: Into<Box<dyn Error + Send + Sync>>,
    B: Body + Send + 'static,
    B::Data: Send,
    B::Error: Into<Box<dyn Error + Send + Sync>>,
{
    let (stream, decided) = Watched::new(stream);
    let service = TowerToHyperService::new(service);
    let mut connection = pin!(builder.serve_connection_with_upgrades(TokioIo::new(stream), service));
    let mut first_bytes = pin!(tokio::time::sleep(config.header_read_timeout));
    let mut refusing = pin!(shutdown.reached(Phase::Refusing));
    let mut forced = pin!(shutdown.reached(Phase::Forced));
    let (mut watching, mut graceful) = (true, false);
    loop {
        tokio::select! {
            result = connection.as_mut() => {
                if let Err(error) = result {
                    tracing::debug!(target: "neurolink::serve", "connection ended: {error}");
                }
                return;
            }
            () = first_bytes.as_mut(), if watching => {
                if !decided.yes() {
                    return; // it was silent, or sent half a preface
                }
                watching = false;
            }
            () = refusing.as_mut(), if !graceful => {
                connection.as_mut().graceful_shutdown();
                graceful = true;
            }
            () = forced.as_mut() => return,
        }
    }
}
