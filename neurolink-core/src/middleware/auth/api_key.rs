use std::collections::HashSet;
use std::fmt;
use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

use async_trait::async_trait;
use http::{HeaderName, HeaderValue};

use super::failures::FailureLimit;
use super::secret::{self, Hashed};
use crate::http::reserved;
use crate::security::{AuthenticationFailure, Refusal};
use crate::stack::{Kind, Next, order};
use crate::{AuthenticatedUser, Code, Context, Error, Middleware, Response};

/// A key with its user; only its hash is kept.
#[derive(Clone)]
pub struct ApiKey {
    hashed: Hashed,
    bytes: usize,
    id: String,
    user: AuthenticatedUser,
    expires: Option<Duration>,
}

impl ApiKey {
    /// A key of at least 16 bytes; its id is the user's unless told.
    #[must_use]
    pub fn new(key: impl AsRef<str>, user: AuthenticatedUser) -> Self {
        let key = key.as_ref();
        Self { hashed: Hashed::new(key.as_bytes()), bytes: key.len(), id: user.id.clone(), user, expires: None }
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
}

impl fmt::Debug for ApiKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ApiKey").field("id", &self.id).field("user", &self.user.id).finish_non_exhaustive()
    }
}

/// The keys of an [`ApiKeyAuth`], to revoke them while it runs; a cheap handle to clone.
#[derive(Clone, Debug, Default)]
pub struct ApiKeys {
    keys: Arc<[ApiKey]>,
    revoked: Arc<RwLock<HashSet<String>>>,
}

impl ApiKeys {
    /// Revokes the keys of this id from the next request on; streams end within 30 s. `false` if there is none.
    pub fn revoke(&self, id: &str) -> bool {
        let known = self.keys.iter().any(|key| key.id == id);
        if known {
            self.revoked.write().unwrap_or_else(PoisonError::into_inner).insert(id.to_owned());
        }
        known
    }

    fn is_revoked(&self, id: &str) -> bool {
        self.revoked.read().unwrap_or_else(PoisonError::into_inner).contains(id)
    }

    fn user(&self, presented: &str, now: Duration) -> Result<(AuthenticatedUser, Hashed), Refusal> {
        let presented = Hashed::new(presented.as_bytes());
        let key = secret::find(self.keys.iter(), &presented, |key| &key.hashed)
            .ok_or(Refusal::new(AuthenticationFailure::Invalid, "the key is not known"))?;
        if self.is_revoked(&key.id) {
            return Err(Refusal::new(AuthenticationFailure::Revoked, "the key is revoked"));
        }
        if key.expires.is_some_and(|expires| now >= expires) {
            return Err(Refusal::new(AuthenticationFailure::Expired, "the key has expired"));
        }
        let mut user = key.user.clone();
        user.metadata.insert("keyId".into(), key.id.clone().into());
        user.expires = user.expires.into_iter().chain(key.expires).min();
        Ok((user, presented))
    }
}

/// Authenticates by a key in a header, `X-API-Key` unless told.
///
/// ```
/// use neurolink_core::{AuthenticatedUser, Stack};
/// use neurolink_core::middleware::{ApiKey, ApiKeyAuth};
///
/// let auth = ApiKeyAuth::keys([ApiKey::new("a-key-of-at-least-16-bytes", AuthenticatedUser::new("k1"))]);
/// let keys = auth.handle(); // keys.revoke("k1")
/// let stack = Stack::builder().with(auth).build()?;
/// # Ok::<(), neurolink_core::ConfigError>(())
/// ```
#[derive(Clone)]
pub struct ApiKeyAuth {
    keys: ApiKeys,
    header: Result<HeaderName, String>,
    challenge: HeaderValue,
    failures: FailureLimit,
    message: Option<Arc<str>>,
}

impl ApiKeyAuth {
    /// Accepts these keys.
    #[must_use]
    pub fn keys(keys: impl IntoIterator<Item = ApiKey>) -> Self {
        let keys = ApiKeys { keys: keys.into_iter().collect(), ..ApiKeys::default() };
        Self {
            keys,
            header: Ok(HeaderName::from_static("x-api-key")),
            challenge: HeaderValue::from_static("ApiKey realm=\"neurolink\", header=\"x-api-key\""),
            failures: FailureLimit::default(),
            message: None,
        }
    }

    /// The header that holds the key.
    #[must_use]
    pub fn header(mut self, name: &str) -> Self {
        let parsed = name.parse::<HeaderName>();
        let parsed =
            parsed.map_err(|_| format!("`{}` is no header name; write for example `x-api-key`", name.escape_default()));
        self.header = parsed.and_then(|header| reserved::request(&header).map(|()| header));
        if let Ok(header) = &self.header
            && let Ok(challenge) = HeaderValue::from_str(&format!("ApiKey realm=\"neurolink\", header=\"{header}\""))
        {
            self.challenge = challenge;
        }
        self
    }

    /// The keys, to revoke them while it runs.
    #[must_use]
    pub fn handle(&self) -> ApiKeys {
        self.keys.clone()
    }

    /// How many failures a client address may have, in how long: 30 in a minute unless told.
    #[must_use]
    pub fn failure_limit(mut self, failures: u32, window: Duration) -> Self {
        self.failures.set(Some((failures, window)));
        self
    }

    /// Lets clients fail as often as they like.
    #[must_use]
    pub fn no_failure_limit(mut self) -> Self {
        self.failures.set(None);
        self
    }

    /// The message of the 401 for callers without credentials.
    #[must_use]
    pub fn message(mut self, message: impl Into<Arc<str>>) -> Self {
        self.message = Some(message.into());
        self
    }
}

#[async_trait]
impl Middleware for ApiKeyAuth {
    fn name(&self) -> &str {
        "api-key-auth"
    }

    fn order(&self) -> i16 {
        order::AUTH
    }

    fn kind(&self) -> Kind {
        Kind::Authenticator
    }

    fn summary(&self) -> String {
        let keys = match self.keys.keys.len() {
            1 => "1 key".into(),
            many => format!("{many} keys"),
        };
        let header = self.header.as_ref().map_or("-", HeaderName::as_str);
        format!("{keys} in {header}; {}", self.failures.summary())
    }

    fn challenge(&self) -> Option<HeaderValue> {
        Some(self.challenge.clone())
    }

    fn credential_header(&self) -> Option<HeaderName> {
        self.header.as_ref().ok().cloned()
    }

    fn problems(&self) -> Vec<String> {
        let mut problems: Vec<String> = self.failures.problem().into_iter().collect();
        problems.extend(self.header.as_ref().err().cloned());
        if self.keys.keys.is_empty() {
            problems.push("it has no key, so that nobody could come in; give one".into());
        }
        for (index, key) in self.keys.keys.iter().enumerate() {
            if key.bytes < secret::SHORTEST {
                problems.push(format!(
                    "the key `{}` has {} bytes; at least {} are needed, for example of `openssl rand -hex 32`",
                    key.id,
                    key.bytes,
                    secret::SHORTEST
                ));
            }
            if self.keys.keys[..index].iter().any(|other| other.hashed.is(&key.hashed)) {
                problems.push(format!("the key `{}` is there twice; give each user a key of their own", key.id));
            }
        }
        problems
    }

    async fn handle(&self, ctx: &mut Context, next: Next<'_>) -> Result<Response, Error> {
        if let Some(message) = &self.message {
            ctx.set_authentication_message(message);
        }
        let Ok(header) = &self.header else {
            return Err(Error::internal("the header of the API key has no valid name"));
        };
        if let Some(value) = ctx.headers().get(header) {
            let attempt = self.failures.attempt(ctx)?;
            let key = value.to_str().map_err(|_| Refusal::new(AuthenticationFailure::Malformed, "the key is no text"));
            let user = key.and_then(|key| self.keys.user(key, ctx.now()));
            match user {
                Ok((user, hashed)) => {
                    drop(attempt);
                    if let Some(id) = user.metadata.get("keyId").and_then(serde_json::Value::as_str) {
                        let (keys, id) = (self.keys.clone(), id.to_owned());
                        ctx.keep_authority(move || !keys.is_revoked(&id));
                    }
                    ctx.authenticate(user)?;
                    ctx.accept_api_key(hashed.short());
                }
                Err(reason) => {
                    let error = Error::new(Code::AuthInvalid).with_source(reason);
                    return Err(attempt.refused(ctx, error, reason.text, self.challenge.clone()));
                }
            }
        }
        Ok(next.run(ctx).await)
    }
}

impl fmt::Debug for ApiKeyAuth {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ApiKeyAuth({})", self.summary())
    }
}
