use async_trait::async_trait;
use http::{HeaderName, HeaderValue};

use super::{Next, order};
use crate::{Context, Error, Response};

/// Which bodies a middleware reads; a native adapter bridges only what the stack asks for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum BodyAccess {
    /// Heads only.
    #[default]
    None,
    /// The request's body.
    Request,
    /// The response's body.
    Response,
    /// Both bodies.
    Both,
}

/// What a middleware is to the rest of the stack.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Kind {
    /// Nothing special.
    #[default]
    Other,
    /// Finds out who is calling: from then on a route that does not say otherwise needs a user,
    /// and it does not run on public routes.
    Authenticator,
    /// Needs to know who is calling: it must stand behind every authenticator of its routes, and does not run on public ones.
    NeedsUser,
    /// Goes by who is calling if that is known: it must stand behind every authenticator of its routes, and runs on public ones too.
    UsesUser,
    /// As `UsesUser`, and does without where nothing finds out who is calling.
    PrefersUser,
}

/// One layer of the onion around a handler.
///
/// ```
/// use neurolink_core::{Context, Error, Middleware, Next, Response};
///
/// struct Tagged;
///
/// #[async_trait::async_trait]
/// impl Middleware for Tagged {
///     fn name(&self) -> &str { "tagged" }
///
///     async fn handle(&self, ctx: &mut Context, next: Next<'_>) -> Result<Response, Error> {
///         let mut response = next.run(ctx).await;
///         response.headers_mut().insert("x-tag", http::HeaderValue::from_static("1"));
///         Ok(response)
///     }
/// }
/// ```
#[async_trait]
pub trait Middleware: Send + Sync + 'static {
    /// The name in the plan and in logs; a stack has each name once.
    fn name(&self) -> &str;

    /// Where it stands; see [`order`].
    fn order(&self) -> i16 {
        order::APP
    }

    /// Which bodies it reads.
    ///
    /// Before authorisation a middleware that does not say that it reads the request's body cannot, and one that does
    /// gets 64 KiB at most.
    fn body(&self) -> BodyAccess {
        BodyAccess::None
    }

    /// Whether [`body`](Self::body) has been decided by whoever wrote it: a function that has not said it may not stand
    /// around a host's own routes.
    #[doc(hidden)]
    fn says_body(&self) -> bool {
        true
    }

    /// What it is to the rest of the stack.
    fn kind(&self) -> Kind {
        Kind::Other
    }

    /// A few words for the plan, such as `100 in 60 s by address`; never a secret.
    fn summary(&self) -> String {
        String::new()
    }

    /// What is wrong with its own settings, each with its fix; `build()` reports all.
    fn problems(&self) -> Vec<String> {
        Vec::new()
    }

    /// Whether it leaves health probes alone unless its scope names their paths; limits do.
    fn spares_probes(&self) -> bool {
        false
    }

    /// What a 401 says it would accept, as a value of `WWW-Authenticate`; for authenticators.
    fn challenge(&self) -> Option<HeaderValue> {
        None
    }

    /// The header that holds its credential: more than one line of it is a 400; for authenticators.
    ///
    /// One that names `Authorization` says [`Context::claim_authorization`] when the scheme is its own;
    /// credentials of a scheme that is nobody's are a 401.
    fn credential_header(&self) -> Option<HeaderName> {
        None
    }

    /// Whether it knows this origin as one that may send state-changing requests; CORS does.
    #[doc(hidden)]
    fn trusts_origin(&self, origin: &str) -> bool {
        let _ = origin;
        false
    }

    /// This middleware as a rate limit, when it is one: those of one place decide together.
    #[cfg(feature = "rate-limit")]
    #[doc(hidden)]
    fn as_rate_limit(&self) -> Option<&crate::middleware::RateLimit> {
        None
    }

    /// Answers the request, by itself or by running `next`.
    ///
    /// # Errors
    /// An error becomes its response here, so the layers outside always see a response.
    async fn handle(&self, ctx: &mut Context, next: Next<'_>) -> Result<Response, Error>;

    /// This middleware as a hook, when it is one; neighbours that are hooks run as one step without a future.
    #[doc(hidden)]
    fn as_hook(&self) -> Option<&dyn Hook> {
        None
    }
}

/// A middleware that needs no future: a step before, a step after.
///
/// Every hook is a [`Middleware`].
///
/// ```
/// use neurolink_core::{Context, Hook, Response};
///
/// struct Served;
///
/// impl Hook for Served {
///     fn name(&self) -> &str { "served" }
///     fn after(&self, _ctx: &Context, response: &mut Response) {
///         response.headers_mut().insert("x-served", http::HeaderValue::from_static("yes"));
///     }
/// }
/// ```
pub trait Hook: Send + Sync + 'static {
    /// The name in the plan and in logs; a stack has each name once.
    fn name(&self) -> &str;

    /// Where it stands; see [`order`].
    fn order(&self) -> i16 {
        order::APP
    }

    /// What it is to the rest of the stack.
    fn kind(&self) -> Kind {
        Kind::Other
    }

    /// A few words for the plan; never a secret.
    fn summary(&self) -> String {
        String::new()
    }

    /// What is wrong with its own settings, each with its fix.
    fn problems(&self) -> Vec<String> {
        Vec::new()
    }

    /// Whether it leaves health probes alone unless its scope names their paths; limits do.
    fn spares_probes(&self) -> bool {
        false
    }

    /// What a 401 says it would accept, as a value of `WWW-Authenticate`; for authenticators.
    fn challenge(&self) -> Option<HeaderValue> {
        None
    }

    /// The header that holds its credential: more than one line of it is a 400; for authenticators.
    ///
    /// One that names `Authorization` says [`Context::claim_authorization`] when the scheme is its own;
    /// credentials of a scheme that is nobody's are a 401.
    fn credential_header(&self) -> Option<HeaderName> {
        None
    }

    /// Whether it knows this origin as one that may send state-changing requests; CORS does.
    #[doc(hidden)]
    fn trusts_origin(&self, origin: &str) -> bool {
        let _ = origin;
        false
    }

    /// This middleware as a rate limit, when it is one: those of one place decide together.
    #[cfg(feature = "rate-limit")]
    #[doc(hidden)]
    fn as_rate_limit(&self) -> Option<&crate::middleware::RateLimit> {
        None
    }

    /// Runs on the way in; a response given here is the answer, and nothing further inside runs.
    fn before(&self, ctx: &mut Context) -> Option<Response> {
        let _ = ctx;
        None
    }

    /// Runs on the way out, if `before` let the request pass.
    fn after(&self, ctx: &Context, response: &mut Response) {
        let _ = (ctx, response);
    }
}

#[async_trait]
impl<H: Hook> Middleware for H {
    fn name(&self) -> &str {
        Hook::name(self)
    }

    fn order(&self) -> i16 {
        Hook::order(self)
    }

    fn kind(&self) -> Kind {
        Hook::kind(self)
    }

    fn summary(&self) -> String {
        Hook::summary(self)
    }

    fn problems(&self) -> Vec<String> {
        Hook::problems(self)
    }

    fn spares_probes(&self) -> bool {
        Hook::spares_probes(self)
    }

    fn challenge(&self) -> Option<HeaderValue> {
        Hook::challenge(self)
    }

    fn credential_header(&self) -> Option<HeaderName> {
        Hook::credential_header(self)
    }

    fn trusts_origin(&self, origin: &str) -> bool {
        Hook::trusts_origin(self, origin)
    }

    #[cfg(feature = "rate-limit")]
    fn as_rate_limit(&self) -> Option<&crate::middleware::RateLimit> {
        Hook::as_rate_limit(self)
    }

    async fn handle(&self, ctx: &mut Context, next: Next<'_>) -> Result<Response, Error> {
        if let Some(response) = self.before(ctx) {
            return Ok(response);
        }
        let mut response = next.run(ctx).await;
        self.after(ctx, &mut response);
        Ok(response)
    }

    fn as_hook(&self) -> Option<&dyn Hook> {
        Some(self)
    }
}
