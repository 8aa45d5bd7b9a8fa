use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

use super::super::verified::Verified;
use super::algorithm::{Algorithms, JwtAlgorithm};
use super::header::Header;
use super::key::Key;
use super::key_set::KeySet;
use super::remote::Remote;
use super::revocation::{Revocation, RevocationCheck};
use super::rules::{Expected, Known, Rules, invalid, malformed};
use super::source::KeySource;
use super::{jwk, pem};
use crate::{BoxFuture, Error};

/// The longest token that is decoded, in bytes.
pub(in super::super) const LONGEST: usize = 8 * 1024;
/// How many verified tokens are remembered unless told.
const REMEMBERED: usize = 1024;

/// What JSON Web Tokens are verified with: keys whose type fixes their algorithms, and what the claims must say
/// (RFC 8725).
///
/// | key | algorithms |
/// |---|---|
/// | a secret of at least 32, 48 or 64 bytes | the one that it is given for: HS256, HS384 or HS512 |
/// | RSA of 2048 to 4096 bits | RS256, RS384, RS512, PS256, PS384, PS512 |
/// | P-256, P-384 | ES256, ES384 |
/// | Ed25519 | EdDSA |
///
/// Several keys let them be changed without a gap. A token that names its key (`kid`) is of the key of that name, or of
/// one without a name; at most four keys are tried on one token.
///
/// `exp` and `sub` must be there; `iss` and `aud` must be there and equal, unless it is said that any will do.
/// Times are seconds up to the year 9999; `iat` may be missing, but is not in the future by more than 60 s.
/// `sub` has at most 256 characters, none of which is a control or bidirectional mark, and not only blanks.
/// `typ` may be missing, `JWT` or `at+jwt`; see [`token_type`](Self::token_type).
/// Headers that bring keys (`jku`, `x5u`, `x5c`, `jwk`) are ignored; `crit` is refused, and so is a header or a claim
/// that is there twice. A token of more than 8 KiB is refused before it is decoded.
///
/// A token that was verified is remembered for up to a minute, so that it is not verified again for each request;
/// see [`remember`](Self::remember).
///
/// ```
/// use neurolink_core::middleware::{BearerAuth, JwtKeys};
///
/// let keys = JwtKeys::hs256("a secret of at least thirty-two bytes").issuer("https://issuer.example").audience("my-api");
/// let auth = BearerAuth::jwt(keys);
/// ```
#[derive(Clone)]
pub struct JwtKeys {
    keys: KeySet,
    remote: Option<Arc<Remote>>,
    rules: Rules,
    revocation: Option<Revocation>,
    verified: Verified<Known>,
    /// Mistakes that were found while the keys were read.
    mistakes: Vec<String>,
}

impl JwtKeys {
    /// No key yet; a build without any is an error.
    #[must_use]
    pub fn none() -> Self {
        Self {
            keys: KeySet::default(),
            remote: None,
            rules: Rules::default(),
            revocation: None,
            verified: Verified::new(REMEMBERED),
            mistakes: Vec::new(),
        }
    }

    /// This key, or what is wrong with it.
    #[cfg(feature = "login")]
    pub(in super::super) fn of(key: Result<Key, String>) -> Self {
        Self::none().add(key.map(|key| vec![key]))
    }

    /// HMAC with SHA-256 and a secret of at least 32 bytes.
    #[must_use]
    pub fn hs256(secret: impl AsRef<[u8]>) -> Self {
        Self::none().or_secret(JwtAlgorithm::Hs256, secret)
    }

    /// A shared secret for HS256, HS384 or HS512; each needs as many bytes as its hash has.
    #[must_use]
    pub fn secret(algorithm: JwtAlgorithm, secret: impl AsRef<[u8]>) -> Self {
        Self::none().or_secret(algorithm, secret)
    }

    /// Public keys in PEM: RSA, P-256, P-384 or Ed25519, one or several.
    #[must_use]
    pub fn pem(text: impl AsRef<str>) -> Self {
        Self::none().or_pem(text)
    }

    /// Public keys in a JSON Web Key Set (RFC 7517).
    #[must_use]
    pub fn jwk_set(text: impl AsRef<str>) -> Self {
        Self::none().or_jwk_set(text)
    }

    /// Public keys in a JSON Web Key Set that is fetched, such as a [`JwkSetFile`](crate::middleware::JwkSetFile).
    #[must_use]
    pub fn source(source: impl KeySource) -> Self {
        Self::none().or_source(source)
    }

    /// Takes tokens of this secret too.
    #[must_use]
    pub fn or_secret(mut self, algorithm: JwtAlgorithm, secret: impl AsRef<[u8]>) -> Self {
        if !algorithm.is_shared() {
            self.mistakes.push(format!("{algorithm} has no shared secret; give its public key, or use HS256"));
            return self;
        }
        let key = Key::secret(algorithm, secret.as_ref());
        self.add(key.map(|key| vec![key]))
    }

    /// Takes tokens of these keys too.
    #[must_use]
    pub fn or_pem(self, text: impl AsRef<str>) -> Self {
        self.add(pem::read(text.as_ref()))
    }

    /// Takes tokens of this set too.
    #[must_use]
    pub fn or_jwk_set(mut self, text: impl AsRef<str>) -> Self {
        self.mistakes.extend(set_problems(text.as_ref(), "the key set"));
        let keys = jwk::read(text.as_ref()).map(|read| read.keys);
        self.add(keys.or(Ok(Vec::new())))
    }

    /// Takes tokens of the set of a source too; there can be one source.
    #[must_use]
    pub fn or_source(mut self, source: impl KeySource) -> Self {
        if self.remote.is_some() {
            self.mistakes.push("there are two sources of key sets; give each an authenticator of its own".into());
        }
        self.remote = Some(Arc::new(Remote::new(source)));
        self.forgetting()
    }

    fn add(mut self, keys: Result<Vec<Key>, String>) -> Self {
        match keys {
            Ok(keys) => self.keys.keys.extend(keys),
            Err(mistake) => self.mistakes.push(mistake),
        }
        self.forgetting()
    }

    /// How old the keys of a source are when they are fetched again, and how old they may become before every token is
    /// answered with 503: 5 minutes and 24 hours unless told.
    ///
    /// A token that names a key which is not there asks the source as well, at most every 30 s; it waits for 1 s at most.
    #[must_use]
    pub fn refresh(mut self, every: Duration, max_stale: Duration) -> Self {
        match self.remote.as_mut().and_then(Arc::get_mut) {
            Some(remote) => (remote.refresh, remote.max_stale) = (every, max_stale),
            None => self.mistakes.push("`.refresh(..)` has no source to ask; give the source before it".into()),
        }
        self
    }

    /// Accepts only these algorithms, of those that the keys are for.
    #[must_use]
    pub fn algorithms(mut self, algorithms: impl IntoIterator<Item = JwtAlgorithm>) -> Self {
        let all: Vec<_> = algorithms.into_iter().collect();
        self.rules.algorithms = Algorithms::of(&all);
        self.forgetting()
    }

    /// The issuer that tokens must name.
    #[must_use]
    pub fn issuer(mut self, issuer: impl Into<String>) -> Self {
        self.rules.issuer = Expected::Exactly(issuer.into());
        self.forgetting()
    }

    /// Accepts tokens of any issuer, or of none.
    #[must_use]
    pub fn any_issuer(mut self) -> Self {
        self.rules.issuer = Expected::Any;
        self.forgetting()
    }

    /// The audience that tokens must name, alone or among others.
    #[must_use]
    pub fn audience(mut self, audience: impl Into<String>) -> Self {
        self.rules.audience = Expected::Exactly(audience.into());
        self.forgetting()
    }

    /// Accepts tokens for any audience, or for none.
    #[must_use]
    pub fn any_audience(mut self) -> Self {
        self.rules.audience = Expected::Any;
        self.forgetting()
    }

    /// How far the issuer's clock may be off: nothing unless told, 60 s at most.
    #[must_use]
    pub fn leeway(mut self, leeway: Duration) -> Self {
        self.rules.leeway = leeway;
        self.forgetting()
    }

    /// Accepts only tokens whose `typ` is there and this, such as `at+jwt` (RFC 9068).
    #[must_use]
    pub fn token_type(mut self, typ: impl AsRef<str>) -> Self {
        self.rules.set_kind(typ.as_ref());
        self.forgetting()
    }

    /// The claims that hold the roles, as a text or a list: `roles` and `role` unless told.
    ///
    /// A name that begins with `/` is a place inside of a claim (RFC 6901), such as `/realm_access/roles`.
    #[must_use]
    pub fn roles_claims<N: Into<String>>(mut self, names: impl IntoIterator<Item = N>) -> Self {
        self.rules.names.roles = names.into_iter().map(Into::into).collect();
        self.forgetting()
    }

    /// The claims that hold the permissions, as a list or a text with blanks: `permissions` unless told.
    ///
    /// `scope` and `scp` are what a client may do for a user, which is why they are no permissions by themselves.
    #[must_use]
    pub fn permissions_claims<N: Into<String>>(mut self, names: impl IntoIterator<Item = N>) -> Self {
        self.rules.names.permissions = names.into_iter().map(Into::into).collect();
        self.forgetting()
    }

    /// The claim that holds the tenant of the user, such as `tid`: none unless told. A token without it is not valid then.
    #[must_use]
    pub fn tenant_claim(mut self, name: impl Into<String>) -> Self {
        self.rules.names.tenant = Some(name.into());
        self.forgetting()
    }

    /// The claim of tokens that this server makes: users without a tenant have none.
    #[cfg(feature = "login")]
    pub(in super::super) fn own_tenant_claim(mut self, name: &str) -> Self {
        self.rules.names.has_own_tenants = true;
        self.tenant_claim(name)
    }

    /// The claim that holds the mail address: `email` unless told.
    #[must_use]
    pub fn email_claim(mut self, name: impl Into<String>) -> Self {
        self.rules.names.email = name.into();
        self.forgetting()
    }

    /// The claim that holds the name for people: `name` unless told.
    #[must_use]
    pub fn name_claim(mut self, name: impl Into<String>) -> Self {
        self.rules.names.name = name.into();
        self.forgetting()
    }

    /// Asks on every request whether a token was revoked; streams end within 60 s.
    #[must_use]
    pub fn revocation(mut self, check: impl RevocationCheck) -> Self {
        self.revocation = Some(Revocation::new(check));
        self
    }

    /// How many verified tokens are remembered, for up to 60 s each and never beyond their end: 1024 unless told.
    ///
    /// Zero verifies every request's token anew. Keys that change forget all of them.
    #[must_use]
    pub fn remember(mut self, tokens: usize) -> Self {
        self.verified = Verified::new(tokens);
        self
    }

    /// What was verified by other rules does not count.
    fn forgetting(mut self) -> Self {
        self.verified = self.verified.emptied();
        self
    }

    pub(in super::super) fn problems(&self) -> Vec<String> {
        let mut problems = self.mistakes.clone();
        if self.keys.keys.is_empty() && self.remote.is_none() && self.mistakes.is_empty() {
            problems.push("there is no key for JWTs; give a secret, public keys or a key set".into());
        }
        problems.extend(self.rules.problems());
        problems.extend(self.remote.iter().flat_map(|remote| remote.problems()));
        if self.rules.algorithms == Algorithms::of(&[]) {
            problems.push("no algorithm is accepted; name one with `.algorithms(..)`, or leave it out".into());
        } else if self.rules.algorithms != Algorithms::ANY && self.mistakes.is_empty() {
            for algorithm in self.rules.algorithms.iter() {
                let may_come = self.remote.is_some() && !algorithm.is_shared();
                if !may_come && !self.keys.can(algorithm) {
                    problems.push(format!("{algorithm} is accepted and has no key; give one, or leave it out"));
                }
            }
        }
        problems
    }

    /// A few words for the plan.
    pub(in super::super) fn summary(&self) -> String {
        let possible =
            |algorithm: &JwtAlgorithm| self.keys.can(*algorithm) || (self.remote.is_some() && !algorithm.is_shared());
        let names: Vec<_> = self.rules.algorithms.iter().filter(possible).map(JwtAlgorithm::name).collect();
        let source = self.remote.as_ref().map(|remote| format!(" by the keys of {}", remote.name()));
        format!("JWT {}{}", names.join(" "), source.unwrap_or_default())
    }

    /// What a token said when it was verified, if that still counts and nobody has to be asked.
    pub(in super::super) fn remembered(&self, token: &[u8], now: Duration) -> Option<Arc<Known>> {
        if self.revocation.is_some() || token.len() > LONGEST || !self.verified.keeps_any() {
            return None;
        }
        self.verified.get(self.verified.fingerprint(token), self.generation(), now)
    }

    /// Whether somebody has to be asked about a token that was good within the last minute.
    pub(in super::super) fn asks_again(&self, token: &str, now: Duration) -> bool {
        self.revocation.is_some()
            && token.len() <= LONGEST
            && self.verified.keeps_any()
            && self.verified.get(self.verified.fingerprint(token.as_bytes()), self.generation(), now).is_some()
    }

    fn generation(&self) -> u64 {
        self.remote.as_ref().map_or(0, |remote| remote.generation())
    }

    /// What a token says, if it is valid now.
    pub(in super::super) async fn verify(&self, token: &str, now: Duration) -> Result<Arc<Known>, Error> {
        if token.len() > LONGEST {
            return Err(malformed("the token is longer than 8 KiB"));
        }
        // Of before the keys: those that come meanwhile must verify it anew.
        let generation = self.generation();
        let fingerprint = self.verified.keeps_any().then(|| self.verified.fingerprint(token.as_bytes()));
        let known = match fingerprint.and_then(|fingerprint| self.verified.get(fingerprint, generation, now)) {
            Some(known) => known,
            None => {
                let known = Arc::new(self.judge(token, now).await?);
                if let Some(fingerprint) = fingerprint {
                    self.verified.insert(fingerprint, &known, known.user.expires, generation, now);
                }
                known
            }
        };
        if let Some(revocation) = &self.revocation {
            Box::pin(revocation.ask(&known)).await?;
        }
        Ok(known)
    }

    /// Verifies a token that is not remembered.
    async fn judge(&self, token: &str, now: Duration) -> Result<Known, Error> {
        let (message, signature) = token.rsplit_once('.').ok_or_else(|| malformed("the token is none"))?;
        let (header, payload) = message.split_once('.').ok_or_else(|| malformed("the token is none"))?;
        // Strict: without padding, and with no bits to spare.
        let header = URL_SAFE_NO_PAD.decode(header).map_err(|_| malformed("the token's header is no base64url"))?;
        let header: Header<'_> = read(&header)?;
        if !self.rules.algorithms.has(header.algorithm) {
            return Err(invalid("the token has another algorithm"));
        }
        if !self.rules.accepts_kind(header.kind.as_deref()) {
            return Err(invalid("the token is made for another purpose"));
        }
        let signature =
            URL_SAFE_NO_PAD.decode(signature).map_err(|_| malformed("the token's signature is no base64url"))?;
        if !self.is_signed(&header, message.as_bytes(), &signature).await? {
            return Err(invalid("no key has made the token's signature"));
        }
        let payload = URL_SAFE_NO_PAD.decode(payload).map_err(|_| malformed("the token's claims are no base64url"))?;
        self.rules.user(read(&payload)?, now)
    }

    /// Whether one of the keys has made a signature.
    async fn is_signed(&self, header: &Header<'_>, message: &[u8], signature: &Vec<u8>) -> Result<bool, Error> {
        let id = header.key.as_deref();
        let fits = |set: &KeySet| {
            let mut keys = set.candidates(header.algorithm, id);
            keys.any(|key| key.verifies(header.algorithm, message, signature))
        };
        if fits(&self.keys) {
            return Ok(true);
        }
        let Some(remote) = self.remote.as_ref().filter(|_| !header.algorithm.is_shared()) else { return Ok(false) };
        // Boxed: waiting for a source would make the future of every token large.
        Box::pin(async {
            let set = remote.current().await?;
            if fits(&set) {
                return Ok(true);
            }
            let Some(id) = id.filter(|id| !set.names(id) && !self.keys.names(id)) else { return Ok(false) };
            Ok(remote.with_name(id).await.is_some_and(|set| fits(&set)))
        })
        .await
    }

    /// Whether a stream may go on, if that can change before the token ends.
    pub(in super::super) fn still_good(
        &self,
        known: &Arc<Known>,
    ) -> Option<impl Fn() -> BoxFuture<'static, bool> + Send + Sync + 'static> {
        self.revocation.as_ref().map(|revocation| revocation.still_good(Arc::clone(known)))
    }
}

/// Reads JSON that a token brought.
fn read<'a, T: serde::Deserialize<'a>>(json: &'a [u8]) -> Result<T, Error> {
    // What the parser says would quote the token.
    serde_json::from_slice(json).map_err(|_| malformed("the token's JSON is not what a token has"))
}

/// What is wrong with a set that is at hand.
pub(super) fn set_problems(text: &str, name: &str) -> Vec<String> {
    match jwk::read(text) {
        Err(problem) => vec![format!("{name}: {problem}")],
        Ok(read) if read.keys.is_empty() && read.refused.is_empty() => {
            let why = read.skipped.join("; ");
            vec![format!("{name} has no key that can be used; give one of RSA, P-256, P-384 or Ed25519 ({why})")]
        }
        Ok(read) => read.refused.iter().map(|refused| format!("{name}: {refused}")).collect(),
    }
}

impl fmt::Debug for JwtKeys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "JwtKeys({})", self.summary())
    }
}

#[cfg(test)]
#[path = "keys_tests.rs"]
mod tests;
