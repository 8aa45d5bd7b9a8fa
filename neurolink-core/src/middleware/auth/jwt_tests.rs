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
    let place = keys.verified.place(&token).expect("a place");
    assert!(keys.verified.get(&place, NOW).is_some_and(|user| user == first), "it was remembered");
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
