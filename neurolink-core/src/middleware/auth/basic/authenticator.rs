use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use http::{HeaderName, HeaderValue, header};

use super::super::failures::refusal;
use super::super::lockout::Whose;
use super::super::verified::{Fingerprint, Verified};
use super::credentials::Credentials;
use super::passwords::{Judging, Passwords, busy};
use super::users::{PasswordStore, PasswordUser};
use crate::counters::address_keys;
use crate::facts::NoAddress;
use crate::middleware::Gates;
use crate::middleware::limit_store::{OnStoreFailure, StoreHandle};
use crate::stack::{Kind, order};
use crate::{AuthenticatedUser, Context, Error, Middleware, Next, Response};

/// How many right passwords are known at one time.
const KNOWN: usize = 10_000;

/// How long equal credentials wait for one another: as long as a hash and its turn may take.
pub(in super::super) const ALONE: Duration = Duration::from_secs(4);

const CHALLENGE: HeaderValue = HeaderValue::from_static("Basic realm=\"neurolink\", charset=\"UTF-8\"");

/// Authenticates by a name and a password in each request.
///
/// ```
/// use neurolink_core::middleware::{BasicAuth, PasswordHash, PasswordUser};
/// use neurolink_core::{AuthenticatedUser, Stack};
///
/// let hash = PasswordHash::parse("$argon2id$v=19$m=19456,t=2,p=1$c29tZXNhbHQxMjM0$VFFwLYY/vTGk/0ftZRZLAoKtm0AXaGKMO0F5m6UVGz4")?;
/// let stack = Stack::builder().with(BasicAuth::users([PasswordUser::new("ada", hash, AuthenticatedUser::new("u1"))])).build()?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone)]
pub struct BasicAuth {
    passwords: Passwords,
    /// One request of equal credentials at a time.
    alone: Arc<Gates>,
    known: Verified<AuthenticatedUser>,
    message: Option<Arc<str>>,
}

impl BasicAuth {
    /// Accepts these users.
    #[must_use]
    pub fn users(users: impl IntoIterator<Item = PasswordUser>) -> Self {
        Self::passwords(Passwords::users(users))
    }

    /// Accepts the users of a store.
    #[must_use]
    pub fn store(store: impl PasswordStore) -> Self {
        Self::passwords(Passwords::store(store))
    }

    /// Accepts those whose passwords are right, counting with all who were given the same passwords.
    #[must_use]
    pub fn passwords(passwords: Passwords) -> Self {
        Self { passwords, alone: Arc::new(Gates::new(1, u32::MAX)), known: Verified::new(KNOWN), message: None }
    }

    /// How many failures a client address may have, in how long: 30 in a minute unless told.
    #[must_use]
    pub fn failure_limit(mut self, failures: u32, window: Duration) -> Self {
        self.passwords = self.passwords.failure_limit(failures, window);
        self
    }

    /// Lets clients fail as often as they like, but for the lockout.
    #[must_use]
    pub fn no_failure_limit(mut self) -> Self {
        self.passwords = self.passwords.no_failure_limit();
        self
    }

    /// How many failures a name may have from one network, and from all together, in how long: 5 and 50 in 15 minutes
    /// unless told.
    #[must_use]
    pub fn lockout(mut self, from_one_network: u32, from_all: u32, window: Duration) -> Self {
        self.passwords = self.passwords.lockout(from_one_network, from_all, window);
        self
    }

    /// Counts the lockout in a store too, as [`Passwords::lockout_store`] tells.
    #[must_use]
    pub fn lockout_store(mut self, store: impl Into<StoreHandle>) -> Self {
        self.passwords = self.passwords.lockout_store(store);
        self
    }

    /// What callers get while that store does not answer: 503 unless told.
    #[must_use]
    pub fn on_lockout_store_failure(mut self, policy: OnStoreFailure) -> Self {
        self.passwords = self.passwords.on_lockout_store_failure(policy);
        self
    }

    /// The message of the 401 for callers without credentials.
    #[must_use]
    pub fn message(mut self, message: impl Into<Arc<str>>) -> Self {
        self.message = Some(message.into());
        self
    }

    /// The user of credentials that were right a short time ago, unless guesses are refused where they come from.
    async fn remembered(
        &self,
        ctx: &Context,
        fingerprint: Fingerprint,
        whose: &Whose,
    ) -> Result<Option<AuthenticatedUser>, Error> {
        let now = ctx.now_or_later();
        let Some(user) = self.known.get(fingerprint, 0, now) else { return Ok(None) };
        self.passwords.failures.ask(ctx)?;
        let seen = self.passwords.lockout.look(whose, now).await?;
        Ok((!seen.is_locked).then(|| user.as_ref().clone()))
    }

    /// The user of right credentials.
    ///
    /// Equal ones from one network wait for one another, so that a page that asks ten things at one time costs one hash and no failure.
    async fn user(&self, ctx: &Context, credentials: Credentials) -> Result<AuthenticatedUser, Error> {
        let address = ctx.client_address().ok_or_else(|| Error::internal(NoAddress))?;
        let whose = Whose::new(&credentials.name, address_keys(address));
        // Of one network: guesses from elsewhere, which the lockout bounds there, learn nothing of it.
        let fingerprint = self.known.fingerprint(&credentials.with_network(&whose.network()));
        if let Some(user) = self.remembered(ctx, fingerprint, &whose).await? {
            return Ok(user);
        }
        let alone = self.alone.enter(&fingerprint.to_be_bytes(), 1, ALONE).await;
        if let Some(user) = self.remembered(ctx, fingerprint, &whose).await? {
            return Ok(user);
        }
        let Some(_alone) = alone else { return Err(busy()) };
        let failure = self.passwords.failures.attempt(ctx)?;
        let (now, known) = (ctx.now_or_later(), self.known.clone());
        let remember = move |user: &AuthenticatedUser| {
            known.insert(fingerprint, &Arc::new(user.clone()), user.expires, 0, now);
        };
        let judging = Judging { failure, now, reporter: ctx.reporter() };
        Ok(self.passwords.judge(credentials, whose, judging, remember).await?.user)
    }
}

#[async_trait]
impl Middleware for BasicAuth {
    fn name(&self) -> &str {
        "basic-auth"
    }

    fn order(&self) -> i16 {
        order::AUTH
    }

    fn kind(&self) -> Kind {
        Kind::Authenticator
    }

    fn summary(&self) -> String {
        self.passwords.summary()
    }

    fn challenge(&self) -> Option<HeaderValue> {
        Some(CHALLENGE)
    }

    fn credential_header(&self) -> Option<HeaderName> {
        Some(header::AUTHORIZATION)
    }

    fn problems(&self) -> Vec<String> {
        self.passwords.problems()
    }

    async fn handle(&self, ctx: &mut Context, next: Next<'_>) -> Result<Response, Error> {
        if let Some(message) = &self.message {
            ctx.set_authentication_message(message);
        }
        if let Some(credentials) = Credentials::of(ctx) {
            ctx.claim_authorization();
            let user = match credentials {
                Ok(credentials) => self.user(ctx, credentials).await,
                Err(error) => self.passwords.failures.attempt(ctx).and_then(|failure| {
                    failure.failed();
                    Err(error)
                }),
            };
            match user {
                Ok(user) => ctx.authenticate(user)?,
                Err(error) if error.status() == http::StatusCode::UNAUTHORIZED => {
                    let reason = error.log_text();
                    return Err(refusal(ctx, error, &reason, CHALLENGE));
                }
                Err(error) => return Err(error),
            }
        }
        Ok(next.run(ctx).await)
    }
}

impl fmt::Debug for BasicAuth {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "BasicAuth({})", self.summary())
    }
}
