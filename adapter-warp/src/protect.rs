use std::convert::Infallible;
use std::fmt;
use std::task::{Context, Poll};

use bytes::Bytes;
use neurolink_core::app::{Crossing, Protected};
use neurolink_core::{Body, BoxError, BoxFuture, ConfigError, ConnInfo, Response, Settings, Stack};
use warp::filters::BoxedFilter;
use warp::{Filter, Rejection, Reply};

use crate::convert::boxed;

/// Your filter with the stack around it, as a service for a hyper loop such as `neurolink-serve`'s.
///
/// The stack stands outside, so that it also answers for what the filter rejects; a filter of warp's cannot hand
/// facts to those inside of it. The connection is taken from the request's extensions ([`ConnInfo`]).
///
/// # Errors
/// All mistakes of the stack at once.
pub fn protect<F, R>(stack: Stack, filter: F) -> Result<Protect, ConfigError>
where
    F: Filter<Extract = (R,)> + Clone + Send + Sync + 'static,
    F::Error: Into<Rejection>,
    R: Reply + 'static,
{
    protect_with(stack, Settings::default(), filter)
}

/// [`protect`] with settings of your own.
///
/// # Errors
/// All mistakes of the stack and the settings at once.
pub fn protect_with<F, R>(stack: Stack, settings: Settings, filter: F) -> Result<Protect, ConfigError>
where
    F: Filter<Extract = (R,)> + Clone + Send + Sync + 'static,
    F::Error: Into<Rejection>,
    R: Reply + 'static,
{
    Ok(Protect { native: boxed(filter), protected: stack.protect(settings)? })
}

/// What [`protect`] makes.
#[derive(Clone)]
pub struct Protect {
    native: BoxedFilter<(warp::reply::Response,)>,
    protected: Protected,
}

impl<B> tower_service::Service<http::Request<B>> for Protect
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
        let Self { native, protected } = self.clone();
        let conn = request.extensions().get::<ConnInfo>().copied().unwrap_or_default();
        Box::pin(async move {
            let answer = protected.around(request, conn, |request| async {
                let answer = warp::service(native).call(request.map(body)).await;
                answer.unwrap_or_else(|never| match never {})
            });
            Ok(answer.await.map(body))
        })
    }
}

fn body<B>(crossing: Crossing<B>) -> Body
where
    B: http_body::Body<Data = Bytes> + Send + 'static,
    B::Error: Into<BoxError>,
{
    match crossing {
        Crossing::Kept(body) => Body::new(body),
        Crossing::Core(body) => body,
    }
}

impl fmt::Debug for Protect {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Protect").field("protected", &self.protected).finish_non_exhaustive()
    }
}
