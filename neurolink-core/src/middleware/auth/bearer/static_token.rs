use std::fmt;
use std::sync::Arc;

use super::super::entropy::check_secret;
use super::super::secret::Hashed;
use crate::AuthenticatedUser;

/// A token that is configured, with its user; only its hash is kept.
#[derive(Clone)]
pub struct StaticToken {
    pub(super) hashed: Hashed,
    /// Why it is no token, in words that follow "the token".
    pub(super) weak: Option<String>,
    pub(super) user: Arc<AuthenticatedUser>,
}

impl StaticToken {
    /// A token that nobody guesses, as [`check_secret`](crate::middleware::check_secret) tells.
    #[must_use]
    pub fn new(token: impl AsRef<str>, user: AuthenticatedUser) -> Self {
        let token = token.as_ref();
        Self { hashed: Hashed::new(token.as_bytes()), weak: check_secret(token).err(), user: Arc::new(user) }
    }
}

impl fmt::Debug for StaticToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("StaticToken").field("user", &self.user.id).finish_non_exhaustive()
    }
}
