use std::convert::Infallible;
use std::fmt;
use std::task::{Context, Poll};

use bytes::Bytes;
use neurolink_core::{App, Body, BoxError, BoxFuture, ConnInfo, Request, Response};
use tower_service::Service as _;
use warp::filters::BoxedFilter;
use warp::{Filter, Rejection, Reply};

use crate::mount::Head;
use crate::parked::Parked;

/// The app and your filter as one service for a hyper loop, with the core outside and warp inside.
///
/// At the base path and below the app answers, and nothing of the request is lost; everything else is your filter's,
/// and what that rejects as not found is the app's again.
/// The connection is taken from the request's extensions ([`ConnInfo`]).
pub fn service<F, R>(app: App, filter: F) -> Service
where
    F: Filter<Extract = (R,)> + Clone + Send + Sync + 'static,
    F::Error: Into<Rejection>,
    R: Reply + 'static,
{
    let unmatched = |rejection: Rejection| async move {
        if !rejection.is_not_found() {
            return Err(rejection);
        }
        let mut response = warp::reply::Response::new(Bytes::new().into());
        response.extensions_mut().insert(Unmatched);
        Ok((response,))
    };
    Service { app: Some(app), native: Some(boxed(filter).or_else(unmatched).boxed()) }
}

/// What [`service`] makes.
#[derive(Clone)]
pub struct Service {
    app: Option<App>,
    native: Option<BoxedFilter<(warp::reply::Response,)>>,
}

/// Marks the answer of a filter that has no route.
#[derive(Clone)]
struct Unmatched;

impl Service {
    pub(crate) const fn alone(app: App) -> Self {
        Self { app: Some(app), native: None }
    }

    pub(crate) fn host<F, R>(filter: F) -> Self
    where
        F: Filter<Extract = (R,)> + Clone + Send + Sync + 'static,
        F::Error: Into<Rejection>,
        R: Reply + 'static,
    {
        Self { app: None, native: Some(boxed(filter)) }
    }

    async fn answer(self, mut request: Request, conn: ConnInfo) -> Response {
        let Some(native) = self.native else {
            return match self.app {
                Some(app) => app.handle(request, conn).await,
                None => Response::default(),
            };
        };
        let head = Head { uri: request.uri().clone(), version: request.version() };
        request.extensions_mut().insert(head);
        request.extensions_mut().insert(conn);
        let Some(app) = self.app else { return call(native, request).await };
        // A target without a path is nobody's route, and warp's filters panic at it.
        if request.uri().path_and_query().is_none() {
            return app.handle(request, conn).await;
        }
        // Without a base path every path is the app's, except those of native routes.
        if !app.base_path().is_empty() {
            match app.try_handle(request, conn).await {
                Ok(response) => return response,
                Err(foreign) => request = foreign,
            }
        }
        let (parts, body) = request.into_parts();
        let (body, slot) = Parked::new(body);
        let response = call(native, http::Request::from_parts(parts.clone(), body)).await;
        if response.extensions().get::<Unmatched>().is_none() {
            return response;
        }
        app.handle(Request::from_parts(parts, slot.into_body()), conn).await
    }
}

fn boxed<F, R>(filter: F) -> BoxedFilter<(warp::reply::Response,)>
where
    F: Filter<Extract = (R,)> + Clone + Send + Sync + 'static,
    F::Error: Into<Rejection>,
    R: Reply + 'static,
{
    filter.map(|reply: R| reply.into_response()).boxed()
}

async fn call<B>(
    native: BoxedFilter<(warp::reply::Response,)>,
    request: http::Request<B>,
) -> Response
where
    B: http_body::Body + Send + Sync + 'static,
    B::Error: Into<BoxError>,
{
    let response = warp::service(native).call(request).await;
    response.unwrap_or_else(|never| match never {}).map(Body::new)
}

impl<B> tower_service::Service<http::Request<B>> for Service
where
    B: http_body::Body<Data = Bytes> + Send + 'static,
    B::Error: Into<BoxError>,
{
    type Response = Response;
    type Error = Infallible;
    type Future = BoxFuture<'static, Result<Response, Infallible>>;

    fn poll_ready(&mut self, _cx: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: http::Request<B>) -> Self::Future {
        let service = self.clone();
        let conn = request.extensions().get::<ConnInfo>().copied().unwrap_or_default();
        Box::pin(async move { Ok(service.answer(request.map(Body::new), conn).await) })
    }
}

impl fmt::Debug for Service {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Service").field("app", &self.app).finish_non_exhaustive()
    }
}
