//! What a route, or its group, asks of a user.

use crate::AuthenticatedUser;
use crate::security::Required;

/// Roles and permissions; all of them apply.
#[derive(Clone, Debug, Default)]
pub(crate) struct Requirement {
    pub(crate) any_role: Vec<String>,
    pub(crate) all_roles: Vec<String>,
    pub(crate) any_permission: Vec<String>,
    pub(crate) all_permissions: Vec<String>,
}

impl Requirement {
    pub(crate) fn is_empty(&self) -> bool {
        self.as_required() == Required::default()
    }

    pub(crate) fn is_met_by(&self, user: &AuthenticatedUser) -> bool {
        let (role, permission) =
            (|role: &String| user.has_role(role), |permission: &String| user.has_permission(permission));
        (self.any_role.is_empty() || self.any_role.iter().any(role))
            && self.all_roles.iter().all(role)
            && (self.any_permission.is_empty() || self.any_permission.iter().any(permission))
            && self.all_permissions.iter().all(permission)
    }

    pub(crate) fn as_required(&self) -> Required<'_> {
        Required {
            any_role: &self.any_role,
            all_roles: &self.all_roles,
            any_permission: &self.any_permission,
            all_permissions: &self.all_permissions,
            policy: None,
        }
    }
}

/// Adds names to a list of a requirement.
pub(super) fn add<N: Into<String>>(list: &mut Vec<String>, names: impl IntoIterator<Item = N>) {
    list.extend(names.into_iter().map(Into::into));
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(names: &str) -> Vec<String> {
        names.split_whitespace().map(Into::into).collect()
    }

    #[test]
    fn any_takes_one_and_all_takes_each() {
        let met = |requirement: &Requirement, roles: &str, permissions: &str| {
            let user = AuthenticatedUser::new("u").with_roles(names(roles)).with_permissions(names(permissions));
            requirement.is_met_by(&user)
        };
        let any = Requirement { any_role: names("a b"), ..Requirement::default() };
        assert!(met(&any, "b", "") && !met(&any, "c", "a b"));
        let all = Requirement { all_roles: names("a b"), ..Requirement::default() };
        assert!(met(&all, "b a", "") && !met(&all, "a", "b"));
        let any = Requirement { any_permission: names("a b"), ..Requirement::default() };
        assert!(met(&any, "", "b") && !met(&any, "a b", "c"));
        let all = Requirement { all_permissions: names("a b"), ..Requirement::default() };
        assert!(met(&all, "", "b a") && !met(&all, "b", "a"));
        let both = Requirement { any_role: names("a"), all_permissions: names("b"), ..Requirement::default() };
        assert!(met(&both, "a", "b") && !met(&both, "a", "") && !met(&both, "", "b"));
    }
}
