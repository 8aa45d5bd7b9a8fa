use http_body_util::combinators::BoxBody;
use neurolink_core::app::{Crossing, Protected};
use neurolink_core::{ConfigError, Settings, Stack};
use poem::{Endpoint, Middleware, Request, Response};

use crate::convert;

type PoemBody = BoxBody<bytes::Bytes, std::io::Error>;

/// A middleware of poem that puts the stack around native routes: `route.with(middleware(stack)?)`.
///
/// Wrap the whole route from outside: then its 404 is behind the stack too.
///
/// # Errors
/// All mistakes of the stack at once.
pub fn middleware(stack: Stack) -> Result<Protect, ConfigError> {
    middleware_with(stack, Settings::default())
}

/// [`middleware`] with settings of your own.
///
/// # Errors
/// All mistakes of the stack and the settings at once.
pub fn middleware_with(stack: Stack, settings: Settings) -> Result<Protect, ConfigError> {
    stack.protect(settings).map(Protect)
}

/// What [`middleware`] makes.
#[derive(Clone, Debug)]
pub struct Protect(Protected);

/// Native routes with the stack around them.
#[derive(Debug)]
pub struct Protecting<E> {
    inner: E,
    protected: Protected,
}

impl<E: Endpoint> Middleware<E> for Protect {
    type Output = Protecting<E>;

    fn transform(&self, inner: E) -> Protecting<E> {
        Protecting { inner, protected: self.0.clone() }
    }
}

impl<E: Endpoint> Endpoint for Protecting<E> {
    type Output = Response;

    async fn call(&self, mut request: Request) -> poem::Result<Response> {
        let conn = convert::connection(&request);
        let body = PoemBody::from(request.take_body());
        let head = convert::head(&request, body);
        let response = self.protected.around(head, conn, |head| async {
            let (parts, body) = head.into_parts();
            *request.headers_mut() = parts.headers;
            request.extensions_mut().extend(parts.extensions);
            request.set_body(native(body));
            http::Response::from(self.inner.get_response(request).await).map(PoemBody::from)
        });
        Ok(convert::assemble(response.await.map(native)))
    }
}

fn native(body: Crossing<PoemBody>) -> PoemBody {
    match body {
        Crossing::Kept(body) => body,
        Crossing::Core(body) => convert::boxed(body),
    }
}
