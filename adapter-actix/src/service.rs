//! actix's own HTTP/1, and the accept loop's HTTP/2, on connections that the accept loop of all frameworks has prepared.

use std::net::SocketAddr;
use std::panic::AssertUnwindSafe;
use std::pin::Pin;
use std::rc::Rc;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use actix_http::{HttpService, Protocol, Request};
use actix_service::{
    IntoServiceFactory as _, Service, ServiceFactory as _, ServiceFactoryExt as _, fn_service, map_config,
};
use actix_web::dev::{AppConfig, ServiceResponse};
use actix_web::{App as ActixApp, HttpResponse};
use futures_util::FutureExt as _;
use neurolink_core::App;
use neurolink_core::server::{Phase, Shutdown};
use neurolink_serve::{Accepted, LocalHttp2, Prepared, Transport};

use crate::first_head;
use crate::http2::Http2;
use crate::serve::Compose;
use crate::shared::Shared;

/// What every worker serves.
pub(crate) struct Serving {
    pub(crate) compose: Compose,
    pub(crate) app: App,
    pub(crate) transport: Transport,
    pub(crate) http2: LocalHttp2,
    pub(crate) shutdown: Shutdown,
}

/// Between two lines of the log that tell of a panic: a flood must not fill it.
const QUIET: Duration = Duration::from_secs(10);

type Run = Pin<Box<dyn Future<Output = ()>>>;

/// actix's HTTP around the app for one worker; what it gives serves one connection.
pub(crate) async fn prepare(serving: Arc<Serving>) -> Option<impl Fn(Accepted) -> Run> {
    let (compose, app) = (Arc::clone(&serving.compose), serving.app.clone());
    let app = ActixApp::new().configure(move |config| compose(app, config));
    let app = app.into_factory().map_err(|error: actix_web::Error| error.error_response());
    let app = map_config(app, |()| AppConfig::default()).new_service(()).await;
    let app = Rc::new(made(app)?);
    let (head, shutdown) = (serving.transport.header_read_timeout(), serving.shutdown.clone());
    let http1 = HttpService::build()
        .keep_alive(head)
        .client_request_timeout(head)
        .client_disconnect_timeout(Duration::from_secs(1))
        .h1_allow_half_closed(false)
        .graceful_shutdown_signal(move || {
            let shutdown = shutdown.clone();
            async move { shutdown.reached(Phase::Refusing).await }
        })
        .on_connect_ext(Shared::tell)
        .finish(fn_service({
            let app = Rc::clone(&app);
            move |request: Request| {
                Shared::had_a_request(&request);
                app.call(request)
            }
        }));
    let http1 = Rc::new(made(http1.new_service(()).await)?);
    Some(move |accepted| Box::pin(run(Arc::clone(&serving), Rc::clone(&app), Rc::clone(&http1), accepted)) as Run)
}

fn made<S>(service: Result<S, ()>) -> Option<S> {
    service.inspect_err(|()| tracing::error!(target: "neurolink::serve", "actix could not make its services")).ok()
}

async fn run<A, S>(serving: Arc<Serving>, app: Rc<A>, http1: Rc<S>, accepted: Accepted)
where
    A: Service<Request, Response = ServiceResponse, Error = HttpResponse> + 'static,
    S: Service<(Shared, Protocol, Option<SocketAddr>)>,
    S::Error: std::fmt::Display,
{
    let Serving { transport, http2, shutdown, .. } = &*serving;
    let Some(mut prepared) = transport.prepare(accepted, shutdown).await else { return };
    match transport.is_http2(&mut prepared, shutdown).await {
        None => {}
        Some(true) => {
            let service = Http2 { app, info: *prepared.io.info() };
            http2.serve(prepared, shutdown.clone(), service).await;
        }
        Some(false) => {
            let Prepared { io, mut hold, .. } = prepared;
            let (peer, shared) = (io.info().peer, Shared::new(io));
            let served = AssertUnwindSafe(http1.call((shared.clone(), Protocol::Http1, peer)));
            match served.catch_unwind().await {
                // The last of the socket, unless it was upgraded.
                Ok(Ok(_)) => drop(shared),
                Ok(Err(error)) => {
                    tracing::debug!(target: "neurolink::serve", "connection ended: {error}");
                    let _ = shared.close().await;
                }
                Err(_) => {
                    tell_of_a_panic(peer);
                    first_head::refuse(shared).await;
                }
            }
            hold.closed().await;
        }
    }
}

/// Tells the log whose connection it was, once in a while; more of a panic is for the process's hook to tell.
fn tell_of_a_panic(peer: Option<SocketAddr>) {
    static TOLD: Mutex<Option<Instant>> = Mutex::new(None);
    let mut told = TOLD.lock().unwrap_or_else(PoisonError::into_inner);
    if told.is_none_or(|at| at.elapsed() >= QUIET) {
        *told = Some(Instant::now());
        let text = "a panic ended a connection: of actix-http at a header name of 64 KiB or more, or of a handler";
        tracing::warn!(target: "neurolink::serve", peer = peer.map(tracing::field::display), "{text}");
    }
}
