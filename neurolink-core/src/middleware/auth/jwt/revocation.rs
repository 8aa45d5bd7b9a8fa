//! Tokens that were revoked before their end.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use tokio::sync::Semaphore;
use tokio::time::timeout;

use super::super::bearer::EXTERNAL_CALLS;
use super::rules::{Known, refused};
use crate::security::AuthenticationFailure;
use crate::{AuthenticatedUser, Code, Error};

/// How long a stream waits for an answer.
const ANSWER: Duration = Duration::from_secs(5);
/// How often in a row a stream may get none: it asks every 25 s, and ends within 60 s of a revocation.
const MOST_UNANSWERED: u32 = 2;

/// A token whose signature and claims are good.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct VerifiedToken<'a> {
    /// Who it stands for.
    pub user: &'a AuthenticatedUser,
    /// Its own id, the claim `jti`.
    pub id: Option<&'a str>,
    /// When it was made, since the Unix epoch: the claim `iat`.
    pub issued: Option<Duration>,
}

/// Says which tokens do not count any more, before they expire.
///
/// It is asked on every request, also for a token that is remembered, and every 25 s while a stream is open.
/// At most 64 requests ask at one time; above that the answer is 503.
///
/// ```
/// use std::collections::HashSet;
/// use std::sync::RwLock;
/// use neurolink_core::Error;
/// use neurolink_core::middleware::{RevocationCheck, VerifiedToken};
///
/// struct Revoked(RwLock<HashSet<String>>);
///
/// #[async_trait::async_trait]
/// impl RevocationCheck for Revoked {
///     async fn is_revoked(&self, token: VerifiedToken<'_>) -> Result<bool, Error> {
///         let revoked = self.0.read().map_err(|_| Error::internal("a lock is broken"))?;
///         Ok(token.id.is_none_or(|id| revoked.contains(id)))
///     }
/// }
/// ```
#[async_trait]
pub trait RevocationCheck: Send + Sync + 'static {
    /// Whether the token was revoked.
    ///
    /// # Errors
    /// Nobody can tell now: the caller gets 503, never 401 and never a pass.
    async fn is_revoked(&self, token: VerifiedToken<'_>) -> Result<bool, Error>;
}

/// A check, and how many ask it.
#[derive(Clone)]
pub(super) struct Revocation {
    check: Arc<dyn RevocationCheck>,
    calls: Arc<Semaphore>,
}

impl Revocation {
    pub(super) fn new(check: impl RevocationCheck) -> Self {
        Self { check: Arc::new(check), calls: Arc::new(Semaphore::new(EXTERNAL_CALLS)) }
    }

    /// Fails for a token that does not count any more.
    pub(super) async fn ask(&self, known: &Known) -> Result<(), Error> {
        let busy = || Error::new(Code::Unavailable).with_retry_after(Duration::from_secs(1));
        let _call = self.calls.try_acquire().map_err(|_| busy().with_source("too many ask for revocations"))?;
        match self.check.is_revoked(token(known)).await {
            Ok(false) => Ok(()),
            Ok(true) => Err(refused(AuthenticationFailure::Revoked, "the token was revoked")),
            Err(error) => Err(Error::new(Code::Unavailable).with_source(error)),
        }
    }

    /// Whether a stream may go on, asked now and then.
    pub(super) fn still_good(
        &self,
        known: Arc<Known>,
    ) -> impl Fn() -> crate::BoxFuture<'static, bool> + Send + Sync + 'static {
        let (check, unanswered) = (Arc::clone(&self.check), Arc::new(AtomicU32::new(0)));
        move || {
            let (check, known, unanswered) = (Arc::clone(&check), Arc::clone(&known), Arc::clone(&unanswered));
            Box::pin(async move {
                match timeout(ANSWER, check.is_revoked(token(&known))).await {
                    Ok(Ok(revoked)) => {
                        unanswered.store(0, Ordering::Relaxed);
                        !revoked
                    }
                    Ok(Err(_)) | Err(_) => unanswered.fetch_add(1, Ordering::Relaxed) + 1 < MOST_UNANSWERED,
                }
            })
        }
    }
}

fn token(known: &Known) -> VerifiedToken<'_> {
    VerifiedToken { user: &known.user, id: known.id.as_deref(), issued: known.issued }
}
