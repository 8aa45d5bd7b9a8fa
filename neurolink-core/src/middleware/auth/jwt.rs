use std::fmt;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jsonwebtoken::{Algorithm, DecodingKey, crypto, decode_header};
use serde_json::Value;

use super::claims::{Claim, Claims};
use super::verified::Verified;
use crate::{AuthenticatedUser, Code, Error};

/// The longest token that is decoded, in bytes.
const LONGEST: usize = 8 * 1024;
/// The fewest bytes of an HS256 secret (RFC 7518, section 3.2).
const SHORTEST_SECRET: usize = 32;
/// The most that clocks may differ.
const MOST_LEEWAY: Duration = Duration::from_secs(60);
/// The last second of the year 9999; what is later was written in milliseconds, or is no time at all.
const LAST_DATE: f64 = 253_402_300_799.0;
/// Headers that need no reading: the algorithm alone, or with the type, in both orders.
const PLAIN_HEADERS: [&str; 3] = [
    "eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9", // {"alg":"HS256","typ":"JWT"}
    "eyJ0eXAiOiJKV1QiLCJhbGciOiJIUzI1NiJ9", // {"typ":"JWT","alg":"HS256"}
    "eyJhbGciOiJIUzI1NiJ9",                 // {"alg":"HS256"}
];
/// How many verified tokens are remembered unless told.
const REMEMBERED: usize = 1024;
/// The longest `sub`, in characters.
const LONGEST_SUBJECT: usize = 256;

/// What JSON Web Tokens are verified with: one algorithm, pinned, and what their claims must say (RFC 8725).
///
/// `exp` and `sub` must be there; `iss` and `aud` must be there and equal, unless it is said that any will do.
/// Times are seconds up to the year 9999; `iat` may be missing, but is not in the future by more than 60 s.
/// `sub` has at most 256 characters, none of which is a control or bidirectional mark, and not only blanks.
/// Headers that name keys (`jku`, `x5u`, `jwk`) are ignored; `crit` is refused, and so is a claim that is there twice.
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
    key: DecodingKey,
    secret_bytes: usize,
    issuer: Expected,
    audience: Expected,
    leeway: Duration,
    verified: Verified,
}

#[derive(Clone)]
enum Expected {
    Undecided,
    Any,
    Exactly(String),
}

impl JwtKeys {
    /// HMAC with SHA-256 and a secret of at least 32 bytes.
    #[must_use]
    pub fn hs256(secret: impl AsRef<[u8]>) -> Self {
        let secret = secret.as_ref();
        Self {
            key: DecodingKey::from_secret(secret),
            secret_bytes: secret.len(),
            issuer: Expected::Undecided,
            audience: Expected::Undecided,
            leeway: Duration::ZERO,
            verified: Verified::new(REMEMBERED),
        }
    }

    /// The issuer that tokens must name.
    #[must_use]
    pub fn issuer(mut self, issuer: impl Into<String>) -> Self {
        self.issuer = Expected::Exactly(issuer.into());
        self.forgetting()
    }

    /// Accepts tokens of any issuer, or of none.
    #[must_use]
    pub fn any_issuer(mut self) -> Self {
        self.issuer = Expected::Any;
        self.forgetting()
    }

    /// The audience that tokens must name, alone or among others.
    #[must_use]
    pub fn audience(mut self, audience: impl Into<String>) -> Self {
        self.audience = Expected::Exactly(audience.into());
        self.forgetting()
    }

    /// Accepts tokens for any audience, or for none.
    #[must_use]
    pub fn any_audience(mut self) -> Self {
        self.audience = Expected::Any;
        self.forgetting()
    }

    /// How far the issuer's clock may be off: nothing unless told, 60 s at most.
    #[must_use]
    pub fn leeway(mut self, leeway: Duration) -> Self {
        self.leeway = leeway;
        self.forgetting()
    }

    /// The keys with a memory of their own: what others have verified was verified by other rules.
    fn forgetting(mut self) -> Self {
        self.verified = self.verified.emptied();
        self
    }

    /// How many tokens that were verified are remembered: 1024 unless told, 0 for none.
    ///
    /// Only the SHA-256 of a token is kept, with its user, for at most 60 s and never beyond its end; times are compared
    /// on each request. What was refused is never remembered.
    #[must_use]
    pub fn remember(mut self, tokens: usize) -> Self {
        self.verified = Verified::new(tokens);
        self
    }

    pub(super) fn problems(&self) -> Vec<String> {
        let mut problems = Vec::new();
        if self.secret_bytes < SHORTEST_SECRET {
            problems.push(format!(
                "the JWT secret has {} bytes; HS256 needs at least {SHORTEST_SECRET}, for example of `openssl rand -hex 32`",
                self.secret_bytes
            ));
        }
        let expected = [(&self.issuer, "issuer", "any_issuer"), (&self.audience, "audience", "any_audience")];
        for (expected, name, any) in expected {
            match expected {
                Expected::Undecided => problems.push(format!(
                    "tokens of every {name} would be accepted; name it with `.{name}(..)`, or say `.{any}()`"
                )),
                Expected::Exactly(text) if text.is_empty() => {
                    problems.push(format!("the {name} is empty; name it, or say `.{any}()`"));
                }
                _ => {}
            }
        }
        if self.leeway > MOST_LEEWAY {
            problems.push("the leeway is more than 60 s; set the clocks instead".into());
        }
        problems
    }

    /// The user of a token that is valid now.
    pub(super) fn verify(&self, token: &str, now: Duration) -> Result<AuthenticatedUser, Error> {
        let invalid = |reason: &'static str| Error::new(Code::AuthInvalid).with_source(reason);
        if token.len() > LONGEST {
            return Err(invalid("the token is longer than 8 KiB"));
        }
        let remembered = self.verified.place(token);
        if let Some(user) = remembered.and_then(|place| self.verified.get(&place, now)) {
            return Ok(user);
        }
        let (message, signature) = token.rsplit_once('.').ok_or_else(|| invalid("the token is none"))?;
        let (header, payload) = message.split_once('.').ok_or_else(|| invalid("the token is none"))?;
        if !PLAIN_HEADERS.contains(&header) {
            let header = decode_header(token).map_err(|error| Error::new(Code::AuthInvalid).with_source(error))?;
            if header.alg != Algorithm::HS256 {
                return Err(invalid("the token has another algorithm"));
            }
            if header.crit.is_some() {
                return Err(invalid("the token has a critical header"));
            }
        }
        let good = crypto::verify(signature, message.as_bytes(), &self.key, Algorithm::HS256)
            .map_err(|error| Error::new(Code::AuthInvalid).with_source(error))?;
        if !good {
            return Err(invalid("the token's signature is another"));
        }
        let payload = URL_SAFE_NO_PAD.decode(payload).map_err(|_| invalid("the token's claims are no base64url"))?;
        let claims =
            serde_json::from_slice(&payload).map_err(|error| Error::new(Code::AuthInvalid).with_source(error))?;
        let user = self.user(claims, now)?;
        if let Some(place) = remembered {
            self.verified.insert(place, &user, now);
        }
        Ok(user)
    }

    /// The user of claims whose signature is good.
    fn user(&self, mut claims: Claims, now: Duration) -> Result<AuthenticatedUser, Error> {
        let invalid = |reason: &'static str| Error::new(Code::AuthInvalid).with_source(reason);
        let (now, leeway) = (now.as_secs_f64(), self.leeway.as_secs_f64());
        let time = |name| claims.get(name).map(date);
        let ends = match time(Claim::Exp) {
            Some(Some(expires)) if expires + leeway > now => expires + leeway,
            Some(Some(_)) => return Err(Error::new(Code::TokenExpired)),
            _ => return Err(invalid("the token has no valid exp")),
        };
        match time(Claim::Nbf) {
            None => {}
            Some(Some(from)) if from - leeway <= now => {}
            _ => return Err(invalid("the token is not valid yet")),
        }
        match time(Claim::Iat) {
            None => {}
            // It gives no rights, so that the clocks may differ even where `exp` and `nbf` are strict.
            Some(Some(issued)) if issued <= now + MOST_LEEWAY.as_secs_f64() => {}
            _ => return Err(invalid("the token has no valid iat")),
        }
        if let Expected::Exactly(issuer) = &self.issuer
            && claims.get(Claim::Iss).and_then(Value::as_str) != Some(issuer)
        {
            return Err(invalid("the token is of another issuer"));
        }
        if let Expected::Exactly(audience) = &self.audience
            && !names(claims.get(Claim::Aud), audience)
        {
            return Err(invalid("the token is for another audience"));
        }
        let Some(Value::String(subject)) = claims.take(Claim::Sub) else {
            return Err(invalid("the token has no sub"));
        };
        if !is_subject(&subject) {
            return Err(invalid("the token has no valid sub"));
        }
        let mut user = user(subject, claims);
        // One that is too far away to be told is no end.
        user.expires = Duration::try_from_secs_f64(ends).ok();
        Ok(user)
    }
}

/// A NumericDate (RFC 7519, section 2): seconds that some calendar has.
fn date(claim: &Value) -> Option<f64> {
    claim.as_f64().filter(|seconds| seconds.abs() <= LAST_DATE)
}

/// Whether a text can name a user: what would break or turn round a line of log cannot.
fn is_subject(text: &str) -> bool {
    let unseen = |c: char| {
        c.is_control()
            || matches!(c, '\u{61c}' | '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
    };
    !text.trim().is_empty() && !text.contains(unseen) && text.chars().count() <= LONGEST_SUBJECT
}

/// Whether `aud` is the audience or holds it; a list that holds anything but text is not valid (RFC 7519, section 4.1.3).
fn names(claim: Option<&Value>, audience: &str) -> bool {
    match claim {
        Some(Value::String(own)) => own == audience,
        Some(Value::Array(all)) => {
            all.iter().all(Value::is_string) && all.iter().any(|own| own.as_str() == Some(audience))
        }
        _ => false,
    }
}

fn user(subject: String, mut claims: Claims) -> AuthenticatedUser {
    let mut user = AuthenticatedUser::new(subject);
    let text = |value: Option<Value>| match value {
        Some(Value::String(text)) => Some(text),
        _ => None,
    };
    let list = |value: Option<Value>| -> Vec<String> {
        match value {
            Some(Value::String(one)) => vec![one],
            Some(Value::Array(all)) => all.iter().filter_map(Value::as_str).map(ToOwned::to_owned).collect(),
            _ => Vec::new(),
        }
    };
    user.email = text(claims.take(Claim::Email));
    user.name = text(claims.take(Claim::Name));
    user.roles = list(claims.take(Claim::Roles));
    user.roles.extend(list(claims.take(Claim::Role)));
    user.permissions = list(claims.take(Claim::Permissions));
    user.metadata = claims.others;
    user
}

impl fmt::Debug for JwtKeys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("JwtKeys(HS256)")
    }
}

#[cfg(test)]
#[path = "jwt_tests.rs"]
mod tests;
