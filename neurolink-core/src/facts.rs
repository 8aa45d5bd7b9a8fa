//! Facts about a request that middleware finds out and handlers use.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::HeaderValue;
use serde_json::{Map, Value};

use crate::app::Facts;
use crate::{Error, Response};

/// Who is calling, as an authenticator found out.
///
/// ```
/// use neurolink_core::AuthenticatedUser;
///
/// let user = AuthenticatedUser::new("u1").with_roles(["admin"]);
/// assert!(user.has_role("admin"));
/// ```
#[derive(Clone, PartialEq)]
#[non_exhaustive]
pub struct AuthenticatedUser {
    /// The stable id.
    pub id: String,
    /// The tenant that the id is of; the same id of two tenants is two users.
    pub tenant: Option<String>,
    /// The mail address, if known.
    pub email: Option<String>,
    /// The name for people, if known.
    pub name: Option<String>,
    /// The roles.
    pub roles: Vec<String>,
    /// The permissions.
    pub permissions: Vec<String>,
    /// What else the credential says, such as a key's id.
    pub metadata: Map<String, Value>,
    /// When the credential ends, since the Unix epoch; a stream ends with it. `None` for one without an end.
    pub expires: Option<Duration>,
}

impl AuthenticatedUser {
    /// A user of this id and nothing else.
    pub fn new(id: impl Into<String>) -> Self {
        Self {
            id: id.into(),
            tenant: None,
            email: None,
            name: None,
            roles: Vec::new(),
            permissions: Vec::new(),
            metadata: Map::new(),
            expires: None,
        }
    }

    /// Adds roles.
    #[must_use]
    pub fn with_roles<R: Into<String>>(mut self, roles: impl IntoIterator<Item = R>) -> Self {
        self.roles.extend(roles.into_iter().map(Into::into));
        self
    }

    /// Adds permissions.
    #[must_use]
    pub fn with_permissions<P: Into<String>>(mut self, permissions: impl IntoIterator<Item = P>) -> Self {
        self.permissions.extend(permissions.into_iter().map(Into::into));
        self
    }

    /// Sets the tenant.
    #[must_use]
    pub fn with_tenant(mut self, tenant: impl Into<String>) -> Self {
        self.tenant = Some(tenant.into());
        self
    }

    /// Sets the mail address.
    #[must_use]
    pub fn with_email(mut self, email: impl Into<String>) -> Self {
        self.email = Some(email.into());
        self
    }

    /// Sets when the credential ends, since the Unix epoch.
    #[must_use]
    pub const fn with_expiry(mut self, since_epoch: Duration) -> Self {
        self.expires = Some(since_epoch);
        self
    }

    /// Whether both are the same user of the same tenant.
    #[must_use]
    pub fn is_same(&self, other: &Self) -> bool {
        (&self.tenant, &self.id) == (&other.tenant, &other.id)
    }

    /// Whether the user has this role.
    #[must_use]
    pub fn has_role(&self, role: &str) -> bool {
        self.roles.iter().any(|own| own == role)
    }

    /// Whether the user has this permission.
    #[must_use]
    pub fn has_permission(&self, permission: &str) -> bool {
        self.permissions.iter().any(|own| own == permission)
    }
}

impl fmt::Debug for AuthenticatedUser {
    /// The id and the roles only: mail, name and metadata are personal.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut shown = f.debug_struct("AuthenticatedUser");
        shown.field("id", &self.id).field("tenant", &self.tenant).field("roles", &self.roles).finish_non_exhaustive()
    }
}

/// The id of the request: on every response and in every log line; it is not unique and never a key.
#[derive(Clone, PartialEq, Eq)]
pub struct RequestId(HeaderValue);

impl RequestId {
    /// The longest id that is accepted from a trusted proxy, in bytes.
    pub const LONGEST: usize = 128;

    /// A new random id (UUID version 4).
    #[must_use]
    pub fn random() -> Self {
        let mut text = [0; uuid::fmt::Hyphenated::LENGTH];
        uuid::Uuid::new_v4().hyphenated().encode_lower(&mut text);
        // One allocation, for the id and for all its clones. Hexadecimal digits and hyphens are a valid header value.
        let shared = Bytes::from_owner(text);
        Self(HeaderValue::from_maybe_shared(shared).unwrap_or_else(|_| HeaderValue::from_static("invalid")))
    }

    /// The id that a trusted proxy sent, if it is well-formed: `[A-Za-z0-9._:-]`, at most 128 bytes.
    #[must_use]
    pub fn accept(value: &HeaderValue) -> Option<Self> {
        let bytes = value.as_bytes();
        let valid = !bytes.is_empty()
            && bytes.len() <= Self::LONGEST
            && bytes.iter().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'_' | b':' | b'-'));
        valid.then(|| Self(value.clone()))
    }

    /// The id as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        self.0.to_str().unwrap_or_default()
    }

    /// The id as a header value.
    #[must_use]
    pub const fn header_value(&self) -> &HeaderValue {
        &self.0
    }
}

impl fmt::Debug for RequestId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "RequestId({})", self.as_str())
    }
}

impl fmt::Display for RequestId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// The address of the client: the peer, or what a trusted proxy says.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct ClientAddress(pub std::net::IpAddr);

/// The host's server does not say who is calling.
#[derive(Debug, thiserror::Error)]
#[error(
    "the client's address is not known; serve with the framework's connection info \
     (axum: `into_make_service_with_connect_info::<neurolink_axum::Connection>()`), or by neurolink's own server"
)]
pub(crate) struct NoAddress;

/// A fact that a native handler can ask for.
///
/// ```
/// use neurolink_core::{FromFacts, app::Facts};
///
/// #[derive(Clone)]
/// struct Tenant(String); // a middleware says `ctx.insert(Tenant(..))`
///
/// impl FromFacts for Tenant {
///     const NEEDS: &'static str = "the middleware `tenant`";
///
///     fn from_facts(facts: &Facts) -> Option<Self> {
///         facts.get().cloned()
///     }
/// }
/// ```
pub trait FromFacts: Sized {
    /// What must be registered for the fact to be there, for the log.
    const NEEDS: &'static str;

    /// Takes the fact.
    fn from_facts(facts: &Facts) -> Option<Self>;
}

impl FromFacts for AuthenticatedUser {
    const NEEDS: &'static str = "an authenticator, and a path that is not public";

    fn from_facts(facts: &Facts) -> Option<Self> {
        facts.user.clone()
    }
}

impl FromFacts for RequestId {
    const NEEDS: &'static str = "the stack";

    fn from_facts(facts: &Facts) -> Option<Self> {
        Some(facts.request_id.clone())
    }
}

impl FromFacts for ClientAddress {
    const NEEDS: &'static str = "a server that knows the peer's address";

    fn from_facts(facts: &Facts) -> Option<Self> {
        facts.client_address.map(Self)
    }
}

#[cfg(feature = "rate-limit")]
impl FromFacts for crate::middleware::RateLimitState {
    const NEEDS: &'static str = "a `RateLimit` whose scope covers the path";

    fn from_facts(facts: &Facts) -> Option<Self> {
        facts.get().copied()
    }
}

/// Fires when the client is gone or the deadline has passed before the handler has answered.
impl FromFacts for tokio_util::sync::CancellationToken {
    const NEEDS: &'static str = "the stack";

    fn from_facts(facts: &Facts) -> Option<Self> {
        Some(facts.cancellation())
    }
}

/// A fact of your own, that a middleware added by [`Context::insert`](crate::Context::insert).
///
/// To have the log name the middleware that is missing, implement [`FromFacts`] for your type instead.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Inserted<T>(pub T);

impl<T: Clone + Send + Sync + 'static> FromFacts for Inserted<T> {
    const NEEDS: &'static str = "a middleware that adds it by `Context::insert`, and whose scope covers the path";

    fn from_facts(facts: &Facts) -> Option<Self> {
        facts.get().cloned().map(Self)
    }
}

impl<T: FromFacts> FromFacts for Option<T> {
    const NEEDS: &'static str = "the stack";

    fn from_facts(facts: &Facts) -> Option<Self> {
        Some(T::from_facts(facts))
    }
}

/// A fact out of what the onion left in a native request's extensions; for the extractors of adapters.
///
/// # Errors
/// A 500 whose log line names what is missing, ready to be sent.
pub fn fact<T: FromFacts>(facts: Option<&Arc<Facts>>) -> Result<T, Box<Response>> {
    facts.and_then(|facts| T::from_facts(facts)).ok_or_else(|| {
        let name = std::any::type_name::<T>();
        let needs = if facts.is_some() { T::NEEDS } else { "the stack, around this route" };
        tracing::error!(target: "neurolink::native", "the fact {name} is not there; it needs {needs}");
        Box::new(crate::app::unstamped(&Error::internal(format!("the fact {name} is missing"))))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_well_formed_ids_are_accepted() {
        let accept = |text: &str| RequestId::accept(&HeaderValue::from_str(text).expect("a header value"));
        assert!(accept("req_1-a.b:c").is_some());
        for bad in ["", "a b", "a\"b", "a/b", "<x>", &"x".repeat(129)] {
            assert!(accept(bad).is_none(), "{bad:?}");
        }
    }

    #[test]
    fn debug_shows_no_personal_data() {
        let user = AuthenticatedUser::new("u1").with_email("a@b.example");
        assert!(!format!("{user:?}").contains("a@b.example"));
    }
}
