use std::borrow::Cow;
use std::net::IpAddr;
use std::time::Duration;

use super::{AuthenticationFailure, Required};
use crate::RequestId;

/// A decision about who may do what; an [`Observer`](crate::app::Observer) gets each, once.
///
/// Texts hold no control characters (they are escaped, and so is `\`) and at most 200 bytes, behind which `..` stands.
/// No event holds a token, a key, a password, or a name that nobody has proved to be theirs.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct SecurityEvent<'a> {
    /// What was decided.
    pub kind: SecurityEventKind<'a>,
    /// When, since the Unix epoch.
    pub time: Duration,
    /// The id that this server made for the request, if it was in one.
    pub request_id: Option<&'a RequestId>,
    /// The address of the client.
    pub client: Option<IpAddr>,
    /// The id of the authenticated user.
    pub subject: Option<Cow<'a, str>>,
    /// The tenant of that user, as the credential has it.
    pub tenant: Option<Cow<'a, str>>,
    /// The pattern of the route; a host's own routes have none.
    pub route: Option<&'a str>,
    /// The canonical path, without the query.
    pub path: Option<Cow<'a, str>>,
    /// The method.
    pub method: Option<Cow<'a, str>>,
}

/// What was decided.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum SecurityEventKind<'a> {
    /// A request was refused for its credentials.
    AuthenticationFailed {
        /// Why, as a class.
        reason: AuthenticationFailure,
        /// Why, in a few words for people; it may be empty.
        detail: Cow<'a, str>,
    },
    /// A user was refused.
    AccessDenied {
        /// What was asked for.
        required: Required<'a>,
    },
    /// Something was asked for beyond being a user, and was met; what stands behind may still refuse.
    AccessGranted {
        /// What was asked for.
        required: Required<'a>,
    },
    /// A name has failed so often that it is locked from now on: everywhere, or where the client is.
    LockoutBegan {
        /// The user whose name it is; none for a name that nobody has.
        user: Option<Cow<'a, str>>,
    },
    /// Who had to decide could not be asked, so the request was refused.
    Unavailable {
        /// Who: the middleware's name, or the policy's.
        decider: Cow<'a, str>,
    },
    /// An API key was made.
    KeyIssued {
        /// The id of the key.
        key: Cow<'a, str>,
        /// The user that it is of.
        owner: Cow<'a, str>,
    },
    /// An API key was revoked.
    KeyRevoked {
        /// The id of the key.
        key: Cow<'a, str>,
    },
    /// All refresh tokens of one sign-in were revoked.
    FamilyRevoked {
        /// The id of the family.
        family: Cow<'a, str>,
        /// The user that it was of; empty where the user is gone or has another password.
        owner: Cow<'a, str>,
        /// Why, in a few words.
        reason: Cow<'a, str>,
    },
}

impl SecurityEventKind<'_> {
    /// A name for logs and counters: lower case, with `_`.
    #[must_use]
    pub const fn name(&self) -> &'static str {
        match self {
            Self::AuthenticationFailed { .. } => "authentication_failed",
            Self::AccessDenied { .. } => "access_denied",
            Self::AccessGranted { .. } => "access_granted",
            Self::LockoutBegan { .. } => "lockout_began",
            Self::Unavailable { .. } => "unavailable",
            Self::KeyIssued { .. } => "key_issued",
            Self::KeyRevoked { .. } => "key_revoked",
            Self::FamilyRevoked { .. } => "family_revoked",
        }
    }
}
