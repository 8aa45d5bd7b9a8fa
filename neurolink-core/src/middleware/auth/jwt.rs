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
mod tests {
    use jsonwebtoken::{EncodingKey, Header, encode};
    use serde_json::json;

    use super::*;

    const SECRET: &str = "0123456789abcdef0123456789abcdef";
    const NOW: Duration = Duration::from_secs(1_700_000_000);

    fn keys() -> JwtKeys {
        JwtKeys::hs256(SECRET).issuer("iss").audience("aud")
    }

    fn token(header: &Header, claims: &Value) -> String {
        encode(header, claims, &EncodingKey::from_secret(SECRET.as_bytes())).expect("a token")
    }

    fn claims() -> Value {
        json!({ "sub": "u1", "iss": "iss", "aud": "aud", "exp": 1_700_000_060, "roles": ["a"], "role": "b", "team": "x" })
    }

    fn with(name: &str, value: Value) -> Value {
        let mut claims = claims();
        claims[name] = value;
        claims
    }

    fn without(name: &str) -> Value {
        let mut claims = claims();
        claims.as_object_mut().expect("an object").remove(name);
        claims
    }

    fn code(claims: &Value) -> Option<Code> {
        keys().verify(&token(&Header::default(), claims), NOW).err().map(|error| error.code())
    }

    #[test]
    fn claims_become_the_user() {
        let claims = with("email", json!("u1@example.com"));
        let user = keys().verify(&token(&Header::default(), &claims), NOW).expect("valid");
        assert_eq!(user.email.as_deref(), Some("u1@example.com"));
        assert_eq!((user.id.as_str(), user.roles.as_slice()), ("u1", &["a".to_owned(), "b".to_owned()][..]));
        assert_eq!(user.expires, Some(NOW + Duration::from_secs(60)));
        assert_eq!(user.metadata, json!({ "team": "x" }).as_object().expect("an object").clone());
        let user = keys().verify(&token(&Header::default(), &without("roles")), NOW).expect("valid");
        assert_eq!(user.roles, ["b"]);
    }

    #[test]
    fn every_claim_that_is_expected_must_be_there_and_right() {
        use Code::{AuthInvalid, TokenExpired};
        for (claims, expected) in [
            (with("aud", json!(["other", "aud"])), None),
            (with("nbf", json!(1_700_000_000)), None),
            (with("exp", json!(1_700_000_000)), Some(TokenExpired)),
            (with("exp", json!("1700000060")), Some(AuthInvalid)),
            (without("exp"), Some(AuthInvalid)),
            (with("nbf", json!(1_700_000_001)), Some(AuthInvalid)),
            (with("nbf", json!("soon")), Some(AuthInvalid)),
            (with("exp", json!(253_402_300_799_u64)), None),
            (with("exp", json!(253_402_300_800_u64)), Some(AuthInvalid)),
            (with("exp", json!(1_700_000_060_000_u64)), Some(AuthInvalid)),
            (with("exp", json!(18_446_744_073_709_551_616_f64)), Some(AuthInvalid)),
            (with("exp", json!(1e300)), Some(AuthInvalid)),
            (with("exp", json!(-1)), Some(TokenExpired)),
            (with("nbf", json!(-1e300)), Some(AuthInvalid)),
            (with("iat", json!(1_700_000_060)), None),
            (with("iat", json!(1_700_000_061)), Some(AuthInvalid)),
            (with("iat", json!("now")), Some(AuthInvalid)),
            (with("iat", json!(null)), Some(AuthInvalid)),
            (with("iss", json!("other")), Some(AuthInvalid)),
            (with("iss", json!(["iss"])), Some(AuthInvalid)),
            (without("iss"), Some(AuthInvalid)),
            (with("aud", json!("other")), Some(AuthInvalid)),
            (with("aud", json!(["aud", 1])), Some(AuthInvalid)),
            (without("aud"), Some(AuthInvalid)),
            (without("sub"), Some(AuthInvalid)),
            (with("sub", json!("")), Some(AuthInvalid)),
            (with("sub", json!(1)), Some(AuthInvalid)),
            (with("sub", json!(" \u{a0}")), Some(AuthInvalid)),
            (with("sub", json!("a\nb")), Some(AuthInvalid)),
            (with("sub", json!("a\u{202e}b")), Some(AuthInvalid)),
            (with("sub", json!("é".repeat(256))), None),
            (with("sub", json!("é".repeat(257))), Some(AuthInvalid)),
        ] {
            assert_eq!(code(&claims), expected, "{claims}");
        }
    }

    #[test]
    fn other_algorithms_other_keys_and_tricks_are_refused() {
        let good = token(&Header::default(), &claims());
        let (head, rest) = good.split_once('.').expect("three parts");
        let none = "eyJhbGciOiJub25lIn0"; // {"alg":"none"}
        let crit = Header { crit: Some(vec!["b64".into()]), ..Header::default() };
        let tampered = format!("{head}.{}", rest.replacen('e', "f", 1));
        let other =
            encode(&Header::default(), &claims(), &EncodingKey::from_secret(b"another secret, another secret, 32"));
        for token in [
            token(&Header::new(Algorithm::HS512), &claims()),
            token(&crit, &claims()),
            format!("{none}.{rest}"),
            format!("{none}.{}.", rest.split('.').next().expect("a payload")),
            tampered,
            other.expect("a token"),
            format!("{good}x"),
            format!("{good}."),
            format!("{head}x.{rest}"),
            "a.b.c".into(),
            "..".into(),
            "x".repeat(9000),
            String::new(),
        ] {
            let error = keys().verify(&token, NOW).expect_err(&token);
            assert_eq!(error.code(), Code::AuthInvalid, "{token}");
        }
    }

    #[test]
    fn a_claim_that_is_there_twice_is_refused() {
        let claims = claims().to_string().replacen('{', r#"{"sub":"u2","#, 1);
        let message = format!("{}.{}", PLAIN_HEADERS[0], URL_SAFE_NO_PAD.encode(claims));
        let key = EncodingKey::from_secret(SECRET.as_bytes());
        let signature = crypto::sign(message.as_bytes(), &key, Algorithm::HS256).expect("a signature");
        let error = keys().verify(&format!("{message}.{signature}"), NOW).expect_err("twice");
        assert_eq!(error.code(), Code::AuthInvalid);
    }

    #[test]
    fn headers_that_are_not_read_are_what_a_reader_would_find() {
        for header in PLAIN_HEADERS {
            let header = decode_header(format!("{header}.e30.x")).expect("a header");
            assert_eq!((header.alg, header.crit), (Algorithm::HS256, None));
        }
    }

    #[test]
    fn a_remembered_token_still_ends_and_is_the_same_user() {
        let keys = keys();
        let token = token(&Header::default(), &claims());
        let first = keys.verify(&token, NOW).expect("valid");
        assert!(keys.verify(&token, NOW).expect("remembered") == first);
        assert!(keys.clone().verify(&token, NOW + Duration::from_secs(59)).is_ok());
        let error = keys.verify(&token, NOW + Duration::from_secs(60)).expect_err("ended");
        assert_eq!(error.code(), Code::TokenExpired);
    }

    #[test]
    fn what_was_verified_by_other_rules_is_not_remembered() {
        let token = token(&Header::default(), &claims());
        let first = keys();
        assert!(first.verify(&token, NOW).is_ok());
        assert!(first.clone().audience("other").verify(&token, NOW).is_err());
        assert!(first.clone().issuer("other").verify(&token, NOW).is_err());
        assert!(first.verify(&token, NOW).is_ok());
    }

    #[test]
    fn mistakes_name_their_fix() {
        let problems = JwtKeys::hs256("short").leeway(Duration::from_secs(61)).problems().join("\n");
        for part in ["has 5 bytes", "`.issuer(..)`", "`.any_audience()`", "more than 60 s"] {
            assert!(problems.contains(part), "{part}: {problems}");
        }
        assert!(JwtKeys::hs256(SECRET).any_issuer().any_audience().problems().is_empty());
    }

    #[test]
    fn debug_shows_no_secret() {
        assert!(!format!("{:?}", keys()).contains(SECRET));
    }
}
