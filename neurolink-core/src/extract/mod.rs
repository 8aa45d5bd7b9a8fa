//! Handlers and what they take: values that a request holds.

mod form;
mod handler;
mod json;
mod text;
mod values;

pub use form::Form;
pub(crate) use handler::ErasedHandler;
pub use handler::{ByContext, ContextFn, Handler};
pub use json::Json;
pub use values::{Params, Path, Query, State};

use std::any::TypeId;

use crate::facts::NoAddress;
use crate::http::Media;
use crate::{AuthenticatedUser, ClientAddress, Context, Error, RequestId};

/// A value that a handler takes as an argument.
///
/// ```
/// use neurolink_core::{Context, Error, FromContext};
///
/// struct Language(String);
///
/// impl FromContext for Language {
///     async fn from_context(ctx: &mut Context) -> Result<Self, Error> {
///         let language = ctx.headers().get("accept-language").and_then(|value| value.to_str().ok());
///         Ok(Self(language.unwrap_or("en").to_owned()))
///     }
/// }
/// ```
pub trait FromContext: Sized + Send {
    /// Takes the value out of the request.
    fn from_context(ctx: &mut Context) -> impl Future<Output = Result<Self, Error>> + Send;

    /// Says what the route must offer for this value; wrong routes are build errors.
    fn needs(needs: &mut Needs) {
        let _ = needs;
    }
}

/// What the arguments of a handler need from its route and its app.
#[derive(Debug, Default)]
#[non_exhaustive]
pub struct Needs {
    pub(crate) bodies: usize,
    /// An argument follows the one that takes the body.
    pub(crate) after_body: bool,
    pub(crate) params: bool,
    pub(crate) media: Option<Media>,
    /// Takes the context itself: it may read the body, and nobody can tell.
    pub(crate) context: bool,
    pub(crate) user: bool,
    pub(crate) states: Vec<(TypeId, &'static str)>,
}

impl Needs {
    /// The value takes the body; only the last argument may.
    pub const fn body(&mut self) {
        self.bodies += 1;
    }

    /// The value takes a JSON body: another content type is refused with 415 before the first byte is read.
    pub const fn json_body(&mut self) {
        self.body();
        self.media = Some(Media::Json);
    }

    /// The value takes a form: another content type is refused with 415 before the first byte is read.
    pub const fn form_body(&mut self) {
        self.body();
        self.media = Some(Media::Form);
    }

    /// The value is made of the path's parameters.
    pub const fn params(&mut self) {
        self.params = true;
    }

    /// Adds what the next argument of a handler needs.
    pub(crate) fn argument<T: FromContext>(&mut self) {
        self.after_body |= self.bodies > 0;
        T::needs(self);
    }

    /// The value exists only for authenticated callers.
    pub const fn user(&mut self) {
        self.user = true;
    }

    /// The value is a registered state.
    pub fn state<T: 'static>(&mut self) {
        self.states.push((TypeId::of::<T>(), std::any::type_name::<T>()));
    }
}

impl FromContext for AuthenticatedUser {
    async fn from_context(ctx: &mut Context) -> Result<Self, Error> {
        ctx.user().cloned().ok_or_else(|| Error::new(crate::Code::AuthRequired))
    }

    fn needs(needs: &mut Needs) {
        needs.user();
    }
}

impl FromContext for Option<AuthenticatedUser> {
    async fn from_context(ctx: &mut Context) -> Result<Self, Error> {
        Ok(ctx.user().cloned())
    }
}

impl FromContext for RequestId {
    async fn from_context(ctx: &mut Context) -> Result<Self, Error> {
        Ok(ctx.request_id().clone())
    }
}

impl FromContext for ClientAddress {
    async fn from_context(ctx: &mut Context) -> Result<Self, Error> {
        ctx.client_address().map(Self).ok_or_else(|| Error::internal(NoAddress))
    }
}

impl FromContext for Option<ClientAddress> {
    async fn from_context(ctx: &mut Context) -> Result<Self, Error> {
        Ok(ctx.client_address().map(ClientAddress))
    }
}

impl FromContext for http::HeaderMap {
    async fn from_context(ctx: &mut Context) -> Result<Self, Error> {
        Ok(ctx.headers().clone())
    }
}

impl FromContext for http::Method {
    async fn from_context(ctx: &mut Context) -> Result<Self, Error> {
        Ok(ctx.method().clone())
    }
}

impl FromContext for crate::engine::Call {
    async fn from_context(ctx: &mut Context) -> Result<Self, Error> {
        Ok(ctx.call())
    }
}

impl FromContext for std::sync::Arc<dyn crate::Engine> {
    async fn from_context(ctx: &mut Context) -> Result<Self, Error> {
        Ok(std::sync::Arc::clone(ctx.engine()))
    }
}

/// The whole body, up to the route's limit.
impl FromContext for bytes::Bytes {
    async fn from_context(ctx: &mut Context) -> Result<Self, Error> {
        ctx.read_body().await
    }

    fn needs(needs: &mut Needs) {
        needs.body();
    }
}

/// The body as it comes, in its content coding; whoever reads it keeps the limit.
impl FromContext for crate::Body {
    async fn from_context(ctx: &mut Context) -> Result<Self, Error> {
        ctx.take_body()
    }

    fn needs(needs: &mut Needs) {
        needs.body();
    }
}
