use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use http::{HeaderName, HeaderValue, header};

use super::super::failures::{FailureLimit, refusal};
use super::super::lockout::Lockout;
use super::super::verified::{Fingerprint, Verified};
use super::credentials::Credentials;
use super::hashing::{Busy, Hashing};
use super::users::{PasswordStore, PasswordUser, Users};
use crate::counters::address_keys;
use crate::facts::NoAddress;
use crate::middleware::Gates;
use crate::security::{AuthenticationFailure, Refusal, SecurityEventKind};
use crate::stack::{Kind, order};
use crate::{AuthenticatedUser, Code, Context, Error, Middleware, Next, Response};

/// How many right passwords are known at one time.
const KNOWN: usize = 10_000;

/// How long equal credentials wait for one another: as long as a hash and its turn may take.
const ALONE: Duration = Duration::from_secs(4);

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
    store: Arc<dyn PasswordStore>,
    names: Option<Arc<[String]>>,
    hashing: Arc<Hashing>,
    /// One request of equal credentials at a time.
    alone: Arc<Gates>,
    known: Verified<AuthenticatedUser>,
    lockout: Lockout,
    failures: FailureLimit,
    message: Option<Arc<str>>,
}

impl BasicAuth {
    /// Accepts these users.
    #[must_use]
    pub fn users(users: impl IntoIterator<Item = PasswordUser>) -> Self {
        let users: Vec<_> = users.into_iter().collect();
        let names = users.iter().map(|user| user.name.clone()).collect();
        Self { names: Some(names), ..Self::store(Users(users)) }
    }

    /// Accepts the users of a store.
    #[must_use]
    pub fn store(store: impl PasswordStore) -> Self {
        Self {
            store: Arc::new(store),
            names: None,
            hashing: Arc::new(Hashing::new()),
            alone: Arc::new(Gates::new(1, u32::MAX)),
            known: Verified::new(KNOWN),
            lockout: Lockout::default(),
            failures: FailureLimit::default(),
            message: None,
        }
    }

    /// How many failures a client address may have, in how long: 30 in a minute unless told.
    #[must_use]
    pub fn failure_limit(mut self, failures: u32, window: Duration) -> Self {
        self.failures.set(Some((failures, window)));
        self
    }

    /// Lets clients fail as often as they like, but for the lockout.
    #[must_use]
    pub fn no_failure_limit(mut self) -> Self {
        self.failures.set(None);
        self
    }

    /// How many failures a name may have from one network, and from all together, in how long: 5 and 50 in 15 minutes
    /// unless told.
    #[must_use]
    pub fn lockout(mut self, from_one_network: u32, from_all: u32, window: Duration) -> Self {
        self.lockout = Lockout::new(from_one_network, from_all, window);
        self
    }

    /// The message of the 401 for callers without credentials.
    #[must_use]
    pub fn message(mut self, message: impl Into<Arc<str>>) -> Self {
        self.message = Some(message.into());
        self
    }

    /// The user of credentials that were right a short time ago, unless guesses are refused where they come from.
    fn remembered(
        &self,
        ctx: &Context,
        fingerprint: Fingerprint,
        name: &str,
        network: &[u8],
    ) -> Result<Option<AuthenticatedUser>, Error> {
        let now = ctx.now_or_later();
        let Some(user) = self.known.get(fingerprint, 0, now) else { return Ok(None) };
        self.failures.ask(ctx)?;
        Ok((!self.lockout.is_locked(name, network, now)).then(|| user.as_ref().clone()))
    }

    /// The user of right credentials.
    ///
    /// Equal ones from one network wait for one another, so that a page that asks ten things at one time costs one hash and no failure.
    async fn user(&self, ctx: &Context, credentials: Credentials) -> Result<AuthenticatedUser, Error> {
        let address = ctx.client_address().ok_or_else(|| Error::internal(NoAddress))?;
        let network = address_keys(address).swap_remove(0).0;
        // Of one network: guesses from elsewhere, which the lockout bounds there, learn nothing of it.
        let fingerprint = self.known.fingerprint(&credentials.with_network(&network));
        if let Some(user) = self.remembered(ctx, fingerprint, &credentials.name, &network)? {
            return Ok(user);
        }
        let alone = self.alone.enter(&fingerprint.to_be_bytes(), 1, ALONE).await;
        if let Some(user) = self.remembered(ctx, fingerprint, &credentials.name, &network)? {
            return Ok(user);
        }
        let Some(_alone) = alone else { return Err(busy()) };
        let failure = self.failures.attempt(ctx)?;
        let now = ctx.now_or_later();
        let Some(lock) = self.lockout.attempt(&credentials.name, &network, now) else {
            failure.failed();
            return Err(wrong(LOCKED));
        };
        let Credentials { name, password } = credentials;
        let unavailable = |error| Error::new(Code::Unavailable).with_source(error);
        let found = self.store.find(&name).await.map_err(unavailable)?;
        let hash = found.as_ref().map_or_else(|| self.store.decoy(), |user| user.hash.clone());
        let mut permit = self.hashing.enter(network).await.map_err(|Busy| busy())?;
        let (known, reporter) = (self.known.clone(), ctx.reporter());
        // A client that goes away meanwhile has made its guess all the same: it is judged to its end.
        let judged = tokio::task::spawn_blocking(move || {
            // The permit goes when this guess is settled, and then whoever is next hashes.
            let is_right = hash.verify(&password, &mut permit.memory);
            // A decoy's password lets nobody in.
            match found {
                Some(found) if is_right => {
                    lock.succeeded();
                    drop(failure); // whoever finds it remembered finds no failure of it
                    known.insert(fingerprint, &Arc::new(found.user.clone()), found.user.expires, 0, now);
                    Some(found.user)
                }
                found => {
                    // It counts before anybody hears of it.
                    let locked = lock.failed();
                    failure.failed();
                    reporter.report(SecurityEventKind::AuthenticationFailed {
                        reason: NOBODY.class,
                        detail: NOBODY.text.into(),
                    });
                    if locked {
                        let user = found.map(|found| found.user.id.into());
                        reporter.report(SecurityEventKind::LockoutBegan { user });
                    }
                    None
                }
            }
        });
        let user = judged.await.map_err(Error::internal)?;
        user.ok_or_else(|| {
            ctx.is_first_failure(); // it is reported, whether the client waited for it or not
            wrong(NOBODY)
        })
    }
}

const LOCKED: Refusal = Refusal::new(AuthenticationFailure::Throttled, "the name is locked");
const NOBODY: Refusal = Refusal::new(AuthenticationFailure::Invalid, "the name and the password are nobody's");

fn wrong(reason: Refusal) -> Error {
    Error::new(Code::AuthInvalid).with_source(reason)
}

fn busy() -> Error {
    let error = Error::new(Code::Unavailable).with_source("too many passwords are being hashed");
    error.with_retry_after(Duration::from_secs(1))
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
        let users = match &self.names {
            Some(names) => format!("{} users", names.len()),
            None => "users of a store".into(),
        };
        format!("{users}; {}; {}", self.failures.summary(), self.lockout)
    }

    fn challenge(&self) -> Option<HeaderValue> {
        Some(CHALLENGE)
    }

    fn credential_header(&self) -> Option<HeaderName> {
        Some(header::AUTHORIZATION)
    }

    fn problems(&self) -> Vec<String> {
        let mut problems: Vec<String> = self.failures.problem().into_iter().chain(self.lockout.problem()).collect();
        let names = self.names.as_deref().unwrap_or_default();
        if self.names.is_some() && names.is_empty() {
            problems.push("it has no user, so that nobody could come in; give one".into());
        }
        for (index, name) in names.iter().enumerate() {
            if let Err(problem) = PasswordUser::check_name(name) {
                problems.push(format!("the user `{}`: {problem}", name.escape_debug()));
            }
            if names[..index].contains(name) {
                problems.push(format!("the user `{name}` is there twice; take one of them away"));
            }
        }
        problems
    }

    async fn handle(&self, ctx: &mut Context, next: Next<'_>) -> Result<Response, Error> {
        if let Some(message) = &self.message {
            ctx.set_authentication_message(message);
        }
        if let Some(credentials) = Credentials::of(ctx) {
            ctx.claim_authorization();
            let user = match credentials {
                Ok(credentials) => self.user(ctx, credentials).await,
                Err(error) => self.failures.attempt(ctx).and_then(|failure| {
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
