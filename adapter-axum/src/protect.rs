use std::convert::Infallible;
use std::task::{Context, Poll};

use axum::body::Body;
use axum::extract::{OriginalUri, Request};
use axum::response::Response;
use neurolink_core::app::{Crossing, Protected};
use neurolink_core::{BoxFuture, ConfigError, Settings, Stack};
use tower_layer::Layer;
use tower_service::Service;

use crate::mount::connection;

/// A layer that puts the stack around native routes.
///
/// Wrap the whole router from outside, as `layer(stack)?.layer(router)`: then its 404 is behind the stack too.
/// With `Router::layer` the routes are, and axum adds its own `Allow` to the stack's answers.
///
/// # Errors
/// All mistakes of the stack at once.
pub fn layer(stack: Stack) -> Result<ProtectLayer, ConfigError> {
    layer_with(stack, Settings::default())
}

/// [`layer`] with settings of your own.
///
/// # Errors
/// All mistakes of the stack and the settings at once.
pub fn layer_with(stack: Stack, settings: Settings) -> Result<ProtectLayer, ConfigError> {
    stack.protect(settings).map(ProtectLayer)
}

/// What [`layer`] makes.
#[derive(Clone, Debug)]
pub struct ProtectLayer(Protected);

/// A native service with the stack around it.
#[derive(Clone, Debug)]
pub struct Protect<S> {
    inner: S,
    protected: Protected,
}

impl<S> Layer<S> for ProtectLayer {
    type Service = Protect<S>;

    fn layer(&self, inner: S) -> Protect<S> {
        Protect { inner, protected: self.0.clone() }
    }
}

impl<S> Service<Request> for Protect<S>
where
    S: Service<Request, Response = Response, Error = Infallible> + Clone + Send + 'static,
    S::Future: Send,
{
    type Response = Response;
    type Error = Infallible;
    type Future = BoxFuture<'static, Result<Response, Infallible>>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, mut request: Request) -> Self::Future {
        let protected = self.protected.clone();
        // The clone has not been asked whether it is ready; the one that has is used.
        let ready = self.inner.clone();
        let mut inner = std::mem::replace(&mut self.inner, ready);
        let conn = connection(&request);
        // The stack decides on the original target; the host gets the one that its own routers made of it.
        let stripped = request.uri().clone();
        if let Some(OriginalUri(uri)) = request.extensions().get() {
            *request.uri_mut() = uri.clone();
        }
        Box::pin(async move {
            let response = protected.around(request, conn, |request| async move {
                let mut request = request.map(native);
                *request.uri_mut() = stripped;
                inner.call(request).await.unwrap_or_else(|never| match never {})
            });
            Ok(response.await.map(native))
        })
    }
}

fn native(body: Crossing<Body>) -> Body {
    match body {
        Crossing::Kept(body) => body,
        Crossing::Core(body) => Body::new(body),
    }
}
