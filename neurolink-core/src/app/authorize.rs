//! The decision of the route table: who may call a route.

use http::{StatusCode, header};

use super::requirement::Requirement;
use super::route::Access;
use crate::security::{AuthenticationFailure, Refusal, SecurityEventKind};
use crate::stack::{Kind, Scoped, order};
use crate::{Code, Context, Error, Hook, Response};

pub(crate) const NAME: &str = "authorization";

const NO_SCHEME: Refusal =
    Refusal::new(AuthenticationFailure::Malformed, "the scheme of Authorization is no authenticator's");

/// Stands behind the authenticators of a route that is not public.
pub(crate) struct Authorize {
    pub(crate) access: Access,
    /// Its group's and its own.
    pub(crate) required: Vec<Requirement>,
}

impl Authorize {
    fn refuse(&self, ctx: &Context) -> Option<Error> {
        if is_of_no_scheme(ctx) {
            // Such credentials do not make their sender anonymous.
            return Some(Error::new(Code::AuthInvalid).with_source(NO_SCHEME));
        }
        let Some(user) = ctx.user() else {
            if self.access == Access::Optional {
                return None;
            }
            return Some(ctx.authentication_required());
        };
        if let Some(unmet) = self.required.iter().find(|requirement| !requirement.is_met_by(user)) {
            ctx.report(SecurityEventKind::AccessDenied { required: unmet.as_required() });
            return Some(Error::new(Code::Forbidden));
        }
        self.required.iter().for_each(|requirement| ctx.report_granted(requirement.as_required()));
        None
    }
}

/// Whether the request has an `Authorization` header that authenticators read and none claimed.
fn is_of_no_scheme(ctx: &Context) -> bool {
    let reads =
        |member: &Scoped| member.middleware.credential_header() == Some(header::AUTHORIZATION) && member.applies(ctx);
    !ctx.is_authorization_claimed()
        && ctx.headers().contains_key(header::AUTHORIZATION)
        && ctx.target().members.iter().any(reads)
}

impl Hook for Authorize {
    fn name(&self) -> &str {
        NAME
    }

    fn order(&self) -> i16 {
        order::ROLES
    }

    fn kind(&self) -> Kind {
        Kind::NeedsUser
    }

    fn summary(&self) -> String {
        let mut parts = vec![match self.access {
            Access::Optional => "user optional".to_owned(),
            _ => "user".to_owned(),
        }];
        parts.extend(self.required.iter().map(|requirement| requirement.as_required().to_string()));
        parts.join("; ")
    }

    fn before(&self, ctx: &mut Context) -> Option<Response> {
        let error = self.refuse(ctx)?;
        Some(ctx.fail(error))
    }
}

impl Context {
    /// The 401 of a caller without credentials.
    pub(crate) fn authentication_required(&self) -> Error {
        let error = Error::new(Code::AuthRequired);
        match self.authentication_message() {
            Some(message) => error.with_message(message.to_owned()),
            None => error,
        }
    }
}

/// Gives a 401 of ours the challenges of all authenticators that stand in front, whichever refused.
pub(crate) fn add_challenges(ctx: &Context, response: &mut Response) {
    if response.status() != StatusCode::UNAUTHORIZED || response.body().error().is_none() {
        return;
    }
    let members = ctx.target().members.iter().filter(|member| member.applies(ctx));
    let fixed = members.filter_map(|member| member.middleware.challenge());
    for challenge in fixed.chain(ctx.challenges().iter().cloned()) {
        let mut lines = response.headers().get_all(header::WWW_AUTHENTICATE).iter();
        // The one that refused has said it already, with its reason behind it.
        if !lines.any(|line| line.as_bytes().starts_with(challenge.as_bytes())) {
            response.headers_mut().append(header::WWW_AUTHENTICATE, challenge);
        }
    }
}

/// Reports a 401 that whoever made it has not reported: of credentials, or of none on a path that is there.
///
/// Strangers who look for paths that are not there are no news.
pub(crate) fn report_refusal(ctx: &Context, error: &Error) {
    let is_there = ctx.matched().is_some() || ctx.is_native();
    let is_refusal = match error.code() {
        Code::AuthRequired => is_there,
        code => matches!(code, Code::AuthInvalid | Code::TokenExpired),
    };
    if is_refusal {
        let detail = Refusal::in_source(error).map_or("", |refusal| refusal.text).into();
        ctx.report(SecurityEventKind::AuthenticationFailed { reason: AuthenticationFailure::of(error), detail });
    }
}
