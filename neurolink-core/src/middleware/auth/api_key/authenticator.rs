use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use http::{HeaderName, HeaderValue};

use super::super::external::{self, External};
use super::super::failures::FailureLimit;
use super::super::recent::Recent;
use super::stored::UNKNOWN;
use super::{ApiKey, ApiKeyHash, ApiKeyStore, ApiKeys};
use crate::http::reserved;
use crate::security::{AuthenticationFailure, Refusal};
use crate::stack::{Kind, Next, order};
use crate::{AuthenticatedUser, Code, Context, Error, Middleware, Response};

/// How long a store has to answer.
pub(super) const STORE_BUDGET: Duration = Duration::from_secs(1);

const NO_TEXT: Refusal = Refusal::new(AuthenticationFailure::Malformed, "the key is no text");

/// Authenticates by a key in a header, `X-API-Key` unless told.
///
/// ```
/// use neurolink_core::{AuthenticatedUser, Stack};
/// use neurolink_core::middleware::{ApiKey, ApiKeyAuth};
///
/// let auth = ApiKeyAuth::keys([ApiKey::new("a-key-of-at-least-128-bits", AuthenticatedUser::new("k1"))]);
/// let keys = auth.handle(); // keys.revoke("k1")
/// let stack = Stack::builder().with(auth).build()?;
/// # Ok::<(), neurolink_core::ConfigError>(())
/// ```
#[derive(Clone)]
pub struct ApiKeyAuth {
    keys: ApiKeys,
    store: Option<Arc<Asked>>,
    header: Result<HeaderName, String>,
    challenge: HeaderValue,
    failures: FailureLimit,
    message: Option<Arc<str>>,
}

/// A store that is asked.
struct Asked {
    keys: Box<dyn ApiKeyStore>,
    external: External,
    recent: Recent,
}

impl ApiKeyAuth {
    /// Accepts these keys.
    #[must_use]
    pub fn keys(keys: impl IntoIterator<Item = ApiKey>) -> Self {
        Self::of(ApiKeys::of(keys), None)
    }

    /// Accepts the keys of a store: those that an [`ApiKeyIssuer`](super::ApiKeyIssuer) has issued into it.
    #[must_use]
    pub fn store(store: impl ApiKeyStore) -> Self {
        Self::keys([]).or_store(store)
    }

    /// Accepts the keys of a store too; it is asked for keys that are not configured.
    #[must_use]
    pub fn or_store(mut self, store: impl ApiKeyStore) -> Self {
        let (keys, external) = (Box::new(store), External::new(STORE_BUDGET));
        self.store = Some(Arc::new(Asked { keys, external, recent: Recent::default() }));
        self
    }

    fn of(keys: ApiKeys, store: Option<Arc<Asked>>) -> Self {
        Self {
            keys,
            store,
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

    /// The configured keys, to revoke them while it runs.
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

impl ApiKeyAuth {
    /// Judges a configured key, by its place, or what is none.
    fn at_once(&self, ctx: &mut Context, key: Result<(ApiKeyHash, usize), Refusal>) -> Result<(), Error> {
        let attempt = self.failures.attempt(ctx)?;
        let judged = key.and_then(|(hash, place)| Ok((hash, place, self.keys.user(place, ctx.now())?)));
        match judged {
            Ok((hash, place, (user, rate_limit))) => {
                drop(attempt);
                let keys = self.keys.clone();
                ctx.keep_authority(move || keys.is_good(place));
                enter(ctx, user, &hash, rate_limit)
            }
            Err(reason) => Err(attempt.refused(ctx, invalid(reason), reason.text, self.challenge.clone())),
        }
    }

    /// Judges a key that the store may know.
    async fn of_store(&self, ctx: &mut Context, store: &Arc<Asked>, hash: ApiKeyHash) -> Result<(), Error> {
        let judging = store.recent.judge(hash.bytes(), &self.failures, ctx)?;
        let found = store.external.ask(store.keys.find(&hash)).await?;
        let rate_limit = found.as_ref().and_then(|key| key.rate_limit);
        match found.ok_or(UNKNOWN).and_then(|key| key.user(&hash, ctx.now())) {
            Ok(user) => {
                judging.passed(user.expires, ctx.now());
                ctx.keep_authority_async(still_good(store, hash, &user.id));
                enter(ctx, user, &hash, rate_limit)
            }
            Err(reason) => Err(judging.refused(ctx, invalid(reason), reason.text, self.challenge.clone())),
        }
    }
}

/// Whether the key is still there, with the same user; its end needs no asking.
fn still_good(
    store: &Arc<Asked>,
    hash: ApiKeyHash,
    user: &str,
) -> impl Fn() -> crate::BoxFuture<'static, bool> + Send + Sync + 'static + use<> {
    let (store, user) = (Arc::clone(store), Arc::<str>::from(user));
    external::still_good(move || {
        let (store, user) = (Arc::clone(&store), Arc::clone(&user));
        Box::pin(async move {
            let found = store.keys.find(&hash).await.ok()?;
            Some(found.is_some_and(|key| key.hash == hash && *key.user == *user))
        })
    })
}

fn enter(ctx: &mut Context, user: AuthenticatedUser, hash: &ApiKeyHash, rate_limit: Option<u32>) -> Result<(), Error> {
    ctx.authenticate(user)?;
    ctx.accept_api_key(hash.hashed().short(), rate_limit);
    Ok(())
}

fn invalid(reason: Refusal) -> Error {
    Error::new(Code::AuthInvalid).with_source(reason)
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
        let keys = match (self.keys.len(), &self.store) {
            (0, Some(_)) => "keys of a store".into(),
            (1, None) => "1 key".into(),
            (many, None) => format!("{many} keys"),
            (many, Some(_)) => format!("{many} keys and those of a store"),
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
        if self.keys.len() == 0 && self.store.is_none() {
            problems.push("it has no key and no store, so that nobody could come in; give one".into());
        }
        problems.extend(self.keys.problems());
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
            let presented = value.to_str().map(ApiKeyHash::of).map_err(|_| NO_TEXT);
            let place = presented.map(|hash| self.keys.find(&hash));
            match (presented, place, &self.store) {
                // Boxed: it would make the future of every request large.
                (Ok(hash), Ok(None), Some(store)) => Box::pin(self.of_store(ctx, store, hash)).await?,
                _ => self.at_once(ctx, presented.and_then(|hash| Ok((hash, place?.ok_or(UNKNOWN)?))))?,
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
