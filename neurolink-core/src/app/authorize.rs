//! The decision of the route table: who may call a route.

use http::header;

use super::route::Access;
use crate::stack::{Kind, order};
use crate::{Code, Context, Error, Hook, Response};

pub(crate) const NAME: &str = "authorization";

/// Stands behind the authenticators of a route that is not public.
pub(crate) struct Authorize {
    pub(crate) access: Access,
    pub(crate) roles: Vec<String>,
    pub(crate) permissions: Vec<String>,
}

impl Authorize {
    fn refuse(&self, ctx: &mut Context) -> Option<Error> {
        let Some(user) = ctx.user() else {
            if self.access == Access::Optional {
                return None;
            }
            return Some(ctx.authentication_required());
        };
        let role = self.roles.is_empty() || self.roles.iter().any(|role| user.has_role(role));
        let permission = self.permissions.iter().all(|permission| user.has_permission(permission));
        if role && permission {
            return None;
        }
        tracing::info!(
            target: "neurolink::security",
            request_id = %ctx.request_id(),
            user = %user.id,
            route = ctx.matched().unwrap_or_default(),
            "authorisation refused"
        );
        Some(Error::new(Code::Forbidden))
    }
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
        if !self.roles.is_empty() {
            parts.push(format!("any role of {}", self.roles.join(", ")));
        }
        if !self.permissions.is_empty() {
            parts.push(format!("all permissions of {}", self.permissions.join(", ")));
        }
        parts.join("; ")
    }

    fn before(&self, ctx: &mut Context) -> Option<Response> {
        let error = self.refuse(ctx)?;
        Some(ctx.fail(error))
    }
}

impl Context {
    /// The 401 of a caller without credentials: it names every scheme that would be accepted.
    pub(crate) fn authentication_required(&self) -> Error {
        let mut error = Error::new(Code::AuthRequired);
        for challenge in self.challenges() {
            error = error.with_header(header::WWW_AUTHENTICATE, challenge.clone());
        }
        match self.authentication_message() {
            Some(message) => error.with_message(message.to_owned()),
            None => error,
        }
    }
}
