use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use super::super::entropy::check_secret;
use super::ApiKeyHash;
use super::stored::{EXPIRED, UNKNOWN, describe};
use crate::AuthenticatedUser;
use crate::security::{AuthenticationFailure, Refusal, Reporter, SecurityEventKind};

/// A key that is configured, with its user; only its hash is kept.
#[derive(Clone)]
pub struct ApiKey {
    hash: ApiKeyHash,
    /// Why it is no key, in words that follow "the key".
    weak: Option<String>,
    id: String,
    user: AuthenticatedUser,
    expires: Option<Duration>,
    rate_limit: Option<u32>,
}

impl ApiKey {
    /// A key that nobody guesses, as [`check_secret`](crate::middleware::check_secret) tells; its id is the user's unless told.
    #[must_use]
    pub fn new(key: impl AsRef<str>, user: AuthenticatedUser) -> Self {
        let key = key.as_ref();
        Self { weak: check_secret(key).err(), ..Self::hashed(ApiKeyHash::of(key), user) }
    }

    /// A key by its hash, so that the key itself stands nowhere.
    ///
    /// Whether it can be guessed cannot be seen from its hash: take that of a key that was issued.
    #[must_use]
    pub fn hashed(hash: ApiKeyHash, user: AuthenticatedUser) -> Self {
        Self { hash, weak: None, id: user.id.clone(), user, expires: None, rate_limit: None }
    }

    /// Names the key, for revocation and logs.
    #[must_use]
    pub fn id(mut self, id: impl Into<String>) -> Self {
        self.id = id.into();
        self
    }

    /// When the key ends, since the Unix epoch.
    #[must_use]
    pub const fn expires_at(mut self, since_epoch: Duration) -> Self {
        self.expires = Some(since_epoch);
        self
    }

    /// How many requests it has in the window of a limit that counts by API key, instead of that limit's number.
    #[must_use]
    pub const fn rate_limit(mut self, requests: u32) -> Self {
        self.rate_limit = Some(requests);
        self
    }
}

impl fmt::Debug for ApiKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ApiKey").field("id", &self.id).field("user", &self.user.id).finish_non_exhaustive()
    }
}

/// The configured keys of an [`ApiKeyAuth`](super::ApiKeyAuth), to revoke them while it runs; a cheap handle to clone.
#[derive(Clone, Debug, Default)]
pub struct ApiKeys {
    entries: Arc<[Entry]>,
    reporter: Option<Reporter>,
}

/// A key, and whether it was revoked: a flag of its own, so that requests share nothing that is written.
#[derive(Debug)]
struct Entry {
    key: ApiKey,
    revoked: AtomicBool,
}

impl ApiKeys {
    pub(super) fn of(keys: impl IntoIterator<Item = ApiKey>) -> Self {
        let entries = keys.into_iter().map(|key| Entry { key, revoked: AtomicBool::new(false) }).collect();
        Self { entries, reporter: None }
    }

    pub(super) fn len(&self) -> usize {
        self.entries.len()
    }

    /// Reports each id that is revoked: in a handler by [`Context::reporter`](crate::Context::reporter), elsewhere by
    /// [`App::reporter`](crate::App::reporter).
    ///
    /// ```
    /// # use neurolink_core::Context;
    /// # use neurolink_core::middleware::ApiKeys;
    /// fn revoke(keys: &ApiKeys, ctx: &Context, id: &str) -> bool {
    ///     keys.reporting_to(ctx.reporter()).revoke(id)
    /// }
    /// ```
    #[must_use]
    pub fn reporting_to(&self, reporter: Reporter) -> Self {
        Self { reporter: Some(reporter), ..self.clone() }
    }

    /// Revokes the keys of this id from the next request on; streams end within 30 s. `false` if there is none.
    pub fn revoke(&self, id: &str) -> bool {
        let (mut known, mut counted) = (false, false);
        for entry in self.entries.iter().filter(|entry| entry.key.id == id) {
            counted |= !entry.revoked.swap(true, Ordering::AcqRel);
            known = true;
        }
        if let Some(reporter) = self.reporter.as_ref().filter(|_| counted) {
            reporter.report(SecurityEventKind::KeyRevoked { key: id.into() });
        }
        known
    }

    /// The place of the key of this hash.
    pub(super) fn find(&self, presented: &ApiKeyHash) -> Option<usize> {
        let mut found = None;
        // All are compared, so that the time does not tell which.
        for (index, entry) in self.entries.iter().enumerate() {
            if entry.key.hash == *presented {
                found = Some(index);
            }
        }
        found
    }

    /// Whether the key at this place still counts.
    pub(super) fn is_good(&self, index: usize) -> bool {
        self.entries.get(index).is_some_and(|entry| !entry.revoked.load(Ordering::Acquire))
    }

    /// The user of the key at this place, and the limit of the key.
    pub(super) fn user(&self, index: usize, now: Duration) -> Result<(AuthenticatedUser, Option<u32>), Refusal> {
        let Entry { key, .. } = self.entries.get(index).ok_or(UNKNOWN)?;
        if !self.is_good(index) {
            return Err(Refusal::new(AuthenticationFailure::Revoked, "the key is revoked"));
        }
        if key.expires.is_some_and(|expires| now >= expires) {
            return Err(EXPIRED);
        }
        let mut user = key.user.clone();
        describe(&mut user, key.id.clone(), key.rate_limit);
        user.expires = user.expires.into_iter().chain(key.expires).min();
        Ok((user, key.rate_limit))
    }

    pub(super) fn problems(&self) -> Vec<String> {
        let mut problems = Vec::new();
        for (index, Entry { key, .. }) in self.entries.iter().enumerate() {
            if let Some(weak) = &key.weak {
                problems.push(format!("the key `{}` {weak}", key.id));
            }
            if key.rate_limit == Some(0) {
                problems.push(format!("the key `{}` has a limit of 0, which refuses every request; give more", key.id));
            }
            if key.user.id.is_empty() {
                problems.push("a key has a user without an id; name the user".into());
            }
            if self.entries[..index].iter().any(|other| other.key.hash == key.hash) {
                problems.push(format!("the key `{}` is there twice; give each user a key of their own", key.id));
            }
        }
        problems
    }
}
