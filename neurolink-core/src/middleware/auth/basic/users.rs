use std::fmt;

use async_trait::async_trait;

use super::PasswordHash;
use crate::{AuthenticatedUser, BoxError};

/// Somebody with a name and a password.
#[derive(Clone)]
pub struct PasswordUser {
    pub(in super::super) name: String,
    pub(in super::super) hash: PasswordHash,
    pub(in super::super) user: AuthenticatedUser,
}

/// The longest name, in bytes.
pub(super) const LONGEST_NAME: usize = 256;

impl PasswordUser {
    /// Checks a name: one that can be sent (RFC 7617, section 2) has 1 to 256 bytes and neither colons nor controls.
    ///
    /// # Errors
    /// Why nobody can send it, and what to write.
    pub fn check_name(name: &str) -> Result<(), String> {
        let fits = (1..=LONGEST_NAME).contains(&name.len());
        if fits && !name.contains(':') && !name.chars().any(char::is_control) {
            return Ok(());
        }
        Err(format!("nobody can send it; write 1 to {LONGEST_NAME} bytes on one line, without a colon"))
    }

    /// A user by the name that is sent, and the hash of the password.
    pub fn new(name: impl Into<String>, hash: PasswordHash, user: AuthenticatedUser) -> Self {
        Self { name: name.into(), hash, user }
    }
}

impl fmt::Debug for PasswordUser {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PasswordUser").field("name", &self.name).field("user", &self.user.id).finish_non_exhaustive()
    }
}

/// Where users with passwords are found, such as a database.
#[async_trait]
pub trait PasswordStore: Send + Sync + 'static {
    /// The user of this name, if there is one.
    ///
    /// # Errors
    /// It could not be asked: the caller gets 503, never 401.
    async fn find(&self, name: &str) -> Result<Option<PasswordUser>, BoxError>;

    /// A hash like those of the users: it is compared for names that nobody has, so that time does not tell them.
    fn decoy(&self) -> PasswordHash;
}

/// Users that are known at start.
pub(super) struct Users(pub(super) Vec<PasswordUser>);

#[async_trait]
impl PasswordStore for Users {
    async fn find(&self, name: &str) -> Result<Option<PasswordUser>, BoxError> {
        Ok(self.0.iter().find(|user| user.name == name).cloned())
    }

    fn decoy(&self) -> PasswordHash {
        self.0.first().map_or_else(PasswordHash::decoy, |user| user.hash.clone())
    }
}
