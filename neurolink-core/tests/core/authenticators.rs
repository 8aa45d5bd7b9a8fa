//! Bearer tokens, JWT and API keys, each by itself and together, and the roles of who comes with them.

use std::time::Duration;

use neurolink_core::middleware::{ApiKey, ApiKeyAuth, BearerAuth, JwtKeys, RequireRoles, TokenValidator};
use neurolink_core::stack::IntoRegistration as _;
use neurolink_core::{AuthenticatedUser, Error};

use crate::fixture::{KEY, START, TOKEN, app, get, tokens};
use crate::support::ask;

// Shows S0-04.
#[tokio::test]
async fn bearer_tokens_are_missing_invalid_or_a_user() {
    let app = app().0.middleware(tokens().message("Sign in first").no_failure_limit()).build().expect("valid");
    let of = async |value: &str| get(&app, "/api/x", &[("authorization", value)]).await;
    let missing = get(&app, "/api/x", &[]).await;
    assert_eq!((missing.status, missing.header("www-authenticate")), (401, "Bearer realm=\"neurolink\""));
    assert!(missing.body.contains("AUTH_REQUIRED") && missing.body.contains("Sign in first"));
    for scheme in ["Bearer", "bearer", "BEARER"] {
        assert_eq!(of(&format!("{scheme} {TOKEN}")).await.status, 200);
    }
    for bad in [
        "Bearer",
        "Bearer ",
        "Bearer  two",
        "Bearer a b",
        "Bearer tok\u{e9}n",
        "Bearer token-of-u1-012345678",
        "Bearer x",
    ] {
        let answer = of(bad).await;
        assert_eq!(answer.status, 401, "{bad:?}");
        assert!(answer.body.contains("AUTH_INVALID"), "{bad:?}: {}", answer.body);
        assert!(answer.header("www-authenticate").contains("invalid_token"));
    }
    assert!(of("Basic dTpw").await.body.contains("AUTH_INVALID"));
}

#[tokio::test]
async fn a_jwt_and_a_configured_token_live_side_by_side() {
    let secret = "0123456789abcdef0123456789abcdef";
    let claims = serde_json::json!({ "sub": "j1", "exp": START.as_secs() + 10 });
    let jwt = jsonwebtoken::encode(
        &jsonwebtoken::Header::default(),
        &claims,
        &jsonwebtoken::EncodingKey::from_secret(secret.as_bytes()),
    )
    .expect("a token");
    let (builder, clock) = app();
    let app =
        builder.middleware(tokens().or_jwt(JwtKeys::hs256(secret).any_issuer().any_audience())).build().expect("valid");
    let of = async |token: &str| get(&app, "/api/x", &[("authorization", &format!("Bearer {token}"))]).await;
    assert_eq!((of(&jwt).await.status, of(TOKEN).await.status), (200, 200));
    clock.advance(Duration::from_secs(10));
    let expired = of(&jwt).await;
    assert!(expired.status == 401 && expired.body.contains("TOKEN_EXPIRED"), "{}", expired.body);
}

// Shows S0-13, S3-54, O-D29.
#[tokio::test]
async fn a_validator_that_fails_is_503_and_never_401_or_a_pass() {
    struct Remote;
    #[async_trait::async_trait]
    impl TokenValidator for Remote {
        async fn validate(&self, token: &str) -> Result<Option<AuthenticatedUser>, Error> {
            match token {
                "good" => Ok(Some(AuthenticatedUser::new("r1"))),
                "down" => Err(Error::internal("db 10.0.0.5 is down")),
                "odd" => Err(Error::new(neurolink_core::Code::AuthInvalid)),
                _ => Ok(None),
            }
        }
    }
    let app = app().0.middleware(BearerAuth::validator(Remote)).build().expect("valid");
    for (token, status) in [("good", 200), ("bad", 401), ("down", 503), ("odd", 503)] {
        let answer = get(&app, "/api/x", &[("authorization", &format!("Bearer {token}"))]).await;
        assert_eq!(answer.status, status, "{token}");
        assert!(!answer.body.contains("10.0.0.5"));
    }
}

// Shows S1-10.
#[tokio::test]
async fn failures_are_limited_by_address_and_successes_are_not() {
    let (builder, clock) = app();
    let app = builder.middleware(tokens().failure_limit(3, Duration::from_secs(60))).build().expect("valid");
    let good = format!("Bearer {TOKEN}");
    let bad = async || get(&app, "/api/x", &[("authorization", "Bearer wrong")]).await.status;
    for _ in 0..10 {
        assert_eq!(get(&app, "/api/x", &[("authorization", &good)]).await.status, 200);
    }
    for expected in [401, 401, 401, 429, 429] {
        assert_eq!(bad().await, expected);
    }
    assert_eq!(get(&app, "/api/x", &[("authorization", &good)]).await.status, 429);
    let other = ask(&app, "GET", "/api/x", "192.0.2.9:5", &[("authorization", &good)]).await;
    assert_eq!(other.status, 200);
    clock.advance(Duration::from_secs(60));
    assert_eq!(bad().await, 401);
}

// Shows S0-06, S0-07, O-D46.
#[tokio::test]
async fn api_keys_expire_and_can_be_revoked() {
    let (builder, clock) = app();
    let auth = ApiKeyAuth::keys([
        ApiKey::new(KEY, AuthenticatedUser::new("k1")),
        ApiKey::new("brief-key-0123456789", AuthenticatedUser::new("k2")).expires_at(START + Duration::from_secs(5)),
    ]);
    let keys = auth.handle();
    let app = builder.middleware(auth).build().expect("valid");
    let of = async |key: &str| get(&app, "/api/x", &[("x-api-key", key)]).await.status;
    assert_eq!((of(KEY).await, of("brief-key-0123456789").await, of("nope").await), (200, 200, 401));
    clock.advance(Duration::from_secs(5));
    assert_eq!((of(KEY).await, of("brief-key-0123456789").await), (200, 401));
    assert!(keys.revoke("k1") && !keys.revoke("unknown"));
    assert_eq!(of(KEY).await, 401);
}

#[tokio::test]
async fn two_credentials_must_name_one_user_and_one_bad_is_enough_to_refuse() {
    let same = ApiKey::new("key-of-u1-0123456789", AuthenticatedUser::new("u1"));
    let keys = ApiKeyAuth::keys([ApiKey::new(KEY, AuthenticatedUser::new("k1")), same]);
    let app = app().0.middleware(tokens()).middleware(keys).build().expect("valid");
    let auth = format!("Bearer {TOKEN}");
    for (key, token, status) in [
        (KEY, auth.as_str(), 401),
        ("key-of-u1-0123456789", auth.as_str(), 200),
        (KEY, "Bearer wrong", 401),
        ("wrong", auth.as_str(), 401),
    ] {
        let answer = get(&app, "/api/x", &[("x-api-key", key), ("authorization", token)]).await;
        assert_eq!(answer.status, status, "{key} {token}");
    }
    let missing = get(&app, "/api/x", &[]).await;
    assert_eq!(missing.headers.get_all("www-authenticate").iter().count(), 2);
}

// Shows S0-85.
#[tokio::test]
async fn roles_by_scope_tell_401_from_403() {
    let roles = RequireRoles::any(["admin"]).message("Admin access required").only(["/api/x"]);
    let app = app().0.middleware(tokens()).middleware(roles).build().expect("valid");
    assert_eq!(get(&app, "/api/x", &[]).await.status, 401);
    let refused = get(&app, "/api/x", &[("authorization", &format!("Bearer {TOKEN}"))]).await;
    assert!(refused.status == 403 && refused.body.contains("Admin access required"));
    let admin = get(&app, "/api/x", &[("authorization", "Bearer token-of-u2-0123456789")]).await;
    assert_eq!(admin.status, 200);
}
