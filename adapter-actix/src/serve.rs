use std::any::Any;
use std::fmt;
use std::io;
use std::net::{SocketAddr, TcpListener};
use std::sync::Arc;
use std::time::Duration;

use actix_web::dev::{Extensions, Server};
use actix_web::rt::net::TcpStream;
use actix_web::web::ServiceConfig;
use actix_web::{App as ActixApp, HttpServer};
use neurolink_core::server::{Adapter, Capabilities, Phase, ServeError, Shutdown};
use neurolink_core::{App, BoxFuture};
use socket2::SockRef;
use tokio_util::task::TaskTracker;

use crate::mount::everything;

type Compose = Arc<dyn Fn(App, &mut ServiceConfig) + Send + Sync>;

/// How long connections may take to go after they were cut: actix looks once a second.
const CUT: Duration = Duration::from_secs(2);
/// Longer than any grace: the phases of the shutdown decide, not actix.
const NO_TIMEOUT: u64 = 24 * 60 * 60;

/// actix-web as the framework of a server.
///
/// ```
/// use actix_web::web;
/// use neurolink_actix::Actix;
///
/// let actix = Actix::new().configure(|config| {
///     config.route("/mine", web::get().to(|| async { "mine" }));
/// });
/// ```
#[derive(Clone)]
pub struct Actix {
    compose: Compose,
    workers: usize,
    header_read_timeout: Duration,
    max_connections: usize,
    http2: bool,
    write_stall: Duration,
}

impl Default for Actix {
    fn default() -> Self {
        Self {
            compose: Arc::new(everything),
            workers: std::thread::available_parallelism().map_or(1, usize::from),
            header_read_timeout: Duration::from_secs(10),
            max_connections: 10_000,
            http2: false,
            write_stall: Duration::from_secs(30),
        }
    }
}

impl Actix {
    /// actix-web with nothing but the app.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Gives access to the native configuration: own routes, own data. What it does not answer is the app's.
    ///
    /// It is called once a worker; what workers share is made outside.
    #[must_use]
    pub fn configure(self, configure: impl Fn(&mut ServiceConfig) + Send + Sync + 'static) -> Self {
        self.host(move |app, config| {
            configure(config);
            everything(app, config);
        })
    }

    /// Serves a whole application of yours, in which you have mounted the app; its 404 stays yours.
    #[must_use]
    pub fn host(mut self, compose: impl Fn(App, &mut ServiceConfig) + Send + Sync + 'static) -> Self {
        self.compose = Arc::new(compose);
        self
    }

    /// Sets the number of worker threads, 1 to 512: the available cores unless told.
    #[must_use]
    pub const fn workers(mut self, workers: usize) -> Self {
        self.workers = workers;
        self
    }

    /// Sets how long the head of a request may take, and how long a connection may be silent: 10 s unless told.
    #[must_use]
    pub const fn header_read_timeout(mut self, timeout: Duration) -> Self {
        self.header_read_timeout = timeout;
        self
    }

    /// Sets the most connections at one time, over all workers: 10,000 unless told.
    #[must_use]
    pub const fn max_connections(mut self, most: usize) -> Self {
        self.max_connections = most;
        self
    }

    /// Sets how long a peer may take nothing of what is sent to it before its connection is cut: 30 s unless told.
    ///
    /// The kernel watches it (`TCP_USER_TIMEOUT`), which Linux and Android have.
    #[must_use]
    pub const fn write_stall(mut self, timeout: Duration) -> Self {
        self.write_stall = timeout;
        self
    }

    /// Speaks HTTP/2 by prior knowledge too: no unless told.
    ///
    /// actix then waits for the first bytes without a limit: a connection that never sends any stays open until
    /// the server is stopped, and holds up its stop. Use it behind a proxy.
    #[must_use]
    pub const fn http2(mut self, yes: bool) -> Self {
        self.http2 = yes;
        self
    }

    fn start(&self, app: App, listener: TcpListener, connections: TaskTracker) -> io::Result<Server> {
        let compose = Arc::clone(&self.compose);
        let workers = self.workers.clamp(1, 512);
        let stall = self.write_stall;
        let server = HttpServer::new(move || {
            let (compose, app) = (Arc::clone(&compose), app.clone());
            ActixApp::new().configure(move |config| compose(app, config))
        })
        .on_connect(move |io, data| {
            on_connect(io, data);
            cut_when_stalled(io, stall);
            data.insert(connections.token());
        })
        .workers(workers)
        .max_connections(self.max_connections.div_ceil(workers))
        .keep_alive(self.header_read_timeout)
        .client_request_timeout(self.header_read_timeout)
        .client_disconnect_timeout(Duration::from_secs(1))
        .h1_allow_half_closed(false)
        .tcp_nodelay(true)
        .shutdown_timeout(NO_TIMEOUT)
        .disable_signals();
        let server = if self.http2 { server.listen_auto_h2c(listener) } else { server.listen(listener) };
        Ok(server?.run())
    }
}

impl Adapter for Actix {
    fn name(&self) -> &'static str {
        "actix"
    }

    fn capabilities(&self) -> Capabilities {
        Capabilities::default().http2_prior_knowledge(self.http2)
    }

    fn serve(&self, app: App, listener: TcpListener, shutdown: Shutdown) -> BoxFuture<'static, Result<(), ServeError>> {
        let connections = TaskTracker::new();
        let guard = listener.try_clone();
        let server = self.start(app, listener, connections.clone());
        Box::pin(async move {
            let failed = |error| ServeError::new("actix", error);
            let guard = guard.map_err(failed)?;
            run(server.map_err(failed)?, guard, &connections, shutdown).await.map_err(failed)
        })
    }
}

/// This end of a connection.
pub(crate) struct Local(pub(crate) SocketAddr);

/// Remembers a connection's own end; give it to `HttpServer::on_connect` before you bind.
///
/// Without it the app only knows the address the server is bound to, which for `0.0.0.0` says nothing.
pub fn on_connect(io: &dyn Any, data: &mut Extensions) {
    if let Some(Ok(local)) = io.downcast_ref::<TcpStream>().map(TcpStream::local_addr) {
        data.insert(Local(local));
    }
}

/// The kernel alone knows whether the peer takes anything of what is written.
fn cut_when_stalled(io: &dyn Any, time: Duration) {
    #[cfg(any(target_os = "linux", target_os = "android"))]
    if let Some(stream) = io.downcast_ref::<TcpStream>() {
        // It fails for a connection that is gone already.
        let _ = SockRef::from(stream).set_tcp_user_timeout(Some(time));
    }
    #[cfg(not(any(target_os = "linux", target_os = "android")))]
    let _ = (io, time);
}

/// Serves until the shutdown has gone its way or the server has failed; dropping it cuts every connection.
async fn run(mut server: Server, guard: TcpListener, connections: &TaskTracker, shutdown: Shutdown) -> io::Result<()> {
    let handle = server.handle();
    if let Some(ended) = until(&mut server, shutdown.reached(Phase::Draining)).await {
        return ended;
    }
    if let Some(ended) = until(&mut server, handle.pause()).await {
        return ended;
    }
    // A paused listener would still let clients connect and wait.
    let _ = SockRef::from(&guard).shutdown(std::net::Shutdown::Both);
    drop(guard);
    connections.close();
    let gone = async {
        tokio::select! {
            () = connections.wait() => {}
            () = shutdown.reached(Phase::Refusing) => {}
        }
    };
    if let Some(ended) = until(&mut server, gone).await {
        return ended;
    }
    // Closes idle connections and lets busy ones finish.
    let stop = (shutdown.phase() < Phase::Forced).then(|| handle.stop(true));
    let gone = async {
        tokio::select! {
            () = connections.wait() => {}
            () = shutdown.reached(Phase::Forced) => {}
        }
    };
    if let Some(ended) = until(&mut server, gone).await {
        return ended;
    }
    drop((stop, server));
    let _ = tokio::time::timeout(CUT, connections.wait()).await;
    Ok(())
}

/// Waits for an event, and for the end of the server, which works only while it is polled.
async fn until(server: &mut Server, event: impl Future<Output = ()>) -> Option<io::Result<()>> {
    tokio::select! {
        ended = server => Some(ended),
        () = event => None,
    }
}

impl fmt::Debug for Actix {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Actix").field("workers", &self.workers).field("http2", &self.http2).finish_non_exhaustive()
    }
}
