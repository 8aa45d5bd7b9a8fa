use std::fmt;
use std::hash::{BuildHasher as _, RandomState};
use std::sync::Arc;
use std::time::Duration;

use super::super::basic::{ALONE, Credentials, Judging, PasswordUser, Passwords, busy};
use super::super::lockout::Whose;
use super::access::{self, Signer};
use super::alive::Alive;
use super::answer::LoginTokens;
use super::call::LoginCall;
use super::family::FamilyId;
use super::kept::Kept;
use super::memory::MemoryCredentials;
use super::store::{Claim, Claimed, CredentialStore, FamilyLimits, NewFamily};
use super::tokens::{RefreshToken, Tokens};
use crate::counters::address_keys;
use crate::facts::NoAddress;
use crate::middleware::{Gates, JwtKeys};
use crate::security::{AuthenticationFailure, Refusal, SecurityEventKind};
use crate::{AuthenticatedUser, Code, Error};

const MINUTE: Duration = Duration::from_secs(60);
const DAY: Duration = Duration::from_secs(24 * 60 * 60);
/// The fewest bytes of the secret: as many as its codes have.
const SHORTEST: usize = 32;
/// The most bytes of what is kept of a user.
const LONGEST_SUBJECT: usize = 512;
/// Who makes tokens, and for whom, unless told.
const PARTY: &str = "neurolink";

/// Logins by name and password, with access tokens that are renewed.
///
/// Register it as the app's state, and accept its tokens:
///
/// ```
/// use neurolink_core::login::Login;
/// use neurolink_core::middleware::{BearerAuth, PasswordHash, PasswordUser, Passwords};
/// use neurolink_core::{AuthenticatedUser, Stack};
///
/// let hash = PasswordHash::parse("$argon2id$v=19$m=19456,t=2,p=1$c29tZXNhbHQxMjM0$VFFwLYY/vTGk/0ftZRZLAoKtm0AXaGKMO0F5m6UVGz4")?;
/// let passwords = Passwords::users([PasswordUser::new("ada", hash, AuthenticatedUser::new("u1"))]);
/// let login = Login::new(passwords, "a secret of at least thirty-two bytes");
/// let auth = BearerAuth::jwt(login.keys());
/// // App::builder(engine).state(login).middleware(auth).all_routes()
/// # let _ = auth;
/// # Ok::<(), String>(())
/// ```
#[derive(Clone)]
pub struct Login {
    pub(super) passwords: Passwords,
    tokens: Result<Tokens, Arc<Error>>,
    signer: Signer,
    secret_bytes: usize,
    issuer: Arc<str>,
    audience: Arc<str>,
    access: Duration,
    limits: FamilyLimits,
    kept: Kept,
    /// Equal credentials wait for one another, so that many jobs that sign in at one time are one attempt at one time.
    alone: Arc<Gates>,
    hasher: RandomState,
}

impl Login {
    /// Logins of those whose passwords these are; the secret, of at least 32 bytes, is what tokens are made of.
    ///
    /// They are kept in this process unless [`store`](Self::store) says otherwise. Servers that share a store share the
    /// secret; another secret ends all logins.
    #[must_use]
    pub fn new(passwords: Passwords, secret: impl AsRef<[u8]>) -> Self {
        let secret = secret.as_ref();
        Self {
            passwords,
            tokens: Tokens::new(secret).map_err(Arc::new),
            signer: Signer::hs256(secret),
            secret_bytes: secret.len(),
            issuer: PARTY.into(),
            audience: PARTY.into(),
            access: 15 * MINUTE,
            limits: FamilyLimits { idle: 30 * DAY, absolute: 90 * DAY, grace: Duration::from_secs(10), per_user: 16 },
            kept: Kept::by(MemoryCredentials::new(), Duration::from_secs(1)),
            alone: Arc::new(Gates::new(1, 64)),
            hasher: RandomState::new(),
        }
    }

    /// Keeps logins there.
    #[must_use]
    pub fn store(mut self, store: impl CredentialStore) -> Self {
        self.kept = Kept::by(store, self.kept.patience);
        self
    }

    /// How long the store is waited for, until the answer is 503: 1 s unless told.
    #[must_use]
    pub fn store_timeout(mut self, timeout: Duration) -> Self {
        self.kept = self.kept.patient(timeout);
        self
    }

    /// Signs access tokens by this private key of Ed25519, in PEM, instead of the secret: others can then verify them by
    /// its public key, and make none.
    #[must_use]
    pub fn ed25519(mut self, private_pem: impl AsRef<str>) -> Self {
        self.signer = Signer::ed25519(private_pem.as_ref());
        self
    }

    /// Who makes the tokens, the claim `iss`: `neurolink` unless told.
    #[must_use]
    pub fn issuer(mut self, issuer: impl Into<Arc<str>>) -> Self {
        self.issuer = issuer.into();
        self
    }

    /// Whom access tokens are for, the claim `aud`: `neurolink` unless told.
    #[must_use]
    pub fn audience(mut self, audience: impl Into<Arc<str>>) -> Self {
        self.audience = audience.into();
        self
    }

    /// How long an access token lasts: 15 min unless told.
    #[must_use]
    pub const fn access_lifetime(mut self, lifetime: Duration) -> Self {
        self.access = lifetime;
        self
    }

    /// How long a login lasts that nobody refreshes, and how long at most: 30 d and 90 d unless told.
    #[must_use]
    pub const fn lifetime(mut self, idle: Duration, absolute: Duration) -> Self {
        (self.limits.idle, self.limits.absolute) = (idle, absolute);
        self
    }

    /// How many logins a user has at one time: 16 unless told; one more ends the oldest of the same user.
    #[must_use]
    pub const fn per_user(mut self, logins: usize) -> Self {
        self.limits.per_user = logins;
        self
    }

    /// What verifies its access tokens; they count as long as their login does.
    ///
    /// Take it when everything else is said.
    #[must_use]
    pub fn keys(&self) -> JwtKeys {
        let keys = self.signer.keys().issuer(&*self.issuer).audience(&*self.audience);
        keys.revocation(Alive(self.kept.clone()))
    }

    /// What is wrong with it, each with its fix; an app with it as state tells it when it is built.
    #[must_use]
    pub fn problems(&self) -> Vec<String> {
        let mut problems = self.passwords.problems();
        if self.secret_bytes < SHORTEST {
            problems.push(format!(
                "the secret has {} bytes; at least {SHORTEST} are needed, for example of `openssl rand -hex 32`",
                self.secret_bytes
            ));
        } else {
            problems.extend(self.signer.problem().cloned());
            problems.extend(self.tokens.as_ref().err().map(|error| error.log_text()));
        }
        for (party, name) in [(&self.issuer, "issuer"), (&self.audience, "audience")] {
            if party.is_empty() {
                problems.push(format!("the {name} is empty; name it"));
            }
        }
        let FamilyLimits { idle, absolute, per_user, .. } = self.limits;
        if self.access < Duration::from_secs(1) || idle < self.access || absolute < idle {
            problems.push(format!(
                "access tokens last {:?}, unused logins {idle:?}, all logins {absolute:?}; give at least a second, and each \
                 as long as the one before, for example 15 minutes, 30 days and 90 days",
                self.access
            ));
        }
        if per_user == 0 {
            problems.push("no login for a user lets nobody in; give more, for example 16".into());
        }
        if self.kept.patience.is_zero() {
            problems.push("a store that is not waited for lets nobody in; give it for example a second".into());
        }
        problems.extend(self.kept.store.problems());
        problems
    }

    /// A few words for people; never a secret.
    fn summary(&self) -> String {
        let FamilyLimits { idle, absolute, per_user, .. } = self.limits;
        format!(
            "{}; {} for {:?}, logins {idle:?} unused and {absolute:?} at most, {per_user} of a user, in {}",
            self.passwords.summary(),
            self.signer.algorithm(),
            self.access,
            self.kept.store.name()
        )
    }

    fn tokens(&self) -> Result<&Tokens, Error> {
        self.tokens.as_ref().map_err(|error| Error::internal(Arc::clone(error)))
    }

    pub(super) async fn sign_in(&self, call: &LoginCall, name: &str, password: &str) -> Result<LoginTokens, Error> {
        let Some(credentials) = Credentials::new(name, password) else {
            call.attempt()?.failed();
            return Err(refused(MALFORMED));
        };
        let address = call.address.ok_or_else(|| Error::internal(NoAddress))?;
        let whose = Whose::new(name, address_keys(address));
        let same = self.hasher.hash_one(credentials.with_network(&whose.network())).to_be_bytes();
        let Some(_alone) = self.alone.enter(&same, 1, ALONE).await else { return Err(busy()) };
        let judging = Judging { failure: call.attempt()?, now: call.now(), reporter: call.reporter.clone() };
        let found = self.passwords.judge(credentials, whose, judging, |_| ()).await?;
        let token = self.tokens()?.begin(&found.name)?;
        // Signed first: a login that nobody could use is not kept.
        let answer = self.answer(&found.user, &token, self.limits.absolute, call.now())?;
        let (family, hash, subject) = (token.family(), token.hash(), self.subject(&found)?);
        let new = NewFamily { family: &family, subject: &subject, token: &hash, limits: &self.limits };
        for gone in self.kept.ask(self.kept.store.begin(new, call.now())).await? {
            revoked(call, &gone, &found.user.id, "another login of the user took its place");
        }
        Ok(answer)
    }

    pub(super) async fn refresh(&self, call: &LoginCall, text: &str) -> Result<LoginTokens, Error> {
        let failed = |reason| {
            // Only who failed is counted: whoever has a token of ours does not guess.
            call.attempt()?.failed();
            Err(refused(reason))
        };
        let Some(token) = self.tokens()?.read(text)? else { return failed(FOREIGN) };
        let (family, presented) = (token.family(), token.hash());
        let Some(subject) = self.kept.ask(self.kept.store.look(&family)).await? else {
            return failed(ENDED);
        };
        let Some(found) = self.user_of(&subject).await? else {
            self.kept.ask(self.kept.store.revoke(&family)).await?;
            revoked(call, &family, "", OUT.text);
            return failed(OUT);
        };
        let next = self.tokens()?.successor(&token)?;
        let successor = next.hash();
        // Tried first: a token that could not be given would be one that is used.
        self.answer(&found.user, &next, self.limits.absolute, call.now())?;
        let claim = Claim { family: &family, presented: &presented, successor: &successor, limits: &self.limits };
        match self.kept.ask(self.kept.store.claim(claim, call.now())).await? {
            Claimed::Rotated(left) | Claimed::Again(left) => self.answer(&found.user, &next, left, call.now()),
            Claimed::Reused => {
                // The store has dropped it in the same step.
                revoked(call, &family, &found.user.id, "a refresh token was used again");
                failed(USED)
            }
            Claimed::Unknown => failed(ENDED),
        }
    }

    pub(super) async fn sign_out(&self, call: &LoginCall, text: &str) -> Result<(), Error> {
        match self.tokens()?.read(text)? {
            Some(token) => self.kept.ask(self.kept.store.revoke(&token.family())).await,
            None => {
                call.attempt()?.failed();
                Ok(())
            }
        }
    }

    /// What is kept of who signed in: a code of the password's hash, and the name.
    fn subject(&self, found: &PasswordUser) -> Result<String, Error> {
        let subject = format!("{} {}", self.tokens()?.password_code(&found.hash.text())?, found.name);
        if subject.len() > LONGEST_SUBJECT {
            return Err(Error::internal("the name of a user has too many bytes to be kept; give one of at most 256"));
        }
        Ok(subject)
    }

    /// The user of a login, as they are now, if the password is still the one.
    async fn user_of(&self, subject: &str) -> Result<Option<PasswordUser>, Error> {
        let Some((_, name)) = subject.split_once(' ') else { return Ok(None) };
        let Some(found) = self.kept.ask(self.passwords.find(name)).await? else { return Ok(None) };
        Ok((self.subject(&found)? == subject).then_some(found))
    }

    /// Both tokens; the login ends by itself in `left`, however it is used.
    fn answer(
        &self,
        user: &AuthenticatedUser,
        token: &RefreshToken,
        left: Duration,
        now: Duration,
    ) -> Result<LoginTokens, Error> {
        let ends = now.saturating_add(self.access.min(left));
        let expires = user.expires.map_or(ends, |expires| expires.min(ends));
        if expires <= now {
            return Err(refused(USER_ENDED));
        }
        let claims = access::claims(user, &token.family(), (&self.issuer, &self.audience), now, expires)?;
        Ok(LoginTokens {
            access_token: self.signer.sign(&claims)?,
            refresh_token: token.text(),
            token_type: "Bearer",
            expires_in: expires.as_secs().saturating_sub(now.as_secs()),
            refresh_expires_in: self.limits.idle.min(left).as_secs(),
        })
    }
}

/// Says that a login was ended that nobody has signed out of.
fn revoked(call: &LoginCall, family: &FamilyId, owner: &str, reason: &'static str) {
    let family = family.text();
    call.reporter.report(SecurityEventKind::FamilyRevoked {
        family: family.into(),
        owner: owner.into(),
        reason: reason.into(),
    });
}

const MALFORMED: Refusal = Refusal::new(AuthenticationFailure::Malformed, "nobody can have this name or this password");
const FOREIGN: Refusal = Refusal::new(AuthenticationFailure::Invalid, "it is no refresh token of this server");
const ENDED: Refusal = Refusal::new(AuthenticationFailure::Expired, "the login has ended");
const OUT: Refusal = Refusal::new(AuthenticationFailure::Revoked, "the user is gone or has another password");
const USED: Refusal = Refusal::new(AuthenticationFailure::Revoked, "the refresh token was used before");
const USER_ENDED: Refusal = Refusal::new(AuthenticationFailure::Expired, "the user has ended");

fn refused(reason: Refusal) -> Error {
    Error::new(Code::AuthInvalid).with_source(reason)
}

impl fmt::Debug for Login {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Login({})", self.summary())
    }
}
