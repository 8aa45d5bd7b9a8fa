//! Tower's services as hyper's, called at once where they are ready.

use std::pin::Pin;
use std::task::{Context, Poll, Waker};

use http::Request;
use hyper::body::Incoming;
use hyper::service::Service as HyperService;
use hyper_util::service::{TowerToHyperService, TowerToHyperServiceFuture};
use neurolink_core::BoxError;
use pin_project_lite::pin_project;
use tower_service::Service;

/// A service of tower's for hyper, each call on a clone of its own.
///
/// Nearly every one is always ready, and then its future is all there is; hyper-util's moves the request about once more
/// for each place that it waits in.
#[derive(Clone)]
pub(crate) struct Called<S>(pub(crate) S);

impl<S> HyperService<Request<Incoming>> for Called<S>
where
    S: Service<Request<Incoming>, Error: Into<BoxError>> + Clone,
{
    type Response = S::Response;
    type Error = BoxError;
    type Future = Calling<S>;

    fn call(&self, request: Request<Incoming>) -> Calling<S> {
        let mut service = self.0.clone();
        // Who waits is asked again by whoever polls the future.
        match service.poll_ready(&mut Context::from_waker(Waker::noop())) {
            Poll::Ready(Ok(())) => Calling::Called { future: service.call(request) },
            Poll::Ready(Err(error)) => Calling::Failed { error: Some(error.into()) },
            Poll::Pending => Calling::Waits { future: Box::pin(TowerToHyperService::new(service).call(request)) },
        }
    }
}

pin_project! {
    /// What [`Called`] makes.
    #[project = CallingPinned]
    pub(crate) enum Calling<S: Service<Request<Incoming>>> {
        Called {
            #[pin]
            future: S::Future,
        },
        Waits {
            future: Pin<Box<TowerToHyperServiceFuture<S, Request<Incoming>>>>,
        },
        Failed {
            error: Option<BoxError>,
        },
    }
}

impl<S> Future for Calling<S>
where
    S: Service<Request<Incoming>, Error: Into<BoxError>>,
{
    type Output = Result<S::Response, BoxError>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        match self.project() {
            CallingPinned::Called { future } => future.poll(cx).map_err(Into::into),
            CallingPinned::Waits { future } => future.as_mut().poll(cx).map_err(Into::into),
            CallingPinned::Failed { error } => error.take().map_or(Poll::Pending, |error| Poll::Ready(Err(error))),
        }
    }
}
