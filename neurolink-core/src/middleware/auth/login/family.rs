use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use sha2::{Digest as _, Sha256};
use subtle::ConstantTimeEq as _;

/// What a login is stored under: a code of its user's name, and a hash of its own id.
///
/// It is no secret: access tokens carry it as `sid`, and no refresh token is made of it.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct FamilyId {
    user: [u8; 16],
    family: [u8; 16],
}

impl FamilyId {
    /// Of a user's code and the id that only tokens carry.
    pub(super) fn new(user: [u8; 16], secret: &[u8; 16]) -> Self {
        let hash = Sha256::new().chain_update(b"neurolink family\0").chain_update(secret).finalize();
        let mut family = [0; 16];
        family.copy_from_slice(&hash[..16]);
        Self { user, family }
    }

    /// Whose login it is: the same for all logins of a user, and not the name.
    #[must_use]
    pub const fn user(&self) -> &[u8; 16] {
        &self.user
    }

    /// Which of the user's logins it is.
    #[must_use]
    pub const fn family(&self) -> &[u8; 16] {
        &self.family
    }

    /// Another login of the same user, of which a store knows this.
    #[must_use]
    pub const fn sibling(&self, family: [u8; 16]) -> Self {
        Self { user: self.user, family }
    }

    /// As the claim `sid` has it.
    pub(super) fn text(&self) -> String {
        URL_SAFE_NO_PAD.encode([self.user, self.family].concat())
    }

    /// Of the claim `sid`.
    pub(super) fn parse(text: &str) -> Option<Self> {
        let bytes: [u8; 32] = URL_SAFE_NO_PAD.decode(text).ok()?.try_into().ok()?;
        let (mut user, mut family) = ([0; 16], [0; 16]);
        user.copy_from_slice(&bytes[..16]);
        family.copy_from_slice(&bytes[16..]);
        Some(Self { user, family })
    }
}

impl fmt::Debug for FamilyId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "FamilyId({})", self.text())
    }
}

/// The SHA-256 of a refresh token: all that a store has of it.
#[derive(Clone, Copy)]
pub struct TokenHash([u8; 32]);

impl TokenHash {
    pub(super) fn of(token: &[u8]) -> Self {
        Self(Sha256::digest(token).into())
    }

    /// Its bytes.
    #[must_use]
    pub const fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }
}

impl PartialEq for TokenHash {
    /// Takes the same time for every answer.
    fn eq(&self, other: &Self) -> bool {
        self.0.ct_eq(&other.0).into()
    }
}

impl Eq for TokenHash {}

impl fmt::Debug for TokenHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("TokenHash(..)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_text_of_an_id_is_of_that_id_alone() {
        let id = FamilyId::new([1; 16], &[2; 16]);
        assert_eq!(FamilyId::parse(&id.text()), Some(id));
        assert_ne!(id, FamilyId::new([1; 16], &[3; 16]));
        assert_ne!(id.family(), &[2; 16], "what tokens carry is not stored");
        for text in ["", "AA", "!", &"A".repeat(44), &format!("{}=", id.text())] {
            assert_eq!(FamilyId::parse(text), None, "{text}");
        }
    }
}
