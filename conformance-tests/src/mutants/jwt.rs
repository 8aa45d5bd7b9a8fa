//! JWTs: signature, times and claims.

use neurolink_core::Request;
use serde_json::Value;

use super::edit::{credential, set, text};
use super::mutant::Mutant;

const AREAS: &[&str] = &["auth"];

pub(super) const ALL: &[Mutant] = &[
    Mutant::new("jwts-are-off", &["auth", "roles"], "no JWT is known").config(|config| config.auth.jwt = None),
    Mutant::new("jwts-are-not-verified", AREAS, "claims are believed without their signature").request(|request| {
        accept(request, |token| {
            claims(token).is_some_and(|claims| is_ours(&claims) && is_now(&claims) && claims["sub"].is_string())
        });
    }),
    Mutant::new("jwt-algorithm-is-the-tokens", AREAS, "the token chooses its algorithm").request(|request| {
        accept(request, |token| part(token, 0).is_some_and(|head| head["alg"] != "HS256"));
    }),
    Mutant::new("jwt-signature-is-half-checked", AREAS, "a JWT without a signature is right").request(|request| {
        accept(request, |token| token.split('.').nth(2).is_none_or(str::is_empty));
    }),
    Mutant::new("jwt-secret-is-another", AREAS, "JWTs are checked with another secret").request(|request| {
        let given = bearer(request);
        if given == credential("jwt-other-secret") {
            accept(request, |_| true);
        } else if given == credential("jwt-valid") {
            set(request.headers_mut(), "authorization", "Bearer wrong");
        }
    }),
    Mutant::new("jwt-critical-headers-are-ignored", AREAS, "`crit` is not looked at").request(|request| {
        accept(request, |token| part(token, 0).is_some_and(|head| head["crit"].is_array()));
    }),
    Mutant::new("jwt-never-expires", AREAS, "`exp` is not looked at").request(|request| {
        accept(request, |token| claims(token).is_some_and(|claims| is_ours(&claims) && !is_now(&claims)));
    }),
    Mutant::new("jwt-expiry-is-told-as-wrong", AREAS, "an expired JWT is a wrong one").json(|_, value| {
        if value["error"]["code"] == "TOKEN_EXPIRED" {
            super::edit::replace(value, &["error", "code"], "AUTH_INVALID");
        }
    }),
    Mutant::new("jwt-not-before-is-ignored", AREAS, "`nbf` is not looked at").request(|request| {
        accept(request, |token| claims(token).is_some_and(|claims| claims["nbf"].is_number()));
    }),
    Mutant::new("jwt-needs-no-expiry", AREAS, "a JWT without `exp` is right").request(|request| {
        accept(request, |token| claims(token).is_some_and(|claims| claims["exp"].is_null()));
    }),
    Mutant::new("jwt-needs-no-subject", AREAS, "a JWT without `sub` is right").request(|request| {
        accept(request, |token| claims(token).is_some_and(|claims| claims["sub"].is_null()));
    }),
    Mutant::new("jwt-issuer-is-not-asked", AREAS, "any issuer is right").config(|config| {
        if let Some(jwt) = &mut config.auth.jwt {
            jwt.issuer = None;
            jwt.any_issuer = true;
        }
    }),
    Mutant::new("jwt-audience-is-not-asked", AREAS, "any audience is right").config(|config| {
        if let Some(jwt) = &mut config.auth.jwt {
            jwt.audience = None;
            jwt.any_audience = true;
        }
    }),
    Mutant::new("jwt-audience-is-one-text", AREAS, "a list of audiences is wrong").request(|request| {
        if claims(&bearer(request)).is_some_and(|claims| claims["aud"].is_array()) {
            set(request.headers_mut(), "authorization", "Bearer wrong");
        }
    }),
    Mutant::new("jwt-roles-are-believed", &["roles"], "a JWT of anybody is an admin's").request(|request| {
        if bearer(request).contains('.') {
            set(request.headers_mut(), "authorization", &format!("Bearer {}", credential("jwt-admin")));
        }
    }),
    Mutant::new("jwt-roles-are-lost", &["roles"], "a JWT gives no role").request(|request| {
        if bearer(request) == credential("jwt-admin") {
            set(request.headers_mut(), "authorization", &format!("Bearer {}", credential("jwt-valid")));
        }
    }),
];

fn bearer(request: &Request) -> String {
    text(request.headers(), "authorization").trim_start_matches("Bearer ").to_owned()
}

/// Takes a JWT that this likes for a right one of an admin's, who passes everywhere.
fn accept(request: &mut Request, likes: impl FnOnce(&str) -> bool) {
    let given = bearer(request);
    if given.contains('.') && given != credential("jwt-valid") && likes(&given) {
        set(request.headers_mut(), "authorization", &format!("Bearer {}", credential("jwt-admin")));
    }
}

fn is_ours(claims: &Value) -> bool {
    claims["iss"] == "https://issuer.example" && claims["aud"] == "neurolink"
}

/// The reference's times are far away from today.
fn is_now(claims: &Value) -> bool {
    claims["exp"].as_u64().is_some_and(|exp| exp > 2_000_000_000) && claims["nbf"].is_null()
}

fn claims(token: &str) -> Option<Value> {
    part(token, 1)
}

/// One part of a JWT as JSON.
fn part(token: &str, at: usize) -> Option<Value> {
    serde_json::from_slice(&base64url(token.split('.').nth(at)?)?).ok()
}

fn base64url(text: &str) -> Option<Vec<u8>> {
    const ALPHABET: &[u8] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    let mut out = Vec::new();
    let (mut bits, mut held) = (0_u32, 0);
    for byte in text.bytes() {
        bits = bits << 6 | u32::try_from(ALPHABET.iter().position(|letter| *letter == byte)?).ok()?;
        held += 6;
        if held >= 8 {
            held -= 8;
            out.push(u8::try_from(bits >> held & 0xff).ok()?);
        }
    }
    Some(out)
}
