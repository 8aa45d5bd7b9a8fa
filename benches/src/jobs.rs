//! The five jobs' settings, the same for every server.

use governor::clock::DefaultClock;
use governor::state::keyed::DefaultKeyedStateStore;
use governor::{Quota, RateLimiter};
use jsonwebtoken::{Algorithm, DecodingKey, EncodingKey, Header, Validation};
use serde::{Deserialize, Serialize};
use std::net::IpAddr;
use std::num::NonZeroU32;
use std::sync::LazyLock;

/// The origin that may come in.
pub(crate) const ORIGIN: &str = "https://app.example.com";

pub(crate) const SECRET: &[u8] = b"a-secret-of-at-least-thirty-two-bytes";

/// Issuer and audience of the token.
pub(crate) const PARTY: &str = "bench";

/// The headers of our preset `modern`.
pub(crate) const HEADERS: [(&str, &str); 9] = [
    ("x-frame-options", "DENY"),
    ("x-xss-protection", "0"),
    ("content-security-policy", "default-src 'none'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'"),
    ("referrer-policy", "no-referrer"),
    ("permissions-policy", "geolocation=(), microphone=(), camera=()"),
    ("x-content-type-options", "nosniff"),
    ("cross-origin-opener-policy", "same-origin"),
    ("cross-origin-resource-policy", "same-origin"),
    ("origin-agent-cluster", "?1"),
];

/// What the token says.
#[derive(Clone, Serialize, Deserialize)]
pub(crate) struct Claims {
    pub(crate) sub: String,
    iss: String,
    aud: String,
    exp: u64,
}

/// The token that the load sends.
pub(crate) fn token() -> String {
    let claims = Claims { sub: "bench".into(), iss: PARTY.into(), aud: PARTY.into(), exp: 4_102_444_800 };
    jsonwebtoken::encode(&Header::default(), &claims, &EncodingKey::from_secret(SECRET)).expect("a token")
}

/// The caller, by the usual crate.
pub(crate) fn verify(authorization: Option<&str>) -> Option<Claims> {
    static KEY: LazyLock<DecodingKey> = LazyLock::new(|| DecodingKey::from_secret(SECRET));
    static VALIDATION: LazyLock<Validation> = LazyLock::new(|| {
        let mut validation = Validation::new(Algorithm::HS256);
        validation.set_issuer(&[PARTY]);
        validation.set_audience(&[PARTY]);
        validation
    });
    let token = authorization?.strip_prefix("Bearer ")?;
    jsonwebtoken::decode::<Claims>(token, &KEY, &VALIDATION).ok().map(|token| token.claims)
}

/// The usual limit by address.
pub(crate) type Limit = RateLimiter<IpAddr, DefaultKeyedStateStore<IpAddr>, DefaultClock>;

/// A limit that nobody reaches.
pub(crate) fn limit() -> Limit {
    RateLimiter::keyed(Quota::per_second(NonZeroU32::MAX))
}
