//! The attack table: each attack succeeds on some server, and what is right is wrong on another.

use http::header;
use neurolink_core::Request;

use super::edit::{become_user, is, set, text};
use super::mutant::Mutant;
use crate::tokens::tokens;

const AREAS: &[&str] = &["jwt"];

/// A server that believes the tokens of the table whose names begin so.
macro_rules! believes {
    ($name:literal, $breaks:literal, $($begins:literal),+) => {
        Mutant::new($name, AREAS, $breaks).request(|request| {
            if presents(request, &[$($begins),+]) {
                become_user(request, "jwt-admin");
            }
        })
    };
}

/// A server that refuses them.
macro_rules! refuses {
    ($name:literal, $breaks:literal, $($begins:literal),+) => {
        Mutant::new($name, AREAS, $breaks).request(|request| {
            if presents(request, &[$($begins),+]) {
                set(request.headers_mut(), "authorization", "Bearer wrong");
            }
        })
    };
}

pub(super) const ALL: &[Mutant] = &[
    believes!("token-chooses-no-algorithm", "`none` is an algorithm in every spelling", "none-"),
    believes!("token-chooses-unknown-algorithm", "an algorithm that is not known is HS256", "alg-"),
    believes!("public-keys-are-secrets", "a public key verifies HS256", "rsa-key-as-secret-", "ec-key-", "ed-key-"),
    believes!("secrets-are-for-every-algorithm", "HS384 and HS512 are right where HS256 is pinned", "hs384-", "hs512-"),
    believes!("rsa-is-rsa", "PKCS #1 and PSS are the same", "rs256-by-", "ps256-by-", "rs512-by-"),
    believes!("keys-are-for-everything", "`alg` and `use` of a key are not looked at", "key-of-"),
    believes!("secrets-that-are-weak", "other secrets are right", "secret-"),
    believes!(
        "curves-are-all-alike",
        "a signature of another curve is right",
        "es384-by-",
        "es256-by-",
        "es256-named-"
    ),
    believes!("psychic-signatures", "r and s of zero are right", "psychic-"),
    believes!("ecdsa-in-every-form", "DER and other lengths are right", "es256-der", "es256-short", "es256-long"),
    believes!(
        "zeros-are-a-signature",
        "zeros are a signature",
        "eddsa-zero",
        "eddsa-id",
        "rs256-zero",
        "rs256-one",
        "rs256-short",
        "rs256-padded"
    ),
    believes!("nothing-is-a-signature", "an empty signature is right", "empty-signature-", "exp-past-unsigned"),
    believes!("strangers-are-known", "the name of a key is enough", "stranger-"),
    believes!("tokens-bring-their-keys", "`jwk`, `jku`, `x5u` and `x5c` are believed", "brings-"),
    believes!(
        "keys-need-no-name",
        "a key of another name is tried",
        "kid-unknown",
        "kid-case",
        "kid-prefix",
        "kid-empty",
        "kid-of-"
    ),
    believes!(
        "names-of-keys-are-looked-up",
        "`kid` is a path and a query",
        "kid-traversal",
        "kid-sql",
        "kid-command",
        "kid-url"
    ),
    believes!(
        "names-of-keys-are-anything",
        "`kid` is not looked at",
        "kid-long",
        "kid-number",
        "kid-null",
        "kid-list",
        "kid-object"
    ),
    believes!("critical-headers-do-not-matter", "`crit` is not looked at", "crit-"),
    believes!("claims-need-no-encoding", "`b64` is not looked at", "b64-"),
    believes!(
        "types-are-all-alike",
        "`typ` is not looked at",
        "typ-logout",
        "typ-dpop",
        "typ-secevent",
        "typ-jwe",
        "typ-empty",
        "typ-number",
        "typ-null"
    ),
    believes!("tokens-in-tokens", "a token in a token is unpacked", "nested", "cty-jwt"),
    believes!("encrypted-tokens", "what is encrypted or compressed is right", "jwe", "compressed"),
    believes!(
        "tokens-of-any-number-of-parts",
        "dots are not counted",
        "truncated",
        "two-parts",
        "one-part",
        "four-parts",
        "dots",
        "leading-dot",
        "trailing-dot",
        "garbage"
    ),
    believes!(
        "base64-of-every-form",
        "padding and spare bits are ignored",
        "padded-",
        "spare-bits",
        "standard-alphabet"
    ),
    believes!("changes-do-not-matter", "a changed token is right", "changed-"),
    believes!("claims-of-every-kind", "claims that are no object are right", "claims-"),
    believes!("headers-of-every-kind", "a header that is no object is right", "header-list", "header-cut"),
    believes!("names-that-are-there-twice", "the last of two wins", "twice-"),
    believes!("issuers-are-all-alike", "`iss` is not looked at", "iss-"),
    believes!(
        "audiences-are-all-alike",
        "`aud` is not looked at",
        "aud-missing",
        "aud-n",
        "aud-o",
        "aud-boolean",
        "aud-c",
        "aud-l",
        "aud-w"
    ),
    believes!(
        "expiries-of-every-kind",
        "`exp` that is no date is no end",
        "exp-missing",
        "exp-null",
        "exp-object",
        "exp-text",
        "exp-list",
        "exp-m",
        "exp-y",
        "exp-2",
        "exp-1",
        "exp-o",
        "exp-boolean"
    ),
    believes!(
        "subjects-of-every-kind",
        "`sub` is not looked at",
        "sub-missing",
        "sub-n",
        "sub-o",
        "sub-boolean",
        "sub-e",
        "sub-blank",
        "sub-line",
        "sub-bidi",
        "sub-l"
    ),
    believes!("not-before-is-ignored", "`nbf` is not looked at", "nbf-future", "nbf-text", "nbf-null", "nbf-object"),
    believes!("issue-is-ignored", "`iat` is not looked at", "iat-future", "iat-text", "iat-null"),
    believes!("ids-of-every-kind", "`jti` is not looked at", "jti-"),
    believes!("tokens-of-every-length", "a long token is decoded", "long-8k"),
    Mutant::new("only-secrets-verify", AREAS, "there is no key set").config(|config| {
        if let Some(jwt) = &mut config.auth.jwt {
            jwt.jwks = None;
        }
    }),
    Mutant::new("only-keys-verify", AREAS, "there is no secret").config(|config| {
        if let Some(jwt) = &mut config.auth.jwt {
            jwt.secret = None;
        }
    }),
    refuses!(
        "keys-must-be-named",
        "a token without `kid` is wrong",
        "rs256-no",
        "rs384-no",
        "es256-no",
        "eddsa-no",
        "ps256-no"
    ),
    refuses!("one-key-at-one-time", "the second key of a kind is not tried", "ps256-second"),
    refuses!("secrets-have-names", "`kid` must be of a key", "hs256-any-kid"),
    refuses!("type-must-be-jwt", "`typ` must be `JWT`", "typ-none", "typ-access-token", "typ-long", "typ-case"),
    refuses!("headers-are-compared-as-text", "a header in another order is wrong", "header-"),
    refuses!("an-audience-is-one", "a list of audiences is wrong", "aud-list"),
    refuses!("times-are-whole", "times with fractions, `nbf` and `iat` are wrong", "exp-float", "nbf-past", "iat-past"),
    refuses!("keys-in-headers-are-wrong", "a key in the header makes a token wrong", "jwk-", "jku-", "x5u-", "x5c-"),
    refuses!("names-are-ascii", "other letters are wrong", "sub-unicode"),
    refuses!("expired-is-invalid", "an expired token is told as a wrong one", "exp-past", "exp-zero", "exp-negative"),
    Mutant::new("strangers-are-told-an-error", AREAS, "the challenge tells an error without credentials").response(
        |head, response| {
            if !head.headers.contains_key(header::AUTHORIZATION) {
                set(response.headers_mut(), "www-authenticate", "Bearer realm=\"neurolink\", error=\"invalid_token\"");
            }
        },
    ),
    Mutant::new("only-get-verifies", AREAS, "another method needs no valid token").request(|request| {
        if request.method() != http::Method::GET {
            become_user(request, "jwt-admin");
        }
    }),
    Mutant::new("only-paths-of-routes-verify", AREAS, "an unknown path needs no valid token").request(|request| {
        if request.uri().path().ends_with("/nothing-here") {
            become_user(request, "jwt-admin");
        }
    }),
    Mutant::new("every-signer-is-an-admin", AREAS, "roles are not read").request(|request| {
        if request.uri().path().ends_with("/admin") {
            become_user(request, "jwt-admin");
        }
    }),
    Mutant::new("challenges-are-all-alike", AREAS, "the challenge tells no error").response(|head, response| {
        if is(head, "/api/test/whoami") && response.headers().contains_key(header::WWW_AUTHENTICATE) {
            set(response.headers_mut(), "www-authenticate", "Bearer realm=\"neurolink\"");
        }
    }),
];

/// Whether a request has a token of the table whose name begins so.
fn presents(request: &Request, begins: &[&str]) -> bool {
    let given = text(request.headers(), "authorization");
    let Some(given) = given.strip_prefix("Bearer ") else { return false };
    tokens().iter().any(|token| token.token == given && begins.iter().any(|begin| token.name.starts_with(begin)))
}
