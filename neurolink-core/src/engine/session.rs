//! Whose conversation, and which.

use std::fmt;

use super::Call;
use crate::Error;

/// The longest id of a session that a user may choose, in bytes.
const LONGEST: usize = 128;

/// What a conversation is kept under: the tenant, the user, and the id that the user gave it.
///
/// The id alone is never a key: two users who choose the same have two conversations.
/// An anonymous caller has nothing but the id, so it is one of 128 random bits that a server made
/// ([`anonymous`](Self::anonymous)); whoever keeps conversations knows those that it has begun, and no other.
///
/// ```
/// use neurolink_core::engine::SessionKey;
///
/// let mine = SessionKey::of_user(None, "u1", "notes")?;
/// assert_ne!(mine, SessionKey::of_user(None, "u2", "notes")?);
/// assert_ne!(mine, SessionKey::of_user(Some("acme"), "u1", "notes")?);
/// # Ok::<(), neurolink_core::engine::InvalidSessionId>(())
/// ```
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct SessionKey {
    tenant: Option<String>,
    user: Option<String>,
    id: String,
}

/// A text that cannot be the id of a session.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a session id has 1 to {LONGEST} bytes and no control characters")]
pub struct InvalidSessionId;

impl SessionKey {
    /// A user's session: the id may be anything of 1 to 128 bytes without control characters.
    ///
    /// # Errors
    /// The id is something else.
    pub fn of_user(tenant: Option<&str>, user: &str, id: &str) -> Result<Self, InvalidSessionId> {
        let valid = (1..=LONGEST).contains(&id.len()) && !id.chars().any(char::is_control);
        let own = || Self { tenant: tenant.map(Into::into), user: Some(user.into()), id: id.into() };
        valid.then(own).ok_or(InvalidSessionId)
    }

    /// A new session of somebody who is not known.
    ///
    /// # Errors
    /// The system has no random numbers.
    pub fn anonymous() -> Result<Self, Error> {
        let mut random = [0_u8; 16];
        getrandom::fill(&mut random).map_err(|error| Error::internal(error.to_string()))?;
        Ok(Self { tenant: None, user: None, id: format!("{:032x}", u128::from_be_bytes(random)) })
    }

    /// A session of somebody who is not known and says its id, which has the form of those that servers make.
    #[must_use]
    pub fn of_anonymous(id: &str) -> Option<Self> {
        let valid = id.len() == 32 && id.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'));
        valid.then(|| Self { tenant: None, user: None, id: id.into() })
    }

    /// The tenant of the user.
    #[must_use]
    pub fn tenant(&self) -> Option<&str> {
        self.tenant.as_deref()
    }

    /// The user; none for an anonymous caller, who can have no list of sessions.
    #[must_use]
    pub fn user(&self) -> Option<&str> {
        self.user.as_deref()
    }

    /// The id: of an anonymous caller it is a secret.
    #[must_use]
    pub fn id(&self) -> &str {
        &self.id
    }
}

impl fmt::Debug for SessionKey {
    /// Without the id of an anonymous caller's, which is all that one needs to read the conversation.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let id = if self.user.is_some() { &*self.id } else { "[hidden]" };
        f.debug_struct("SessionKey").field("tenant", &self.tenant).field("user", &self.user).field("id", &id).finish()
    }
}

impl Call {
    /// The key of the session that a caller asks for: the authenticated user's, whatever the caller says beside the id.
    ///
    /// An anonymous caller has a session only by an id that a server makes: what else one says is no session.
    ///
    /// # Errors
    /// The id is none.
    pub fn session(&self, id: &str) -> Result<Option<SessionKey>, InvalidSessionId> {
        match &self.user_id {
            Some(user) => SessionKey::of_user(self.tenant.as_deref(), user, id).map(Some),
            None => Ok(SessionKey::of_anonymous(id)),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    fn call(tenant: Option<&str>, user: Option<&str>) -> Call {
        Call { tenant: tenant.map(Into::into), user_id: user.map(Into::into), ..Call::default() }
    }

    fn session(call: &Call, id: &str) -> SessionKey {
        call.session(id).expect("valid").expect("a session")
    }

    #[test]
    fn one_id_is_another_session_for_each_user_and_tenant() {
        let callers = [(None, "a"), (None, "b"), (Some("t"), "a"), (Some("t"), "b"), (Some("u"), "a"), (Some(""), "a")];
        let keys: HashSet<_> = callers.iter().map(|(tenant, user)| session(&call(*tenant, Some(user)), "s")).collect();
        assert_eq!(keys.len(), callers.len());
        assert_eq!(session(&call(None, Some("a")), "s").id(), "s");
    }

    #[test]
    fn an_anonymous_caller_cannot_choose_an_id() {
        let nobody = call(None, None);
        for id in ["s", "", "victim", &"F".repeat(32), &"0".repeat(33), &"0".repeat(31)] {
            assert_eq!(nobody.session(id), Ok(None), "{id}");
        }
        let (one, other) = (SessionKey::anonymous().expect("random"), SessionKey::anonymous().expect("random"));
        assert_ne!(one, other);
        assert_eq!((one.id().len(), one.user(), one.tenant()), (32, None, None));
        assert_eq!(session(&nobody, one.id()), one);
        assert_ne!(session(&call(None, Some("u")), one.id()), one, "a user who has the id has another session");
    }

    #[test]
    fn the_id_of_an_anonymous_session_is_not_shown() {
        let key = SessionKey::anonymous().expect("random");
        assert!(!format!("{key:?}").contains(key.id()));
    }

    #[test]
    fn an_id_is_bounded() {
        let user = call(None, Some("u"));
        assert!(user.session(&"x".repeat(128)).is_ok());
        for id in ["", &"x".repeat(129), "a\nb", "a\0b"] {
            assert_eq!(user.session(id), Err(InvalidSessionId), "{id:?}");
        }
    }
}
