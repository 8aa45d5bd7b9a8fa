use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;

use super::super::external::{self, External};
use super::super::recent::Recent;
use crate::{AuthenticatedUser, BoxFuture, Code, Error};

/// How long a validator has to answer.
const BUDGET: Duration = Duration::from_secs(5);

/// Asks somebody else whether a token is valid.
///
/// It is asked on every request, and every 25 s while a stream is open, which ends within 60 s after the token was
/// revoked.
/// At most 64 requests ask at one time, and each waits 5 s at most; beyond that the answer is 503.
#[async_trait]
pub trait TokenValidator: Send + Sync + 'static {
    /// The user of the token, or `None` if it is not valid.
    ///
    /// # Errors
    /// Nobody can tell now: the caller gets 503, never 401.
    async fn validate(&self, token: &str) -> Result<Option<AuthenticatedUser>, Error>;
}

/// A validator, and how many ask it.
#[derive(Clone)]
pub(super) struct Asked {
    validator: Arc<dyn TokenValidator>,
    external: External,
    pub(super) recent: Recent,
}

impl Asked {
    pub(super) fn new(validator: impl TokenValidator) -> Self {
        Self { validator: Arc::new(validator), external: External::new(BUDGET), recent: Recent::default() }
    }

    /// The user of a token.
    ///
    /// # Errors
    /// 401 if it has none; 503 whatever went wrong there: the caller's token was not judged.
    pub(super) async fn user(&self, token: &str) -> Result<AuthenticatedUser, Error> {
        let user = self.external.ask(self.validator.validate(token)).await?;
        user.ok_or_else(|| Error::new(Code::AuthInvalid))
    }

    /// Whether the token is still that of this user, asked now and then while a stream is open.
    pub(super) fn still_good(
        &self,
        token: &str,
        user: AuthenticatedUser,
    ) -> impl Fn() -> BoxFuture<'static, bool> + Send + Sync + 'static + use<> {
        let (validator, token, user) = (Arc::clone(&self.validator), Arc::<str>::from(token), Arc::new(user));
        external::still_good(move || {
            let (validator, token, user) = (Arc::clone(&validator), Arc::clone(&token), Arc::clone(&user));
            Box::pin(async move {
                let found = validator.validate(&token).await.ok()?;
                Some(found.is_some_and(|found| found.is_same(&user)))
            })
        })
    }
}
