//! Who is calling, as authenticators find it out.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, OnceLock};

use http::HeaderValue;
use smallvec::SmallVec;

use crate::security::{AuthenticationFailure, Refusal};
use crate::stream::{Authority, StillGood};
use crate::{AuthenticatedUser, BoxFuture, Code, Context, Error};

/// What authenticators found out about a request.
#[derive(Default)]
pub(super) struct Caller {
    user: Option<Arc<AuthenticatedUser>>,
    still_good: SmallVec<[StillGood; 1]>,
    challenges: Vec<HeaderValue>,
    authorization_claimed: bool,
    message: Option<Box<str>>,
    /// Whether a failure to authenticate has been reported.
    failure_reported: OnceLock<Arc<AtomicBool>>,
    #[cfg(feature = "rate-limit")]
    api_key: Option<AcceptedKey>,
}

/// An API key that was accepted.
#[cfg(feature = "rate-limit")]
struct AcceptedKey {
    /// A part of its hash.
    hash: [u8; 16],
    /// A limit of its own.
    rate_limit: Option<u32>,
}

impl Context {
    /// Who is calling, once an authenticator has found out.
    #[must_use]
    pub fn user(&self) -> Option<&AuthenticatedUser> {
        self.caller.user.as_deref()
    }

    /// Says who is calling; for authenticators.
    ///
    /// # Errors
    /// 401 when another credential of the same request names somebody else, and when the user has
    /// [ended](AuthenticatedUser::expires).
    pub fn authenticate(&mut self, user: AuthenticatedUser) -> Result<(), Error> {
        self.authenticate_shared(Arc::new(user))
    }

    /// The same for a user whom others know too: one who is configured or remembered.
    pub(crate) fn authenticate_shared(&mut self, user: Arc<AuthenticatedUser>) -> Result<(), Error> {
        if user.expires.is_some_and(|expires| expires <= self.now) {
            return Err(Error::new(Code::TokenExpired));
        }
        match &mut self.caller.user {
            Some(known) if !known.is_same(&user) => {
                let conflict = Refusal::new(AuthenticationFailure::Conflict, "the credentials name different users");
                let error = Error::new(Code::AuthInvalid).with_source(conflict);
                Err(error.with_message("The credentials of this request name different users"))
            }
            Some(known) => {
                let first = [known.expires, user.expires].into_iter().flatten().min();
                if known.expires != first {
                    Arc::make_mut(known).expires = first;
                }
                Ok(())
            }
            None => {
                self.caller.user = Some(user);
                Ok(())
            }
        }
    }

    /// Which API key was accepted, by its hash.
    #[cfg(feature = "rate-limit")]
    pub(crate) fn api_key(&self) -> Option<&[u8; 16]> {
        self.caller.api_key.as_ref().map(|key| &key.hash)
    }

    /// The limit of the API key that was accepted, if it has one of its own.
    #[cfg(feature = "rate-limit")]
    pub(crate) fn api_key_limit(&self) -> Option<u32> {
        self.caller.api_key.as_ref().and_then(|key| key.rate_limit)
    }

    #[cfg(feature = "api-key")]
    pub(crate) const fn accept_api_key(&mut self, hash: [u8; 16], rate_limit: Option<u32>) {
        self.caller.api_key = Some(AcceptedKey { hash, rate_limit });
    }

    /// Lets a stream ask every 25 s whether the credential is still good; for authenticators whose credentials can be revoked.
    ///
    /// The user's [`expires`](AuthenticatedUser::expires) needs no asking.
    pub fn keep_authority(&mut self, still_good: impl Fn() -> bool + Send + Sync + 'static) {
        self.caller.still_good.push(Box::new(move || Box::pin(std::future::ready(still_good()))));
    }

    /// The same for those who have to ask somebody else; a stream goes on until it is told otherwise.
    pub fn keep_authority_async(&mut self, still_good: impl Fn() -> BoxFuture<'static, bool> + Send + Sync + 'static) {
        self.caller.still_good.push(Box::new(still_good));
    }

    pub(crate) fn take_authority(&mut self) -> Authority {
        let expires = self.caller.user.as_ref().and_then(|user| user.expires);
        Authority { expires, still_good: std::mem::take(&mut self.caller.still_good) }
    }

    /// Says that the scheme of the `Authorization` header is this authenticator's; for authenticators that read it.
    pub const fn claim_authorization(&mut self) {
        self.caller.authorization_claimed = true;
    }

    pub(crate) const fn is_authorization_claimed(&self) -> bool {
        self.caller.authorization_claimed
    }

    /// Adds a challenge that is known at the request only to every 401; for authenticators.
    ///
    /// One that is always the same is [`Middleware::challenge`](crate::Middleware::challenge).
    pub fn challenge(&mut self, challenge: HeaderValue) {
        self.caller.challenges.push(challenge);
    }

    pub(crate) fn challenges(&self) -> &[HeaderValue] {
        &self.caller.challenges
    }

    /// Sets the message of the 401 for callers without credentials; the first authenticator that does so wins.
    pub fn set_authentication_message(&mut self, message: &str) {
        self.caller.message.get_or_insert_with(|| message.into());
    }

    /// Whether no failure to authenticate has been reported yet; from now on one has.
    pub(crate) fn is_first_failure(&self) -> bool {
        !self.failure_reported().swap(true, Ordering::Relaxed)
    }

    /// The same for those who report when the request may be over.
    pub(crate) fn failure_reported(&self) -> &Arc<AtomicBool> {
        self.caller.failure_reported.get_or_init(Arc::default)
    }

    pub(crate) fn authentication_message(&self) -> Option<&str> {
        self.caller.message.as_deref()
    }
}
