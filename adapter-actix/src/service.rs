//! actix's own HTTP on connections that the accept loop of all frameworks has prepared.

use std::net::SocketAddr;
use std::pin::Pin;
use std::rc::Rc;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use actix_http::{HttpService, Protocol, Request};
use actix_service::{
    IntoServiceFactory as _, Service, ServiceFactory as _, ServiceFactoryExt as _, apply_fn_factory, map_config,
};
use actix_web::body::{BodySize, BoxBody, MessageBody};
use actix_web::dev::AppConfig;
use actix_web::{App as ActixApp, HttpResponse};
use bytes::Bytes;
use neurolink_core::App;
use neurolink_core::server::{Phase, Shutdown};
use neurolink_serve::{Accepted, Io, Prepared, ServeConfig, Transport};
use tokio::time::timeout;

use crate::serve::Compose;

/// What every worker serves.
pub(crate) struct Serving {
    pub(crate) compose: Compose,
    pub(crate) app: App,
    pub(crate) config: ServeConfig,
    pub(crate) transport: Transport,
    /// Whether a plain connection may begin with HTTP/2.
    pub(crate) http2: bool,
    pub(crate) shutdown: Shutdown,
}

/// The requests of one connection that are at work, one holder each: h2 0.3 as actix uses it bounds no streams.
#[derive(Clone, Default)]
struct Requests(Rc<()>);

/// An answer whose request is at work until its last byte is taken.
struct Held {
    body: BoxBody,
    _held: Option<Requests>,
}

impl MessageBody for Held {
    type Error = <BoxBody as MessageBody>::Error;

    fn size(&self) -> BodySize {
        self.body.size()
    }

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Bytes, Self::Error>>> {
        Pin::new(&mut self.body).poll_next(cx)
    }
}

type Run = Pin<Box<dyn Future<Output = ()>>>;

/// actix's HTTP around the app for one worker; what it gives serves one connection.
pub(crate) async fn prepare(serving: Arc<Serving>) -> Option<impl Fn(Accepted) -> Run> {
    let (compose, app) = (Arc::clone(&serving.compose), serving.app.clone());
    let app = ActixApp::new().configure(move |config| compose(app, config));
    let app = app.into_factory().map_err(|error: actix_web::Error| error.error_response());
    let most = usize::try_from(serving.config.max_concurrent_streams).unwrap_or(usize::MAX).max(1);
    let (head, shutdown) = (serving.config.header_read_timeout, serving.shutdown.clone());
    let http = HttpService::build()
        .keep_alive(head)
        .client_request_timeout(head)
        .client_disconnect_timeout(Duration::from_secs(1))
        .h1_allow_half_closed(false)
        .graceful_shutdown_signal(move || {
            let shutdown = shutdown.clone();
            async move { shutdown.reached(Phase::Refusing).await }
        })
        .on_connect_ext(|io: &Io, data| {
            data.insert(*io.info());
            data.insert(Requests::default());
        })
        .finish(apply_fn_factory(map_config(app, |()| AppConfig::default()), move |request: Request, app| {
            let place = request.conn_data::<Requests>().is_none_or(|requests| Rc::strong_count(&requests.0) <= most);
            let held = request.conn_data::<Requests>().cloned();
            let answer = place.then(|| app.call(request));
            async move {
                let Some(answer) = answer else { return Err(HttpResponse::ServiceUnavailable().finish()) };
                answer.await.map(|response| response.map_body(|_, body| Held { body: body.boxed(), _held: held }))
            }
        }));
    let Ok(http) = http.new_service(()).await else {
        tracing::error!(target: "neurolink::serve", "actix could not make its services");
        return None;
    };
    let http = Rc::new(http);
    Some(move |accepted| Box::pin(run(Arc::clone(&serving), Rc::clone(&http), accepted)) as Run)
}

async fn run<S>(serving: Arc<Serving>, http: Rc<S>, accepted: Accepted)
where
    S: Service<(Io, Protocol, Option<SocketAddr>)>,
    S::Error: std::fmt::Display,
{
    let Some(prepared) = serving.transport.prepare(accepted, &serving.shutdown).await else { return };
    let Prepared { mut io, http2, mut hold, .. } = prepared;
    let http2 = match http2 {
        None if serving.http2 => match timeout(serving.config.header_read_timeout, io.is_http2()).await {
            Ok(Ok(is_http2)) => is_http2,
            _ => return,
        },
        chosen => chosen.unwrap_or(false),
    };
    let (protocol, peer) = (if http2 { Protocol::Http2 } else { Protocol::Http1 }, io.info().peer);
    if let Err(error) = http.call((io, protocol, peer)).await {
        tracing::debug!(target: "neurolink::serve", "connection ended: {error}");
    }
    hold.closed().await;
}
