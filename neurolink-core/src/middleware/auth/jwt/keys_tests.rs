use std::collections::HashSet;
use std::sync::Mutex;

use async_trait::async_trait;
use jsonwebtoken::{Algorithm, EncodingKey, Header, crypto, encode};
use serde_json::{Value, json};

use super::super::{JwkSetFile, VerifiedToken};
use super::*;
use crate::Code;

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

/// What a token comes to; no key set has to be waited for.
fn verify(keys: &JwtKeys, token: &str, now: Duration) -> Result<Arc<Known>, Error> {
    futures_util::FutureExt::now_or_never(keys.verify(token, now)).expect("nothing to wait for")
}

fn code(claims: &Value) -> Option<Code> {
    verify(&keys(), &token(&Header::default(), claims), NOW).err().map(|error| error.code())
}

#[test]
fn a_token_says_its_tenant_if_a_claim_is_named_for_it() {
    let of = |keys: &JwtKeys, claims: &Value| {
        verify(keys, &token(&Header::default(), claims), NOW).map(|known| known.user.tenant.clone())
    };
    let named = keys().tenant_claim("tid");
    assert_eq!(of(&named, &with("tid", json!("acme"))).expect("valid").as_deref(), Some("acme"));
    assert_eq!(of(&keys(), &with("tid", json!("acme"))).expect("valid"), None);
    for wrong in [without("tid"), with("tid", json!("")), with("tid", json!(7)), with("tid", json!("a\nb"))] {
        assert_eq!(of(&named, &wrong).expect_err("no tenant").code(), Code::AuthInvalid, "{wrong}");
    }
}

// Shows S0-02.
#[test]
fn claims_become_the_user() {
    let claims = with("email", json!("u1@example.com"));
    let user = verify(&keys(), &token(&Header::default(), &claims), NOW).expect("valid").user.clone();
    assert_eq!(user.email.as_deref(), Some("u1@example.com"));
    assert_eq!((user.id.as_str(), user.roles.as_slice()), ("u1", &["a".to_owned(), "b".to_owned()][..]));
    assert_eq!(user.expires, Some(NOW + Duration::from_secs(60)));
    assert_eq!(user.metadata, json!({ "team": "x" }).as_object().expect("an object").clone());
    let known = verify(&keys(), &token(&Header::default(), &without("roles")), NOW).expect("valid");
    assert_eq!(known.user.roles, ["b"]);
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
        (with("jti", json!("id")), None),
        (with("jti", json!(7)), Some(AuthInvalid)),
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
    let other = encode(&Header::default(), &claims(), &EncodingKey::from_secret(b"another secret, another secret, 32"));
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
        let error = verify(&keys(), &token, NOW).expect_err(&token);
        assert_eq!(error.code(), Code::AuthInvalid, "{token}");
    }
}

#[test]
fn a_claim_that_is_there_twice_is_refused() {
    let claims = claims().to_string().replacen('{', r#"{"sub":"u2","#, 1);
    let header = URL_SAFE_NO_PAD.encode(r#"{"alg":"HS256"}"#);
    let message = format!("{header}.{}", URL_SAFE_NO_PAD.encode(claims));
    let key = EncodingKey::from_secret(SECRET.as_bytes());
    let signature = crypto::sign(message.as_bytes(), &key, Algorithm::HS256).expect("a signature");
    let error = verify(&keys(), &format!("{message}.{signature}"), NOW).expect_err("twice");
    assert_eq!(error.code(), Code::AuthInvalid);
}

#[test]
fn a_remembered_token_still_ends_and_is_the_same_user() {
    let keys = keys();
    let token = token(&Header::default(), &claims());
    let first = verify(&keys, &token, NOW).expect("valid");
    let remembered = keys.remembered(token.as_bytes(), NOW).expect("it was remembered");
    assert!(Arc::ptr_eq(&remembered, &first));
    assert!(Arc::ptr_eq(&verify(&keys, &token, NOW).expect("remembered"), &first));
    assert!(verify(&keys.clone(), &token, NOW + Duration::from_secs(59)).is_ok());
    let error = verify(&keys, &token, NOW + Duration::from_secs(60)).expect_err("ended");
    assert_eq!(error.code(), Code::TokenExpired);
}

#[test]
fn what_was_verified_by_other_rules_is_not_remembered() {
    let token = token(&Header::default(), &claims());
    let first = keys();
    assert!(verify(&first, &token, NOW).is_ok());
    assert!(verify(&first.clone().audience("other"), &token, NOW).is_err());
    assert!(verify(&first.clone().issuer("other"), &token, NOW).is_err());
    assert!(verify(&first, &token, NOW).is_ok());
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

#[test]
fn claims_have_the_names_that_were_told() {
    let keys = keys().roles_claims(["groups", "/realm_access/roles"]).permissions_claims(["scope", "scp"]);
    let keys = keys.email_claim("upn").name_claim("nickname");
    let mut claims = with("realm_access", json!({ "roles": ["x", 7, "y"] }));
    claims["groups"] = json!("one group");
    claims["scope"] = json!("read  write");
    claims["scp"] = json!(["admin"]);
    claims["upn"] = json!("u1@example.com");
    claims["nickname"] = json!("U");
    let known = verify(&keys, &token(&Header::default(), &claims), NOW).expect("valid");
    assert_eq!(known.user.roles, ["one group", "x", "y"]);
    assert_eq!(known.user.permissions, ["read", "write", "admin"]);
    assert_eq!((known.user.email.as_deref(), known.user.name.as_deref()), (Some("u1@example.com"), Some("U")));
    assert!(known.user.metadata.contains_key("roles"), "a claim of another meaning stays");
}

#[test]
fn scope_is_no_permission_unless_told() {
    let known = verify(&keys(), &token(&Header::default(), &with("scope", json!("write"))), NOW).expect("valid");
    assert!(known.user.permissions.is_empty());
}

#[test]
fn a_type_of_another_purpose_is_refused_and_one_that_is_asked_for_must_be_there() {
    let typed = |typ: Option<&str>| token(&Header { typ: typ.map(str::to_owned), ..Header::default() }, &claims());
    for (typ, unless_told, asked) in [
        (None, true, false),
        (Some("JWT"), true, false),
        (Some("jwt"), true, false),
        (Some("at+jwt"), true, true),
        (Some("application/at+JWT"), true, true),
        (Some("logout+jwt"), false, false),
        (Some("dpop+jwt"), false, false),
        (Some(""), false, false),
    ] {
        assert_eq!(verify(&keys(), &typed(typ), NOW).is_ok(), unless_told, "{typ:?}");
        assert_eq!(verify(&keys().token_type("AT+JWT"), &typed(typ), NOW).is_ok(), asked, "{typ:?}");
    }
}

#[test]
fn a_secret_is_for_one_algorithm() {
    let secret = "0123456789abcdef".repeat(4);
    let of = |algorithm| encode(&Header::new(algorithm), &claims(), &EncodingKey::from_secret(secret.as_bytes()));
    for (own, library) in [
        (JwtAlgorithm::Hs256, Algorithm::HS256),
        (JwtAlgorithm::Hs384, Algorithm::HS384),
        (JwtAlgorithm::Hs512, Algorithm::HS512),
    ] {
        let keys = JwtKeys::secret(own, &secret).issuer("iss").audience("aud");
        assert!(keys.problems().is_empty());
        for signed in [Algorithm::HS256, Algorithm::HS384, Algorithm::HS512] {
            let is_good = verify(&keys, &of(signed).expect("a token"), NOW).is_ok();
            assert_eq!(is_good, signed == library, "{own} {signed:?}");
        }
    }
}

#[test]
fn old_and_new_secrets_work_at_one_time_and_four_are_tried() {
    let secret = |n: u8| [n; 32];
    let keys = (2..6).fold(JwtKeys::hs256(secret(1)), |keys, n| keys.or_secret(JwtAlgorithm::Hs256, secret(n)));
    let keys = keys.issuer("iss").audience("aud");
    for n in 1..=5 {
        let token = encode(&Header::default(), &claims(), &EncodingKey::from_secret(&secret(n))).expect("a token");
        assert_eq!(verify(&keys, &token, NOW).is_ok(), n <= 4, "{n}");
    }
}

#[test]
fn algorithms_can_be_fewer_than_the_keys_have() {
    let keys = keys().or_secret(JwtAlgorithm::Hs512, [7; 64]).algorithms([JwtAlgorithm::Hs512]);
    assert!(keys.problems().is_empty());
    assert!(verify(&keys, &token(&Header::default(), &claims()), NOW).is_err());
    let other =
        encode(&Header::new(Algorithm::HS512), &claims(), &EncodingKey::from_secret(&[7; 64])).expect("a token");
    assert!(verify(&keys, &other, NOW).is_ok());
}

#[test]
fn a_token_of_more_than_8_kib_is_refused_before_it_is_decoded() {
    let long = token(&Header::default(), &with("x", json!("x".repeat(8 * 1024))));
    let error = verify(&keys(), &long, NOW).expect_err("too long");
    assert_eq!((error.code(), error.log_text().contains("longer than 8 KiB")), (Code::AuthInvalid, true));
    let most = token(&Header::default(), &with("x", json!("x".repeat(5 * 1024))));
    assert!(most.len() < LONGEST && verify(&keys(), &most, NOW).is_ok());
}

#[test]
fn mistakes_of_keys_name_their_fix() {
    let private = "-----BEGIN PRIVATE KEY-----\nMC4CAQAwBQYDK2VwBCIEIA==\n-----END PRIVATE KEY-----\n";
    let certificate = "-----BEGIN CERTIFICATE-----\nMC4CAQAwBQYDK2VwBCIEIA==\n-----END CERTIFICATE-----\n";
    let oct = r#"{"keys":[{"kty":"oct","k":"AAAA"}]}"#;
    let none =
        r#"{"keys":[{"kty":"EC","crv":"secp256k1","x":"AA","y":"AA"},{"kty":"RSA","use":"enc","n":"AQ","e":"AQAB"}]}"#;
    let small = r#"{"keys":[{"kty":"RSA","n":"wQ","e":"AQAB"}]}"#;
    for (keys, part) in [
        (JwtKeys::secret(JwtAlgorithm::Hs384, [0; 47]), "HS384 needs at least 48"),
        (JwtKeys::secret(JwtAlgorithm::Hs512, [0; 63]), "HS512 needs at least 64"),
        (JwtKeys::secret(JwtAlgorithm::Rs256, [0; 63]), "RS256 has no shared secret"),
        (JwtKeys::pem("hello"), "-----BEGIN PUBLIC KEY-----"),
        (JwtKeys::pem(private), "private key"),
        (JwtKeys::pem(certificate), "something else"),
        (JwtKeys::pem("-----BEGIN PUBLIC KEY-----\nAAAA\n-----END PUBLIC KEY-----\n"), "cannot be read"),
        (JwtKeys::pem("-----BEGIN PUBLIC KEY-----\nAAAA"), "has no end"),
        (JwtKeys::jwk_set("{}"), "RFC 7517"),
        (JwtKeys::jwk_set(oct), "configure it as a secret"),
        (JwtKeys::jwk_set(none), "no key that can be used"),
        (JwtKeys::jwk_set(small), "8 bits"),
        (JwtKeys::source(JwkSetFile::new("no such file")), "cannot be read"),
        (keys().refresh(Duration::from_secs(1), Duration::from_secs(2)), "has no source"),
        (keys().algorithms([]), "no algorithm is accepted"),
        (keys().algorithms([JwtAlgorithm::Es256]), "ES256 is accepted and has no key"),
        (keys().token_type(""), "token type is empty"),
        (keys().roles_claims([""]), "name of a claim is empty"),
    ] {
        let problems = keys.any_issuer().any_audience().problems().join("\n");
        assert!(problems.contains(part), "{part}: {problems}");
    }
}

struct Revoked(Mutex<Result<HashSet<String>, ()>>);

#[async_trait]
impl RevocationCheck for Arc<Revoked> {
    async fn is_revoked(&self, token: VerifiedToken<'_>) -> Result<bool, Error> {
        let revoked = self.0.lock().expect("a lock");
        let revoked = revoked.as_ref().map_err(|()| Error::internal("the list is away"))?;
        Ok(token.id.is_some_and(|id| revoked.contains(id)))
    }
}

#[tokio::test]
async fn a_revoked_token_is_refused_on_the_next_request_and_nobody_passes_unasked() {
    let revoked = Arc::new(Revoked(Mutex::new(Ok(HashSet::new()))));
    let keys = keys().revocation(Arc::clone(&revoked));
    let token = token(&Header::default(), &with("jti", json!("t1")));
    assert!(verify(&keys, &token, NOW).is_ok());
    assert!(keys.remembered(token.as_bytes(), NOW).is_none(), "somebody has to be asked first");
    *revoked.0.lock().expect("a lock") = Ok(["t1".to_owned()].into());
    assert_eq!(verify(&keys, &token, NOW).expect_err("revoked").code(), Code::AuthInvalid);
    *revoked.0.lock().expect("a lock") = Err(());
    assert_eq!(verify(&keys, &token, NOW).expect_err("away").code(), Code::Unavailable);
}

struct Silent;

#[async_trait]
impl RevocationCheck for Silent {
    async fn is_revoked(&self, _: VerifiedToken<'_>) -> Result<bool, Error> {
        std::future::pending().await
    }
}

#[tokio::test]
async fn no_more_than_64_ask_for_revocations_at_one_time() {
    let keys = keys().revocation(Silent);
    let token = token(&Header::default(), &claims());
    let mut asking: Vec<_> = (0..64).map(|_| Box::pin(keys.verify(&token, NOW))).collect();
    for asks in &mut asking {
        assert!(futures_util::poll!(asks).is_pending());
    }
    assert_eq!(verify(&keys, &token, NOW).expect_err("full").code(), Code::Unavailable);
    drop(asking.pop());
    assert!(futures_util::poll!(Box::pin(keys.verify(&token, NOW))).is_pending());
}

#[tokio::test(start_paused = true)]
async fn a_stream_whose_check_gives_no_answer_ends_at_the_second_time() {
    let known = |keys: &JwtKeys| {
        let _ = keys;
        Arc::new(Known { user: Arc::new(crate::AuthenticatedUser::new("u1")), id: None, issued: None })
    };
    let keys = keys().revocation(Silent);
    let still_good = keys.still_good(&known(&keys)).expect("it can be revoked");
    assert!(still_good().await, "once is nothing");
    assert!(!still_good().await);
}
