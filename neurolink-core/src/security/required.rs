use std::fmt;

/// What was asked of a user beside being one.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Required<'a> {
    /// One of these roles.
    pub any_role: &'a [String],
    /// All of these roles.
    pub all_roles: &'a [String],
    /// One of these permissions.
    pub any_permission: &'a [String],
    /// All of these permissions.
    pub all_permissions: &'a [String],
    /// What this policy asks for.
    pub policy: Option<&'a str>,
}

impl fmt::Display for Required<'_> {
    /// `any role of a, b; policy p`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let lists = [
            ("any role of", self.any_role),
            ("all roles of", self.all_roles),
            ("any permission of", self.any_permission),
            ("all permissions of", self.all_permissions),
        ];
        let mut first = true;
        for (what, names) in lists.into_iter().filter(|(_, names)| !names.is_empty()) {
            let separator = if std::mem::take(&mut first) { "" } else { "; " };
            write!(f, "{separator}{what} {}", names.join(", "))?;
        }
        if let Some(policy) = self.policy {
            write!(f, "{}policy {policy}", if first { "" } else { "; " })?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_reads_as_a_line() {
        let names = |names: &[&str]| names.iter().map(ToString::to_string).collect::<Vec<_>>();
        let (roles, permissions) = (names(&["a", "b"]), names(&["read"]));
        let required = Required { any_role: &roles, all_permissions: &permissions, ..Required::default() };
        assert_eq!(required.to_string(), "any role of a, b; all permissions of read");
        assert_eq!(Required { policy: Some("owner"), ..Required::default() }.to_string(), "policy owner");
        assert_eq!(Required { policy: Some("owner"), ..required }.to_string(), format!("{required}; policy owner"));
    }
}
