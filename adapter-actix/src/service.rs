//! actix's own HTTP/1, and the accept loop's HTTP/2, on connections that the accept loop of all frameworks has prepared.

use std::net::SocketAddr;
use std::pin::Pin;
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use actix_http::{HttpService, KeepAlive, Protocol, Request};
use actix_service::{
    IntoServiceFactory as _, Service, ServiceFactory as _, ServiceFactoryExt as _, fn_service, map_config,
};
use actix_web::dev::{AppConfig, ServiceResponse};
use actix_web::http::ConnectionType;
use actix_web::{App as ActixApp, HttpResponse};
use neurolink_core::App;
use neurolink_core::server::{Phase, Shutdown};
use neurolink_serve::{Accepted, Heads, LocalHttp2, Quiet, Transport};

use crate::connection;
use crate::http2::Http2;
use crate::serve::Compose;
use crate::shared::{Answer, Shared};

/// What every worker serves.
pub(crate) struct Serving {
    pub(crate) compose: Compose,
    pub(crate) app: App,
    pub(crate) transport: Transport,
    pub(crate) http2: LocalHttp2,
    pub(crate) shutdown: Shutdown,
    /// Panics that the log is told of.
    pub(crate) panics: Quiet,
}

type Run = Pin<Box<dyn Future<Output = ()>>>;

/// actix's HTTP around the app for one worker; what it gives serves one connection.
pub(crate) async fn prepare(serving: Arc<Serving>) -> Option<impl Fn(Accepted) -> Run> {
    let (compose, app) = (Arc::clone(&serving.compose), serving.app.clone());
    let app = ActixApp::new().configure(move |config| compose(app, config));
    let app = app.into_factory().map_err(|error: actix_web::Error| error.error_response());
    let app = map_config(app, |()| AppConfig::default()).new_service(()).await;
    let app = Rc::new(made(app)?);
    let http1 = HttpService::build()
        // Both times are [`connection::serve`]'s: actix-http has none for a head behind a request. So is the stop.
        .keep_alive(KeepAlive::Os)
        .client_request_timeout(Duration::ZERO)
        .client_disconnect_timeout(Duration::from_secs(1))
        .h1_allow_half_closed(false)
        .on_connect_ext(Shared::tell)
        .finish(fn_service({
            let app = Rc::clone(&app);
            move |request: Request| {
                let unanswered = request.conn_data().map(Heads::request);
                let answer = app.call(request);
                async move {
                    Ok::<_, HttpResponse>(answer.await?.map_body(|head, body| {
                        if let (ConnectionType::Close, Some(unanswered)) = (head.connection_type(), &unanswered) {
                            unanswered.mark_last();
                        }
                        Answer::new(body, unanswered)
                    }))
                }
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
    let Serving { transport, http2, shutdown, panics, .. } = &*serving;
    let Some(mut prepared) = transport.prepare(accepted, shutdown).await else { return };
    match transport.is_http2(&mut prepared, shutdown).await {
        None => {}
        Some(true) => {
            let service = Http2 { app, info: *prepared.io.info() };
            http2.serve(prepared, shutdown.clone(), service).await;
        }
        Some(false) => {
            let within = (transport.header_read_timeout(), transport.keep_alive_idle());
            let refusing = shutdown.reached(Phase::Refusing);
            let http1 = |shared, peer| http1.call((shared, Protocol::Http1, peer));
            connection::serve(prepared, within, refusing, panics, http1).await;
        }
    }
}
