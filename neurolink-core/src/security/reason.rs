use std::fmt;

use crate::{Code, Error};

/// Why credentials were refused, as a class.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum AuthenticationFailure {
    /// There were none, and the route needs a user.
    Missing,
    /// They have not the form of a credential.
    Malformed,
    /// They are nobody's, or their signature or claims are wrong.
    Invalid,
    /// They have ended.
    Expired,
    /// They were revoked.
    Revoked,
    /// Two of one request name different users.
    Conflict,
    /// They were not looked at: the client has failed too often, or the name is locked.
    Throttled,
}

impl AuthenticationFailure {
    /// A name for logs and counters, in lower case.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Missing => "missing",
            Self::Malformed => "malformed",
            Self::Invalid => "invalid",
            Self::Expired => "expired",
            Self::Revoked => "revoked",
            Self::Conflict => "conflict",
            Self::Throttled => "throttled",
        }
    }

    /// The class of an error that refuses credentials: what its source says, or else its code.
    pub(crate) fn of(error: &Error) -> Self {
        match (Refusal::in_source(error), error.code()) {
            (Some(refusal), _) => refusal.class,
            (None, Code::AuthRequired) => Self::Missing,
            (None, Code::TokenExpired) => Self::Expired,
            (None, _) => Self::Invalid,
        }
    }
}

impl fmt::Display for AuthenticationFailure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// The source of an error that refuses credentials, with its class.
#[derive(Clone, Copy, Debug, thiserror::Error)]
#[error("{text}")]
pub(crate) struct Refusal {
    pub(crate) class: AuthenticationFailure,
    pub(crate) text: &'static str,
}

impl Refusal {
    pub(crate) const fn new(class: AuthenticationFailure, text: &'static str) -> Self {
        Self { class, text }
    }

    /// The one that is the source of an error.
    pub(crate) fn in_source(error: &Error) -> Option<&Self> {
        std::error::Error::source(error)?.downcast_ref()
    }
}
