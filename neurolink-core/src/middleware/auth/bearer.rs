use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use http::{HeaderName, HeaderValue, header};
use tokio::sync::Semaphore;

use super::failures::FailureLimit;
use super::jwt::JwtKeys;
use super::scheme;
use super::secret::{self, Hashed};
use crate::security::{AuthenticationFailure, Refusal};
use crate::stack::{Kind, Next, order};
use crate::{AuthenticatedUser, Code, Context, Error, Middleware, Response};

/// How many external validations run at one time.
pub(super) const EXTERNAL_CALLS: usize = 64;

/// Asks somebody else whether a token is valid.
#[async_trait]
pub trait TokenValidator: Send + Sync + 'static {
    /// The user of the token, or `None` if it is not valid.
    ///
    /// # Errors
    /// Nobody can tell now: the caller gets 503, never 401.
    async fn validate(&self, token: &str) -> Result<Option<AuthenticatedUser>, Error>;
}

/// A token that is configured, with its user; only its hash is kept.
#[derive(Clone)]
pub struct StaticToken {
    hashed: Hashed,
    bytes: usize,
    user: AuthenticatedUser,
}

impl StaticToken {
    /// A token of at least 16 bytes.
    #[must_use]
    pub fn new(token: impl AsRef<str>, user: AuthenticatedUser) -> Self {
        let token = token.as_ref();
        Self { hashed: Hashed::new(token.as_bytes()), bytes: token.len(), user }
    }
}

impl fmt::Debug for StaticToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("StaticToken").field("user", &self.user.id).finish_non_exhaustive()
    }
}

/// Authenticates by `Authorization: Bearer` (RFC 6750): configured tokens, JSON Web Tokens, or a validator.
///
/// A token with two dots is a JSON Web Token if keys for those are there, then one that is configured, then the validator's.
///
/// ```
/// use neurolink_core::{AuthenticatedUser, Stack};
/// use neurolink_core::middleware::{BearerAuth, StaticToken};
///
/// let user = AuthenticatedUser::new("ci").with_roles(["deployer"]);
/// let auth = BearerAuth::tokens([StaticToken::new("a-token-of-at-least-16-bytes", user)]);
/// let stack = Stack::builder().with(auth).build()?;
/// # Ok::<(), neurolink_core::ConfigError>(())
/// ```
#[derive(Clone, Default)]
pub struct BearerAuth {
    tokens: Vec<StaticToken>,
    jwt: Option<JwtKeys>,
    validator: Option<(Arc<dyn TokenValidator>, Arc<Semaphore>)>,
    failures: FailureLimit,
    message: Option<Arc<str>>,
}

impl BearerAuth {
    /// Accepts these tokens; several at once let them be changed without a gap.
    #[must_use]
    pub fn tokens(tokens: impl IntoIterator<Item = StaticToken>) -> Self {
        Self::default().or_tokens(tokens)
    }

    /// Accepts JSON Web Tokens.
    #[must_use]
    pub fn jwt(keys: JwtKeys) -> Self {
        Self::default().or_jwt(keys)
    }

    /// Asks a validator.
    #[must_use]
    pub fn validator(validator: impl TokenValidator) -> Self {
        Self::default().or_validator(validator)
    }

    /// Accepts these tokens too.
    #[must_use]
    pub fn or_tokens(mut self, tokens: impl IntoIterator<Item = StaticToken>) -> Self {
        self.tokens.extend(tokens);
        self
    }

    /// Accepts JSON Web Tokens too.
    #[must_use]
    pub fn or_jwt(mut self, keys: JwtKeys) -> Self {
        self.jwt = Some(keys);
        self
    }

    /// Asks a validator too.
    #[must_use]
    pub fn or_validator(mut self, validator: impl TokenValidator) -> Self {
        self.validator = Some((Arc::new(validator), Arc::new(Semaphore::new(EXTERNAL_CALLS))));
        self
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

    /// The user of a token about which nobody has to be asked, if it is of that kind.
    fn at_once(&self, token: &str) -> Option<Result<AuthenticatedUser, Error>> {
        if self.jwt.is_some() && is_jwt(token) {
            return None;
        }
        let presented = (!self.tokens.is_empty()).then(|| Hashed::new(token.as_bytes()));
        let known = presented.and_then(|presented| secret::find(self.tokens.iter(), &presented, |token| &token.hashed));
        match known {
            Some(known) => Some(Ok(known.user.clone())),
            None if self.validator.is_none() => Some(Err(Error::new(Code::AuthInvalid))),
            None => None,
        }
    }

    /// The user of any other token.
    async fn later(&self, token: &str, ctx: &mut Context) -> Result<AuthenticatedUser, Error> {
        if let Some(keys) = self.jwt.as_ref().filter(|_| is_jwt(token)) {
            let known = keys.verify(token, ctx.now()).await?;
            if let Some(still_good) = keys.still_good(&known) {
                ctx.keep_authority_async(still_good);
            }
            return Ok(known.user.clone());
        }
        let Some((validator, calls)) = &self.validator else {
            return Err(Error::new(Code::AuthInvalid));
        };
        let busy = || Error::new(Code::Unavailable).with_retry_after(Duration::from_secs(1));
        let _call = calls.try_acquire().map_err(|_| busy().with_source("too many tokens are being validated"))?;
        match validator.validate(token).await {
            Ok(Some(user)) => Ok(user),
            Ok(None) => Err(Error::new(Code::AuthInvalid)),
            // Whatever went wrong there, the caller's token was not judged.
            Err(error) => Err(Error::new(Code::Unavailable).with_source(error)),
        }
    }
}

/// Whether a token has the form of a JWT: three parts.
fn is_jwt(token: &str) -> bool {
    token.bytes().map(|byte| usize::from(byte == b'.')).sum::<usize>() == 2
}

const SCHEME: &str = "bearer";
const CHALLENGE: HeaderValue = HeaderValue::from_static("Bearer realm=\"neurolink\"");
const INVALID: HeaderValue = HeaderValue::from_static(
    "Bearer realm=\"neurolink\", error=\"invalid_token\", error_description=\"The token is not valid\"",
);
const EXPIRED: HeaderValue = HeaderValue::from_static(
    "Bearer realm=\"neurolink\", error=\"invalid_token\", error_description=\"The token has expired\"",
);

/// The characters of a token before its padding (RFC 9110, section 11.2).
const TOKEN68: [bool; 256] = {
    let mut table = [false; 256];
    let mut byte = 0_u8;
    while byte < 128 {
        table[byte as usize] = byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_' | b'~' | b'+' | b'/');
        byte += 1;
    }
    table
};

/// The token of a request with that scheme.
fn whole_token(ctx: &Context) -> Result<String, Error> {
    let token = scheme::behind(SCHEME, ctx).and_then(|token| std::str::from_utf8(token).ok()).unwrap_or_default();
    let body = token.trim_end_matches('=');
    let valid = !body.is_empty() && body.bytes().fold(true, |valid, byte| valid & TOKEN68[usize::from(byte)]);
    let malformed = || {
        let reason = Refusal::new(AuthenticationFailure::Malformed, "the header is no `Bearer` and a token");
        Error::new(Code::AuthInvalid).with_source(reason)
    };
    if valid { Ok(token.to_owned()) } else { Err(malformed()) }
}

#[async_trait]
impl Middleware for BearerAuth {
    fn name(&self) -> &str {
        "bearer-auth"
    }

    fn order(&self) -> i16 {
        order::AUTH
    }

    fn kind(&self) -> Kind {
        Kind::Authenticator
    }

    fn summary(&self) -> String {
        let mut kinds = Vec::new();
        if !self.tokens.is_empty() {
            kinds.push(format!("{} configured tokens", self.tokens.len()));
        }
        kinds.extend(self.jwt.iter().map(JwtKeys::summary));
        if self.validator.is_some() {
            kinds.push("a validator".into());
        }
        format!("{}; {}", kinds.join(", "), self.failures.summary())
    }

    fn challenge(&self) -> Option<HeaderValue> {
        Some(CHALLENGE)
    }

    fn credential_header(&self) -> Option<HeaderName> {
        Some(header::AUTHORIZATION)
    }

    fn problems(&self) -> Vec<String> {
        let mut problems: Vec<String> = self.failures.problem().into_iter().collect();
        if self.tokens.is_empty() && self.jwt.is_none() && self.validator.is_none() {
            problems.push("it has no token, no keys and no validator, so that nobody could come in; give one".into());
        }
        for (index, token) in self.tokens.iter().enumerate() {
            if token.bytes < secret::SHORTEST {
                problems.push(format!(
                    "the token of `{}` has {} bytes; at least {} are needed, for example of `openssl rand -hex 32`",
                    token.user.id,
                    token.bytes,
                    secret::SHORTEST
                ));
            }
            if self.tokens[..index].iter().any(|other| other.hashed.is(&token.hashed)) {
                problems.push(format!(
                    "the token of `{}` is there twice; give each user a token of their own",
                    token.user.id
                ));
            }
            if token.user.id.is_empty() {
                problems.push("a token has a user without an id; name the user".into());
            }
        }
        problems.extend(self.jwt.iter().flat_map(JwtKeys::problems));
        problems
    }

    async fn handle(&self, ctx: &mut Context, next: Next<'_>) -> Result<Response, Error> {
        if let Some(message) = &self.message {
            ctx.set_authentication_message(message);
        }
        if let Some(token) = scheme::behind(SCHEME, ctx) {
            let remembered = self.jwt.as_ref().and_then(|keys| keys.remembered(token, ctx.now()));
            ctx.claim_authorization();
            match remembered {
                Some(known) => {
                    self.failures.ask(ctx)?;
                    ctx.authenticate(known.user.clone())?;
                }
                None => {
                    let attempt = self.failures.attempt(ctx)?;
                    let judged = match whole_token(ctx) {
                        Err(error) => Err(error),
                        Ok(token) => match self.at_once(&token) {
                            Some(judged) => judged,
                            // Boxed: it is seldom needed, and would make the future of every request large.
                            None => Box::pin(self.later(&token, ctx)).await,
                        },
                    };
                    match judged {
                        Ok(user) => {
                            drop(attempt);
                            ctx.authenticate(user)?;
                        }
                        Err(error) => {
                            let challenge = if error.code() == Code::TokenExpired { EXPIRED } else { INVALID };
                            let reason = error.log_text();
                            return Err(attempt.refused(ctx, error, &reason, challenge));
                        }
                    }
                }
            }
        }
        Ok(next.run(ctx).await)
    }
}

impl fmt::Debug for BearerAuth {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "BearerAuth({})", self.summary())
    }
}
