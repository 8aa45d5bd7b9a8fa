use neurolink_core::middleware::{PasswordHash, PasswordUser};
use secrecy::{ExposeSecret as _, SecretString};
use serde::Serialize;

use super::auth::user;
use crate::reader::{Section, text};
use crate::secrets::PASSWORD_HASH;
use crate::{checks, show};

/// Somebody with a name and a password, for Basic authentication.
#[derive(Clone, Debug, Serialize)]
#[non_exhaustive]
pub struct PasswordConfig {
    /// The name that is sent.
    pub name: String,
    /// The hash of the password: argon2id, or bcrypt where it was hashed elsewhere.
    #[serde(serialize_with = "show::secret")]
    pub hash: SecretString,
    /// The user's id.
    pub user: String,
    /// The user's roles.
    pub roles: Vec<String>,
}

impl PasswordConfig {
    /// A name and a hash of a user without roles.
    pub fn new(name: impl Into<String>, hash: impl Into<SecretString>, user: impl Into<String>) -> Self {
        Self { name: name.into(), hash: hash.into(), user: user.into(), roles: Vec::new() }
    }

    pub(super) fn read(mut section: Section<'_>) -> Option<Self> {
        let given = section.given(&["hash", "hash_file"]);
        let hash = section.secret("hash", "hash_file", PASSWORD_HASH);
        if given.is_empty() {
            section.missing("hash", "it is missing; write the hash of the password, or `hash_file` with its path");
        }
        let hash = hash.filter(|hash| match PasswordHash::parse(hash.expose_secret()) {
            Ok(_) => true,
            Err(problem) => {
                section.missing("hash", &problem);
                false
            }
        });
        let mut name = None;
        match section.take("name") {
            None => {
                section.missing("name", "it is missing; write what is sent before the colon, such as `name = \"ada\"`");
            }
            Some(entry) => match text(&entry.value).and_then(|name| PasswordUser::check_name(&name).map(|()| name)) {
                Ok(text) => name = Some(text),
                Err(problem) => section.wrong("name", &entry, problem),
            },
        }
        let user = user(&mut section);
        let mut roles = Vec::new();
        section.list("roles", &mut roles, checks::anything);
        section.finish();
        Some(Self { name: name?, hash: hash?, user: user?, roles })
    }
}
