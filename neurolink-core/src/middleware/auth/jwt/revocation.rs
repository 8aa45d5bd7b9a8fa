//! Tokens that were revoked before their end.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;

use super::super::external::{self, External};
use super::rules::{Known, refused};
use crate::security::AuthenticationFailure;
use crate::{AuthenticatedUser, Error};

/// How long a check has to answer.
const BUDGET: Duration = Duration::from_secs(5);

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
/// At most 64 requests ask at one time, and each waits 5 s at most; beyond that the answer is 503.
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
    external: External,
}

impl Revocation {
    pub(super) fn new(check: impl RevocationCheck) -> Self {
        Self { check: Arc::new(check), external: External::new(BUDGET) }
    }

    /// Fails for a token that does not count any more.
    pub(super) async fn ask(&self, known: &Known) -> Result<(), Error> {
        match self.external.ask(self.check.is_revoked(token(known))).await? {
            false => Ok(()),
            true => Err(refused(AuthenticationFailure::Revoked, "the token was revoked")),
        }
    }

    /// Whether a stream may go on, asked now and then.
    pub(super) fn still_good(
        &self,
        known: Arc<Known>,
    ) -> impl Fn() -> crate::BoxFuture<'static, bool> + Send + Sync + 'static + use<> {
        let check = Arc::clone(&self.check);
        external::still_good(move || {
            let (check, known) = (Arc::clone(&check), Arc::clone(&known));
            Box::pin(async move { check.is_revoked(token(&known)).await.ok().map(|revoked| !revoked) })
        })
    }
}

fn token(known: &Known) -> VerifiedToken<'_> {
    VerifiedToken { user: &known.user, id: known.id.as_deref(), issued: known.issued }
}
