use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use http::{HeaderName, HeaderValue, header};

use super::super::failures::FailureLimit;
use super::super::jwt::JwtKeys;
use super::super::scheme;
use super::challenges::Challenges;
use super::source::Source;
use super::validator::Asked;
use super::{StaticToken, TokenValidator};
use crate::security::{AuthenticationFailure, Refusal};
use crate::stack::{Kind, Next, order};
use crate::{Code, Context, Error, Middleware, Response};

/// Authenticates by `Authorization: Bearer` (RFC 6750): configured tokens, JSON Web Tokens, or a validator.
///
/// A token with two dots is a JSON Web Token if keys for those are there, then one that is configured, then the validator's.
/// It may come from another place too, or only from there: a header, a cookie, and, for what can set no header, the query.
///
/// ```
/// use neurolink_core::{AuthenticatedUser, Stack};
/// use neurolink_core::middleware::{BearerAuth, StaticToken};
///
/// let user = AuthenticatedUser::new("ci").with_roles(["deployer"]);
/// let auth = BearerAuth::tokens([StaticToken::new("a-token-of-at-least-128-bits", user)]);
/// let stack = Stack::builder().with(auth).build()?;
/// # Ok::<(), neurolink_core::ConfigError>(())
/// ```
///
/// ```
/// use neurolink_core::middleware::{BearerAuth, TokenValidator};
/// use neurolink_core::{AuthenticatedUser, Error};
///
/// struct Sessions; // asks a database
///
/// #[async_trait::async_trait]
/// impl TokenValidator for Sessions {
///     async fn validate(&self, token: &str) -> Result<Option<AuthenticatedUser>, Error> {
///         Ok((token == "right").then(|| AuthenticatedUser::new("u1")))
///     }
/// }
///
/// let auth = BearerAuth::validator(Sessions).or_header("x-custom-auth").not_in_authorization();
/// ```
#[derive(Clone)]
pub struct BearerAuth {
    pub(super) tokens: Vec<StaticToken>,
    pub(super) jwt: Option<JwtKeys>,
    pub(super) validator: Option<Asked>,
    /// What was given a second time, and would be forgotten.
    twice: Vec<&'static str>,
    /// Whether `Authorization: Bearer` is read.
    bearer: bool,
    /// Where tokens may be beside it.
    pub(super) sources: Vec<Source>,
    pub(super) challenges: Challenges,
    pub(super) failures: FailureLimit,
    message: Option<Arc<str>>,
}

impl Default for BearerAuth {
    fn default() -> Self {
        Self {
            tokens: Vec::new(),
            jwt: None,
            validator: None,
            twice: Vec::new(),
            bearer: true,
            sources: Vec::new(),
            challenges: Challenges::of(true, &[]),
            failures: FailureLimit::default(),
            message: None,
        }
    }
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
        if self.jwt.replace(keys).is_some() {
            self.twice.push("keys of JSON Web Tokens");
        }
        self
    }

    /// Asks a validator too.
    #[must_use]
    pub fn or_validator(mut self, validator: impl TokenValidator) -> Self {
        if self.validator.replace(Asked::new(validator)).is_some() {
            self.twice.push("a validator");
        }
        self
    }

    /// Takes tokens from this header too: its whole value, without a scheme.
    #[must_use]
    pub fn or_header(self, name: &str) -> Self {
        self.or(Source::header(name))
    }

    /// Takes tokens from this cookie too.
    ///
    /// A browser sends it whoever made the page: leave the cross-site check on, and set it with `HttpOnly`, `Secure` and
    /// `SameSite`.
    #[must_use]
    pub fn or_cookie(self, name: &str) -> Self {
        self.or(Source::Cookie(name.into()))
    }

    /// Takes tokens from this parameter of the query too, for clients that can set no header, such as `EventSource`.
    ///
    /// A target is seen in histories, in `Referer` and in the logs of proxies: let such tokens be short-lived.
    /// Here it is seen by nobody: the parameter is taken out before anything further inside runs, but for the handlers of
    /// native routes; and the answer says `Cache-Control: no-store` and `Referrer-Policy: no-referrer`, unless it says
    /// something else (RFC 6750, section 2.3).
    #[must_use]
    pub fn or_query(self, name: &str) -> Self {
        self.or(Source::Query(name.into()))
    }

    /// Takes tokens from wherever a function finds them too.
    #[must_use]
    pub fn or_from(self, find: impl Fn(&Context) -> Option<String> + Send + Sync + 'static) -> Self {
        self.or(Source::Function(Arc::new(find)))
    }

    /// Leaves `Authorization` to others.
    #[must_use]
    pub fn not_in_authorization(mut self) -> Self {
        self.bearer = false;
        self.challenges = Challenges::of(self.bearer, &self.sources);
        self
    }

    fn or(mut self, source: Source) -> Self {
        self.sources.push(source);
        self.challenges = Challenges::of(self.bearer, &self.sources);
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
}

/// What an answer says whose request had a token in its target (RFC 6750, section 2.3).
const KEPT_TO_ITSELF: [(HeaderName, HeaderValue); 2] = [
    (header::CACHE_CONTROL, HeaderValue::from_static("no-store")),
    (header::REFERRER_POLICY, HeaderValue::from_static("no-referrer")),
];

const SCHEME: &str = "bearer";

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
        let mut places: Vec<String> = self.sources.iter().map(Source::summary).collect();
        if places.is_empty() {
            return format!("{}; {}", kinds.join(", "), self.failures.summary());
        }
        if self.bearer {
            places.insert(0, "Authorization".into());
        }
        format!("{} in {}; {}", kinds.join(", "), places.join(", "), self.failures.summary())
    }

    fn challenge(&self) -> Option<HeaderValue> {
        Some(self.challenges.missing.clone())
    }

    fn credential_header(&self) -> Option<HeaderName> {
        // Other places are looked at here; a header by itself is known to the guard too.
        match self.sources.first() {
            _ if self.bearer => Some(header::AUTHORIZATION),
            Some(Source::Header(name)) => name.as_ref().ok().cloned(),
            _ => None,
        }
    }

    fn problems(&self) -> Vec<String> {
        let mut problems: Vec<String> = self.failures.problem().into_iter().collect();
        if self.tokens.is_empty() && self.jwt.is_none() && self.validator.is_none() {
            problems.push("it has no token, no keys and no validator, so that nobody could come in; give one".into());
        }
        for what in &self.twice {
            problems.push(format!("{what} came twice, of which the first would not count; take a `BearerAuth` each"));
        }
        for (index, token) in self.tokens.iter().enumerate() {
            if let Some(weak) = &token.weak {
                problems.push(format!("the token of `{}` {weak}", token.user.id));
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
        if !self.bearer && self.sources.is_empty() {
            problems.push("tokens may be nowhere; name a header, or leave out `not_in_authorization`".into());
        }
        for (index, source) in self.sources.iter().enumerate() {
            problems.extend(source.problem());
            if self.sources[..index].iter().any(|other| other.is_same(source)) {
                problems.push(format!("{} is there twice; take one of them away", source.summary()));
            }
        }
        problems.extend(self.jwt.iter().flat_map(JwtKeys::problems));
        problems
    }

    async fn handle(&self, ctx: &mut Context, next: Next<'_>) -> Result<Response, Error> {
        if let Some(message) = &self.message {
            ctx.set_authentication_message(message);
        }
        if self.bearer
            && let Some(token) = scheme::behind(SCHEME, ctx)
        {
            let remembered = self.jwt.as_ref().and_then(|keys| keys.remembered(token, ctx.now()));
            ctx.claim_authorization();
            match remembered {
                Some(known) => {
                    self.failures.ask(ctx)?;
                    ctx.authenticate_shared(Arc::clone(&known.user))?;
                }
                None => {
                    let token = whole_token(ctx);
                    self.judge(ctx, token).await?;
                }
            }
        }
        if self.sources.is_empty() {
            return Ok(next.run(ctx).await);
        }
        let mut in_query = false;
        let judged = Box::pin(self.elsewhere(ctx, &mut in_query)).await;
        if !in_query {
            judged?;
            return Ok(next.run(ctx).await);
        }
        let add = |error: Error, (name, value)| error.with_header(name, value);
        judged.map_err(|error| KEPT_TO_ITSELF.into_iter().fold(error, add))?;
        let mut response = next.run(ctx).await;
        for (name, value) in KEPT_TO_ITSELF {
            response.headers_mut().entry(name).or_insert(value);
        }
        Ok(response)
    }
}

impl fmt::Debug for BearerAuth {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "BearerAuth({})", self.summary())
    }
}
