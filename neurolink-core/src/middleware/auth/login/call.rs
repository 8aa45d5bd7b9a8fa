use std::net::IpAddr;
use std::time::Duration;

use http::{HeaderValue, StatusCode};
use tokio::time::Instant;

use super::super::failures::{Attempt, refusal_to};
use super::answer::LoginTokens;
use super::logins::Login;
use crate::security::{Reporter, SecurityEventKind};
use crate::{Code, Context, Error, FromContext, Needs};

const CHALLENGE: HeaderValue = HeaderValue::from_static("Bearer realm=\"neurolink\"");

/// A request for a login, for handlers: who asks, and the [`Login`] that is the app's state.
///
/// Taken in front of the body, it refuses an address that failed too often before a byte of the body is read.
///
/// ```
/// use neurolink_core::login::{LoginCall, LoginTokens};
/// use neurolink_core::{Error, Json, Route};
///
/// #[derive(serde::Deserialize)]
/// struct Credentials { username: String, password: String }
///
/// async fn sign_in(call: LoginCall, Json(credentials): Json<Credentials>) -> Result<Json<LoginTokens>, Error> {
///     call.sign_in(&credentials.username, &credentials.password).await.map(Json)
/// }
///
/// let route = Route::post("/api/sign-in", sign_in).public().body_limit(4096);
/// ```
#[derive(Debug)]
pub struct LoginCall {
    login: Login,
    pub(super) address: Option<IpAddr>,
    pub(super) reporter: Reporter,
    now: Duration,
    since: Instant,
}

impl LoginCall {
    /// Judges a name and a password, and begins a login.
    ///
    /// # Errors
    /// 401 `AUTH_INVALID` for all that is wrong, alike: a password, a name, one that is locked; 429 for an address that
    /// failed too often; 503 when it cannot be judged or kept.
    pub async fn sign_in(&self, name: &str, password: &str) -> Result<LoginTokens, Error> {
        self.login.sign_in(self, name, password).await.map_err(|error| self.told(error))
    }

    /// Replaces a refresh token.
    ///
    /// # Errors
    /// 401 `AUTH_INVALID` for a token that does not count, alike whatever the reason is; 429 for an address that failed
    /// too often; 503 when it cannot be judged.
    pub async fn refresh(&self, token: &str) -> Result<LoginTokens, Error> {
        self.login.refresh(self, token).await.map_err(|error| self.told(error))
    }

    /// Ends the login of a refresh token, whichever of its tokens it is; nothing happens if there is none.
    ///
    /// # Errors
    /// 503 when it cannot be ended.
    pub async fn sign_out(&self, token: &str) -> Result<(), Error> {
        self.login.sign_out(self, token).await.map_err(|error| self.told(error))
    }

    /// A failure of the caller's address, until it is known to be none.
    pub(super) fn attempt(&self) -> Result<Attempt, Error> {
        let failures = &self.login.passwords.failures;
        failures.attempt_from(self.address, self.now(), |event| self.reporter.report(event))
    }

    /// The wall clock, as far as the request has waited since for whole seconds.
    pub(super) fn now(&self) -> Duration {
        self.now + Duration::from_secs(self.since.elapsed().as_secs())
    }

    /// Reports a refusal without the credential, and gives it its challenge.
    fn told(&self, error: Error) -> Error {
        if error.code() == Code::Unavailable {
            self.reporter.report(SecurityEventKind::Unavailable { decider: "login".into() });
        }
        if error.status() != StatusCode::UNAUTHORIZED {
            return error;
        }
        let reason = error.log_text();
        refusal_to(|event| self.reporter.report(event), error, &reason, CHALLENGE)
    }
}

impl FromContext for LoginCall {
    async fn from_context(ctx: &mut Context) -> Result<Self, Error> {
        let login = ctx.state::<Login>().cloned();
        let login = login.ok_or_else(|| Error::internal("no login is registered; add `.state(login)`"))?;
        login.passwords.failures.ask(ctx)?;
        Ok(Self {
            login,
            address: ctx.client_address(),
            reporter: ctx.reporter(),
            now: ctx.now_or_later(),
            since: Instant::now(),
        })
    }

    fn needs(needs: &mut Needs) {
        needs.state::<Login>();
    }
}
