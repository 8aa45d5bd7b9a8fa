use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::json;

use super::super::external::External;
use super::authenticator::STORE_BUDGET;
use super::{ApiKeyHash, ApiKeyStore, StoredApiKey};
use crate::security::{Reporter, SecurityEventKind};
use crate::{Code, Error};

/// The random bytes of a key: 256 bits, 43 characters.
const BYTES: usize = 32;
/// What a key begins with, so that people and scanners of repositories know it when they see it.
const PREFIX: &str = "nl_";
const LONGEST_PREFIX: usize = 16;
/// Days until a key ends.
const USUAL_DAYS: u32 = 30;
const MOST_DAYS: u32 = 365;
const DAY: u64 = 24 * 60 * 60;
/// Characters of a name, and of a user, a role or a permission.
const LONGEST_NAME: usize = 100;
const LONGEST_TEXT: usize = 256;
/// Roles and permissions of a key, each.
const MOST_TEXTS: usize = 64;

/// An API key that is to be issued: whose it is, what it may do, and for how long.
///
/// ```
/// use neurolink_core::middleware::NewApiKey;
///
/// let key = NewApiKey::new("alice").name("reports").roles(["reader"]).expires_in_days(90).rate_limit(100);
/// ```
#[derive(Clone, Debug)]
#[must_use]
pub struct NewApiKey {
    user: String,
    tenant: Option<String>,
    name: Option<String>,
    roles: Vec<String>,
    permissions: Vec<String>,
    days: Option<u32>,
    rate_limit: Option<u32>,
}

impl NewApiKey {
    /// A key of the user with this id: for 30 days, without roles.
    pub fn new(user: impl Into<String>) -> Self {
        Self {
            user: user.into(),
            tenant: None,
            name: None,
            roles: Vec::new(),
            permissions: Vec::new(),
            days: Some(USUAL_DAYS),
            rate_limit: None,
        }
    }

    /// Says which tenant the user is of.
    pub fn tenant(mut self, tenant: impl Into<String>) -> Self {
        self.tenant = Some(tenant.into());
        self
    }

    /// Says what it is for, in 100 characters at most.
    pub fn name(mut self, name: impl Into<String>) -> Self {
        self.name = Some(name.into());
        self
    }

    /// Its scopes: the roles that its user has with it, at most 64.
    pub fn roles<R: Into<String>>(mut self, roles: impl IntoIterator<Item = R>) -> Self {
        self.roles.extend(roles.into_iter().map(Into::into));
        self
    }

    /// The permissions that its user has with it, at most 64.
    pub fn permissions<P: Into<String>>(mut self, permissions: impl IntoIterator<Item = P>) -> Self {
        self.permissions.extend(permissions.into_iter().map(Into::into));
        self
    }

    /// Ends after so many days, 1 to 365.
    pub const fn expires_in_days(mut self, days: u32) -> Self {
        self.days = Some(days);
        self
    }

    /// Has no end but its revocation.
    pub const fn never_expires(mut self) -> Self {
        self.days = None;
        self
    }

    /// How many requests it has in the window of a limit that counts by API key, instead of that limit's number.
    pub const fn rate_limit(mut self, requests: u32) -> Self {
        self.rate_limit = Some(requests);
        self
    }

    /// Makes a key that begins with `prefix`, and keeps nothing of it; `now` is the time since the Unix epoch.
    ///
    /// What is to be kept is [`IssuedApiKey::stored`]; [`ApiKeyIssuer`] does that too.
    ///
    /// # Errors
    /// 400 `VALIDATION_ERROR` for what cannot be issued, with all mistakes as `details`; 500 without random numbers.
    pub fn make(self, prefix: &str, now: Duration) -> Result<IssuedApiKey, Error> {
        check_prefix(prefix).map_err(Error::bad_request)?;
        let mistakes = self.mistakes();
        if !mistakes.is_empty() {
            let details = mistakes.into_iter().map(|(field, message)| json!({ "field": field, "message": message }));
            return Err(Error::new(Code::ValidationError).with_details(details.collect()));
        }
        // As records have it.
        let now = Duration::from_millis(u64::try_from(now.as_millis()).unwrap_or(u64::MAX));
        let mut random = [0_u8; BYTES];
        getrandom::fill(&mut random).map_err(|error| Error::internal(error.to_string()))?;
        let key = format!("{prefix}{}", URL_SAFE_NO_PAD.encode(random));
        let mut stored = StoredApiKey::new(ApiKeyHash::of(&key), self.user);
        (stored.name, stored.roles, stored.permissions) = (self.name, self.roles, self.permissions);
        stored.tenant = self.tenant;
        (stored.created, stored.rate_limit) = (now, self.rate_limit);
        stored.expires = self.days.map(|days| now.saturating_add(Duration::from_secs(u64::from(days) * DAY)));
        Ok(IssuedApiKey { key, stored })
    }

    fn mistakes(&self) -> Vec<(&'static str, String)> {
        let mut mistakes = Vec::new();
        let plain = |text: &str, longest: usize| {
            (1..=longest).contains(&text.chars().count())
                && !text.trim().is_empty()
                && !text.chars().any(char::is_control)
        };
        if !plain(&self.user, LONGEST_TEXT) {
            mistakes.push(("user", format!("write 1 to {LONGEST_TEXT} characters on one line")));
        }
        if self.tenant.as_ref().is_some_and(|tenant| !plain(tenant, LONGEST_TEXT)) {
            mistakes.push(("tenant", format!("write 1 to {LONGEST_TEXT} characters on one line")));
        }
        if self.name.as_ref().is_some_and(|name| !plain(name, LONGEST_NAME)) {
            mistakes.push(("name", format!("write 1 to {LONGEST_NAME} characters on one line")));
        }
        for (field, texts) in [("roles", &self.roles), ("permissions", &self.permissions)] {
            if texts.len() > MOST_TEXTS || texts.iter().any(|text| !plain(text, LONGEST_TEXT)) {
                mistakes.push((field, format!("write at most {MOST_TEXTS}, each of 1 to {LONGEST_TEXT} characters")));
            }
        }
        if self.days.is_some_and(|days| !(1..=MOST_DAYS).contains(&days)) {
            mistakes.push(("expiresInDays", format!("write 1 to {MOST_DAYS} days")));
        }
        if self.rate_limit == Some(0) {
            mistakes.push(("rateLimit", "a limit of 0 refuses every request; write at least 1".into()));
        }
        mistakes
    }
}

fn check_prefix(prefix: &str) -> Result<(), String> {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_');
    if prefix.len() <= LONGEST_PREFIX && prefix.bytes().all(plain) {
        return Ok(());
    }
    Err(format!(
        "the prefix of keys has at most {LONGEST_PREFIX} letters, digits, `-` and `_`; write for example `nl_`"
    ))
}

/// A key that was just made: the only time that it can be seen.
pub struct IssuedApiKey {
    key: String,
    stored: StoredApiKey,
}

impl IssuedApiKey {
    /// The key itself, to be shown once: whoever loses it needs another.
    #[must_use]
    pub fn into_key(self) -> String {
        self.key
    }

    /// What is kept of it.
    #[must_use]
    pub const fn stored(&self) -> &StoredApiKey {
        &self.stored
    }

    /// What names it for its revocation.
    #[must_use]
    pub fn id(&self) -> String {
        self.stored.id()
    }
}

impl fmt::Debug for IssuedApiKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("IssuedApiKey").field("stored", &self.stored).finish_non_exhaustive()
    }
}

/// Issues API keys into a store and revokes them; a cheap handle to clone.
///
/// ```
/// # use neurolink_core::{Context, Error, Json};
/// # use neurolink_core::middleware::{ApiKeyIssuer, NewApiKey};
/// # use serde_json::{Value, json};
/// // A handler for administrators.
/// async fn issue(issuer: &ApiKeyIssuer, ctx: &Context) -> Result<Json<Value>, Error> {
///     let issuer = issuer.reporting_to(ctx.reporter());
///     let issued = issuer.issue(NewApiKey::new("alice").roles(["reader"]), ctx.now()).await?;
///     let id = issued.id();
///     Ok(Json(json!({ "id": id, "key": issued.into_key() })))
/// }
/// ```
#[derive(Clone)]
pub struct ApiKeyIssuer {
    store: Arc<dyn ApiKeyStore>,
    external: External,
    prefix: Arc<str>,
    reporter: Option<Reporter>,
}

impl ApiKeyIssuer {
    /// Issues into this store, keys that begin with `nl_`.
    #[must_use]
    pub fn new(store: impl ApiKeyStore) -> Self {
        Self { store: Arc::new(store), external: External::new(STORE_BUDGET), prefix: PREFIX.into(), reporter: None }
    }

    /// What keys begin with: at most 16 letters, digits, `-` and `_`.
    ///
    /// # Errors
    /// It is something else.
    pub fn prefix(mut self, prefix: &str) -> Result<Self, String> {
        check_prefix(prefix)?;
        self.prefix = prefix.into();
        Ok(self)
    }

    /// Reports each key that is issued or revoked: in a handler by [`Context::reporter`](crate::Context::reporter).
    ///
    /// ```
    /// # use neurolink_core::{Context, Error};
    /// # use neurolink_core::middleware::ApiKeyIssuer;
    /// async fn revoke(issuer: &ApiKeyIssuer, ctx: &Context, id: &str) -> Result<bool, Error> {
    ///     issuer.reporting_to(ctx.reporter()).revoke(id).await
    /// }
    /// ```
    #[must_use]
    pub fn reporting_to(&self, reporter: Reporter) -> Self {
        Self { reporter: Some(reporter), ..self.clone() }
    }

    fn report(&self, event: SecurityEventKind<'_>) {
        if let Some(reporter) = &self.reporter {
            reporter.report(event);
        }
    }

    /// Makes a key and keeps it; `now` is the time since the Unix epoch, [`Context::now`](crate::Context::now) in a
    /// handler.
    ///
    /// # Errors
    /// Those of [`NewApiKey::make`]; 503 if the store does not take it within 1 s.
    pub async fn issue(&self, key: NewApiKey, now: Duration) -> Result<IssuedApiKey, Error> {
        let issued = key.make(&self.prefix, now)?;
        self.external.ask(self.store.insert(issued.stored.clone(), now)).await?;
        self.report(SecurityEventKind::KeyIssued { key: issued.id().into(), owner: (&*issued.stored.user).into() });
        Ok(issued)
    }

    /// Revokes the key of this id; `false` if there is none.
    ///
    /// # Errors
    /// 503 if the store does not answer within 1 s; the key may still count then.
    pub async fn revoke(&self, id: &str) -> Result<bool, Error> {
        let known = self.external.ask(self.store.revoke(id)).await?;
        if known {
            self.report(SecurityEventKind::KeyRevoked { key: id.into() });
        }
        Ok(known)
    }
}

impl fmt::Debug for ApiKeyIssuer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ApiKeyIssuer").field("prefix", &self.prefix).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::super::MemoryApiKeys;
    use super::*;

    const NOW: Duration = Duration::from_secs(1_700_000_000);

    // Shows S1-53.
    #[test]
    fn a_key_is_43_characters_of_256_random_bits_that_only_its_maker_sees() {
        let mut seen = HashSet::new();
        for _ in 0..1000 {
            let issued = NewApiKey::new("alice").make("", NOW).expect("valid");
            let (shown, kept) = (format!("{issued:?}"), serde_json::to_string(issued.stored()).expect("JSON"));
            let key = issued.into_key();
            assert_eq!(key.len(), 43);
            assert!(key.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_')), "{key}");
            assert!(!shown.contains(&key) && !kept.contains(&key), "{shown} {kept}");
            assert!(seen.insert(key), "twice");
        }
    }

    // Shows S1-49.
    #[test]
    fn a_key_is_for_1_to_365_days_and_30_unless_told() {
        let ends =
            |key: NewApiKey| key.make("nl_", NOW).expect("valid").stored.expires.map(|end| (end - NOW).as_secs() / DAY);
        let key = || NewApiKey::new("alice");
        assert_eq!(
            (ends(key()), ends(key().expires_in_days(1)), ends(key().expires_in_days(365))),
            (Some(30), Some(1), Some(365))
        );
        assert_eq!(ends(key().never_expires()), None);
        for days in [0, 366, u32::MAX] {
            let error = key().expires_in_days(days).make("nl_", NOW).expect_err("too short or too long");
            assert_eq!((error.status().as_u16(), error.code()), (400, Code::ValidationError));
        }
    }

    #[test]
    fn all_mistakes_are_told_at_once() {
        let wrong = NewApiKey::new(" ").name("n".repeat(101)).roles(["a\nb"]).permissions(vec!["p"; 65]).rate_limit(0);
        let error = wrong.expires_in_days(0).make("nl_", NOW).expect_err("mistakes");
        let details = error.details().and_then(|details| details.as_array()).expect("a list");
        let fields: Vec<_> = details.iter().filter_map(|mistake| mistake["field"].as_str()).collect();
        assert_eq!(fields, ["user", "name", "roles", "permissions", "expiresInDays", "rateLimit"]);
        let right = NewApiKey::new("ü".repeat(256)).name("n".repeat(100)).permissions(vec!["p"; 64]).rate_limit(1);
        assert!(right.make("nl_", NOW).is_ok());
    }

    #[tokio::test]
    async fn keys_have_their_prefix_and_one_that_cannot_be_sent_is_refused() {
        let issuer = || ApiKeyIssuer::new(MemoryApiKeys::new(10));
        let of =
            async |issuer: ApiKeyIssuer| issuer.issue(NewApiKey::new("alice"), NOW).await.expect("room").into_key();
        assert!(of(issuer()).await.starts_with("nl_"));
        assert!(of(issuer().prefix("acme-live_").expect("valid")).await.starts_with("acme-live_"));
        for wrong in ["a b", "é", "0123456789abcdefg", "a\r\n"] {
            assert!(issuer().prefix(wrong).is_err(), "{wrong:?}");
            assert_eq!(NewApiKey::new("alice").make(wrong, NOW).expect_err("no prefix").status().as_u16(), 400);
        }
    }

    #[tokio::test]
    async fn a_store_that_is_full_is_503_and_the_key_is_none() {
        let issuer = ApiKeyIssuer::new(MemoryApiKeys::new(0));
        let error = issuer.issue(NewApiKey::new("alice"), NOW).await.expect_err("full");
        assert_eq!((error.status().as_u16(), error.message()), (503, Code::Unavailable.message()));
    }
}
