//! What the core knows of a request and its app, and the body as bytes.

use super::{FromContext, Needs};
use crate::facts::NoAddress;
use crate::{AuthenticatedUser, ClientAddress, Code, Context, Error, RequestId};

impl FromContext for AuthenticatedUser {
    async fn from_context(ctx: &mut Context) -> Result<Self, Error> {
        ctx.user().cloned().ok_or_else(|| Error::new(Code::AuthRequired))
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

/// The body as it comes: out of its content coding where that is allowed, else in it; whoever reads it keeps the limit.
impl FromContext for crate::Body {
    async fn from_context(ctx: &mut Context) -> Result<Self, Error> {
        ctx.take_body()
    }

    fn needs(needs: &mut Needs) {
        needs.body();
    }
}
