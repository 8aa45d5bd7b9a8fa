//! Roles for a part of the routes, by scope; a single route says `.roles([..])` itself.
//!
//! ```
//! use neurolink_core::middleware::RequireRoles;
//! use neurolink_core::stack::IntoRegistration as _;
//!
//! let admins = RequireRoles::any(["admin"]).message("Admin access required").only(["/api/admin/*"]);
//! ```

use std::sync::Arc;

use crate::security::{Required, SecurityEventKind};
use crate::stack::{Kind, order};
use crate::{Code, Context, Error, Hook, Response};

/// Refuses users without the roles: 401 without a user, 403 with the wrong one.
#[derive(Clone, Debug)]
pub struct RequireRoles {
    roles: Vec<String>,
    all: bool,
    message: Option<Arc<str>>,
}

impl RequireRoles {
    /// One of these roles is enough.
    #[must_use]
    pub fn any<R: Into<String>>(roles: impl IntoIterator<Item = R>) -> Self {
        Self { roles: roles.into_iter().map(Into::into).collect(), all: false, message: None }
    }

    /// All of these roles are needed.
    #[must_use]
    pub fn all<R: Into<String>>(roles: impl IntoIterator<Item = R>) -> Self {
        Self { all: true, ..Self::any(roles) }
    }

    /// The message of the 403.
    #[must_use]
    pub fn message(mut self, message: impl Into<Arc<str>>) -> Self {
        self.message = Some(message.into());
        self
    }
}

impl Hook for RequireRoles {
    fn name(&self) -> &str {
        "roles"
    }

    fn order(&self) -> i16 {
        order::ROLES
    }

    fn kind(&self) -> Kind {
        Kind::NeedsUser
    }

    fn summary(&self) -> String {
        format!("{} of {}", if self.all { "all" } else { "any" }, self.roles.join(", "))
    }

    fn problems(&self) -> Vec<String> {
        if self.roles.is_empty() { vec!["it names no role; name one, or leave it out".into()] } else { Vec::new() }
    }

    fn before(&self, ctx: &mut Context) -> Option<Response> {
        let error = match ctx.user() {
            None => ctx.authentication_required(),
            Some(user) => {
                let mut roles = self.roles.iter();
                let has = |role: &String| user.has_role(role);
                let mut required = Required::default();
                if self.all {
                    required.all_roles = &self.roles;
                } else {
                    required.any_role = &self.roles;
                }
                if if self.all { roles.all(has) } else { roles.any(has) } {
                    ctx.report_granted(required);
                    return None;
                }
                ctx.report(SecurityEventKind::AccessDenied { required });
                match &self.message {
                    Some(message) => Error::new(Code::Forbidden).with_message(message.to_string()),
                    None => Error::new(Code::Forbidden),
                }
            }
        };
        Some(ctx.fail(error))
    }
}
