//! An engine and an authenticator for tests.

use http::{HeaderValue, header};
use neurolink_core::engine::{Call, EventStream, Generate, Generation, StreamEvent};
use neurolink_core::stack::{Kind, order};
use neurolink_core::{AuthenticatedUser, Code, Context, Engine, Error, Hook, Middleware, Next, Response};

/// Says back what it hears.
pub(crate) struct Quiet;

#[async_trait::async_trait]
impl Engine for Quiet {
    fn name(&self) -> &str {
        "quiet"
    }

    async fn generate(&self, request: Generate, _call: &Call) -> Result<Generation, Error> {
        Ok(Generation::new(request.input.text, "quiet", "quiet-1"))
    }

    async fn stream(&self, _request: Generate, _call: &Call) -> Result<EventStream, Error> {
        Ok(Box::pin(futures_util::stream::iter([Ok(StreamEvent::text("hi"))])))
    }
}

/// Accepts `Authorization: <user>` for any user but `bad`.
pub(crate) struct Auth;

#[async_trait::async_trait]
impl Middleware for Auth {
    fn name(&self) -> &str {
        "auth"
    }

    fn order(&self) -> i16 {
        order::AUTH
    }

    fn kind(&self) -> Kind {
        Kind::Authenticator
    }

    async fn handle(&self, ctx: &mut Context, next: Next<'_>) -> Result<Response, Error> {
        ctx.challenge(HeaderValue::from_static("Test"));
        if let Some(user) = ctx.headers().get(header::AUTHORIZATION) {
            match user.to_str() {
                Ok("bad") | Err(_) => return Err(Error::new(Code::AuthInvalid)),
                Ok(user) => {
                    let user = AuthenticatedUser::new(user).with_roles([user]);
                    ctx.authenticate(user)?;
                }
            }
        }
        Ok(next.run(ctx).await)
    }
}

/// Marks the responses that pass it: `x-mark: 1`.
pub(crate) struct Mark;

impl Hook for Mark {
    fn name(&self) -> &str {
        "mark"
    }

    fn after(&self, _: &Context, response: &mut Response) {
        response.headers_mut().insert("x-mark", HeaderValue::from_static("1"));
    }
}
