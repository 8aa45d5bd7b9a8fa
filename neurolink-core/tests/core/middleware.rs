//! The middleware in an app, without a socket.

use std::sync::Arc;
use std::time::Duration;

use http::HeaderMap;
use http_body_util::BodyExt as _;
use neurolink_core::engine::{EventStream, StreamEvent};
use neurolink_core::middleware::{
    AccessLog, ApiKey, ApiKeyAuth, BearerAuth, Cors, Denied, JwtKeys, Key, RateLimit, RequireRoles, SecurityHeaders,
    StaticToken, Timing, TokenValidator,
};
use neurolink_core::stack::IntoRegistration as _;
use neurolink_core::{App, AppBuilder, AuthenticatedUser, Body, ConnInfo, Error, ManualClock, Reply, Request, Route};

use crate::support::Quiet;

async fn stream() -> EventStream {
    Box::pin(futures_util::stream::iter([Ok(StreamEvent::text("a"))]))
}

pub(super) const START: Duration = Duration::from_secs(1_700_000_000);
pub(super) const TOKEN: &str = "token-of-u1-0123456789";
pub(super) const KEY: &str = "key-of-k1-0123456789";

pub(super) fn app() -> (AppBuilder, Arc<ManualClock>) {
    let clock = Arc::new(ManualClock::at(START));
    let builder = App::builder(Quiet)
        .clock(Arc::clone(&clock) as _)
        .route(Route::get("/api/x", async || "x"))
        .route(Route::get("/api/public", async || "x").public())
        .route(Route::get("/api/boom", async || -> Result<(), Error> { Err(Error::internal("secret")) }))
        .route(Route::get("/api/stream", stream));
    (builder, clock)
}

pub(super) fn tokens() -> BearerAuth {
    BearerAuth::tokens([
        StaticToken::new(TOKEN, AuthenticatedUser::new("u1").with_roles(["user"])),
        StaticToken::new("token-of-u2-0123456789", AuthenticatedUser::new("u2").with_roles(["user", "admin"])),
    ])
}

pub(super) struct Answer {
    pub(super) status: u16,
    pub(super) headers: HeaderMap,
    pub(super) body: String,
}

impl Answer {
    pub(super) fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |value| value.to_str().expect("text"))
    }
}

pub(super) async fn send(app: &App, method: &str, path: &str, peer: &str, headers: &[(&str, &str)]) -> Answer {
    let mut request = http::Request::builder().method(method).uri(path).header("host", "localhost");
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    let request: Request = request.body(Body::empty()).expect("a request");
    let conn = ConnInfo::new((!peer.is_empty()).then(|| peer.parse().expect("an address")));
    let (parts, body) = app.handle(request, conn).await.into_parts();
    let body = body.collect().await.expect("a body").to_bytes();
    Answer { status: parts.status.as_u16(), headers: parts.headers, body: String::from_utf8_lossy(&body).into_owned() }
}

pub(super) const PEER: &str = "192.0.2.1:5";

pub(super) async fn get(app: &App, path: &str, headers: &[(&str, &str)]) -> Answer {
    send(app, "GET", path, PEER, headers).await
}

// Shows V29.
#[tokio::test]
async fn security_headers_are_on_every_answer_and_a_handlers_own_wins() {
    let (builder, _) = app();
    let own = async || {
        Ok::<_, Error>(
            Reply::data("x")?.with_header(http::header::X_FRAME_OPTIONS, "SAMEORIGIN".parse().expect("valid")),
        )
    };
    let app = builder
        .middleware(SecurityHeaders::modern())
        .middleware(tokens())
        .route(Route::get("/api/own", own).public())
        .build()
        .expect("valid");
    let auth = format!("Bearer {TOKEN}");
    let known = &[("authorization", auth.as_str())];
    for (path, headers, status) in [
        ("/api/x", &known[..], 200),
        ("/api/x", &[], 401),
        ("/api/nope", known, 404),
        ("/api/boom", known, 500),
        ("/api/stream", known, 200),
        ("/api/%zz", known, 400),
    ] {
        let answer = get(&app, path, headers).await;
        assert_eq!(answer.status, status, "{path}");
        assert_eq!(answer.header("x-frame-options"), "DENY", "{path}");
        assert_eq!(answer.header("x-xss-protection"), "0", "{path}");
        assert_eq!(answer.header("strict-transport-security"), "", "{path}");
    }
    assert_eq!(get(&app, "/api/own", &[]).await.header("x-frame-options"), "SAMEORIGIN");
}

// Shows S2-16, S3-27.
#[tokio::test]
async fn hsts_follows_the_connection_unless_told() {
    for (headers, expected) in
        [(SecurityHeaders::modern(), ""), (SecurityHeaders::neurolink(), "max-age=31536000; includeSubDomains")]
    {
        let app = app().0.middleware(headers).build().expect("valid");
        assert_eq!(get(&app, "/api/x", &[]).await.header("strict-transport-security"), expected);
    }
}

// Shows S0-37, S0-38, S1-04, V54, P-D10.
#[tokio::test]
async fn cors_answers_preflights_before_authentication_and_marks_every_answer() {
    let cors = Cors::list(["https://app.example.com"]).credentials(true);
    let app = app().0.middleware(cors).middleware(tokens()).build().expect("valid");
    let origin = ("origin", "https://app.example.com");
    let preflight = send(&app, "OPTIONS", "/api/x", PEER, &[origin, ("access-control-request-method", "POST")]).await;
    assert_eq!((preflight.status, preflight.header("access-control-allow-origin")), (204, origin.1));
    assert_eq!(preflight.header("access-control-max-age"), "86400");
    assert!(preflight.header("access-control-allow-headers").contains("X-API-Key"));
    assert!(preflight.header("vary").contains("origin"));
    let refused = get(&app, "/api/x", &[origin]).await;
    assert_eq!((refused.status, refused.header("access-control-allow-origin")), (401, origin.1));
    assert_eq!(refused.header("access-control-allow-credentials"), "true");
    for headers in [&[][..], &[("origin", "https://evil.example")]] {
        let answer = get(&app, "/api/public", headers).await;
        assert_eq!((answer.status, answer.header("access-control-allow-origin")), (200, ""));
        assert_eq!((answer.header("access-control-allow-credentials"), answer.header("vary")), ("", "origin"));
    }
    let evil = [("origin", "https://evil.example"), ("access-control-request-method", "POST")];
    let denied = send(&app, "OPTIONS", "/api/x", PEER, &evil).await;
    assert_eq!((denied.status, denied.header("access-control-allow-methods")), (204, ""));
}

// Shows S1-03, S2-22, S2-25, S3-31, V52, P-D18.
#[tokio::test]
async fn cors_for_anybody_sends_a_star_and_strict_cors_forbids() {
    let any = app().0.middleware(Cors::any()).build().expect("valid");
    let answer = get(&any, "/api/x", &[("origin", "https://a.example")]).await;
    assert_eq!((answer.header("access-control-allow-origin"), answer.header("vary")), ("*", ""));
    let strict = app().0.middleware(Cors::list(["https://a.example"]).denied(Denied::Forbid)).build().expect("valid");
    assert_eq!(get(&strict, "/api/x", &[("origin", "https://b.example")]).await.status, 403);
    assert_eq!(get(&strict, "/api/x", &[]).await.status, 200);
}

#[tokio::test]
async fn an_origin_that_cors_allows_may_change_things() {
    let app = App::builder(Quiet)
        .middleware(Cors::list(["https://app.example.com"]))
        .route(Route::post("/api/do", async || "done"))
        .build()
        .expect("valid");
    let of = async |origin| {
        let headers = [("origin", origin), ("sec-fetch-site", "cross-site")];
        send(&app, "POST", "/api/do", PEER, &headers).await
    };
    assert_eq!(of("https://app.example.com").await.status, 200);
    let refused = of("https://evil.example").await;
    assert_eq!((refused.status, refused.header("vary")), (403, "origin"));
}

// Shows S0-24, S0-25, V47, V50, P-D8, P-D32.
#[tokio::test]
async fn the_limit_counts_whatever_the_status_and_waiting_helps() {
    let (builder, clock) = app();
    let app = builder.middleware(RateLimit::fixed_window(3, Duration::from_secs(60))).build().expect("valid");
    for (path, method, left) in [("/api/x", "GET", "2"), ("/api/nope", "GET", "1"), ("/api/x", "HEAD", "0")] {
        let answer = send(&app, method, path, PEER, &[]).await;
        assert_eq!((answer.header("x-ratelimit-limit"), answer.header("x-ratelimit-remaining")), ("3", left));
        assert_eq!(answer.header("x-ratelimit-reset"), (START.as_secs() + 60).to_string());
    }
    clock.advance(Duration::from_millis(18_500));
    let refused = get(&app, "/api/x", &[("x-forwarded-for", "1.2.3.4")]).await;
    assert_eq!((refused.status, refused.header("retry-after")), (429, "42"));
    assert_eq!(refused.header("x-ratelimit-remaining"), "0");
    assert!(refused.body.contains("\"retryAfter\":42"), "{}", refused.body);
    assert_eq!(send(&app, "GET", "/api/x", "192.0.2.2:5", &[]).await.status, 200);
    clock.advance(Duration::from_secs(42));
    assert_eq!(get(&app, "/api/x", &[]).await.status, 200);
}

// Shows O-D18, P-D7.
#[tokio::test]
async fn an_unknown_address_is_an_error_and_never_a_shared_key() {
    let app = app().0.middleware(RateLimit::fixed_window(3, Duration::from_secs(60))).build().expect("valid");
    assert_eq!(send(&app, "GET", "/api/x", "", &[]).await.status, 500);
}

#[tokio::test]
async fn an_ipv6_client_cannot_flee_into_its_own_network() {
    let app = app().0.middleware(RateLimit::fixed_window(1, Duration::from_secs(60))).build().expect("valid");
    assert_eq!(send(&app, "GET", "/api/x", "[2001:db8::1]:5", &[]).await.status, 200);
    assert_eq!(send(&app, "GET", "/api/x", "[2001:db8::2]:5", &[]).await.status, 429);
    assert_eq!(send(&app, "GET", "/api/x", "[2001:db8:0:1::1]:5", &[]).await.status, 200);
}

// Shows S0-18, S2-04.
#[tokio::test]
async fn a_limit_by_user_stands_behind_authentication_by_itself() {
    let limit = RateLimit::fixed_window(1, Duration::from_secs(60)).by(Key::User).message("slower");
    let app = app().0.middleware(limit).middleware(tokens()).build().expect("valid");
    let of = async |token: &str| get(&app, "/api/x", &[("authorization", &format!("Bearer {token}"))]).await;
    assert_eq!(of(TOKEN).await.status, 200);
    let refused = of(TOKEN).await;
    assert_eq!(refused.status, 429);
    assert!(refused.body.contains("slower"));
    assert_eq!(of("token-of-u2-0123456789").await.status, 200);
    assert_eq!(get(&app, "/api/x", &[]).await.status, 401);
}

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
    let other = send(&app, "GET", "/api/x", "192.0.2.9:5", &[("authorization", &good)]).await;
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

#[tokio::test]
async fn timing_and_access_log_stand_outside() {
    let app = app().0.middleware(Timing::new()).middleware(AccessLog::new()).build().expect("valid");
    for path in ["/api/x", "/api/nope", "/api/%zz"] {
        let answer = get(&app, path, &[]).await;
        assert!(answer.header("x-response-time").ends_with("ms"), "{path}");
        assert!(answer.header("server-timing").starts_with("total;dur="), "{path}");
    }
}

// Shows S0-34, S0-46, S2-25, V53, P-D18.
#[test]
fn mistakes_of_middleware_are_reported_together() {
    let long = "0123456789abcdef";
    let error = app()
        .0
        .middleware(SecurityHeaders::none().custom("x-a", "1\n2"))
        .middleware(Cors::any().credentials(true))
        .middleware(RateLimit::fixed_window(0, Duration::ZERO))
        .middleware(
            BearerAuth::tokens([
                StaticToken::new("short", AuthenticatedUser::new("s")),
                StaticToken::new(long, AuthenticatedUser::new("d")),
                StaticToken::new(long, AuthenticatedUser::new("e")),
            ])
            .or_jwt(JwtKeys::hs256("short")),
        )
        .middleware(ApiKeyAuth::keys([]).header("x y").failure_limit(0, Duration::ZERO))
        .middleware(RequireRoles::any::<String>([]))
        .build()
        .expect_err("mistakes");
    let text = error.to_string();
    for part in [
        "middleware.security-headers: the value of `x-a`",
        "middleware.cors: any origin with credentials would let every site read authenticated answers; list the origins",
        "middleware.rate-limit: a limit of 0 refuses everybody; give at least 1",
        "middleware.rate-limit: a window of no time limits nothing; give for example 60s",
        "middleware.bearer-auth: the token of `s` has 5 bytes; at least 16 are needed",
        "middleware.bearer-auth: the token of `e` is there twice; give each user a token of their own",
        "middleware.bearer-auth: the JWT secret has 5 bytes",
        "tokens of every issuer would be accepted",
        "tokens of every audience would be accepted",
        "middleware.api-key-auth: `x y` is no header name; write for example `x-api-key`",
        "middleware.api-key-auth: it has no key, so that nobody could come in; give one",
        "middleware.api-key-auth: a failure limit of zero refuses everybody; give more, or turn it off by name",
        "middleware.roles: it names no role; name one, or leave it out",
    ] {
        assert!(text.contains(part), "{part:?} is missing in:\n{text}");
    }
    assert!(error.problems().iter().all(|problem| problem.problem.contains("; ")), "one names no fix:\n{text}");
    assert!(!text.contains(long), "{text}");
}

/// An app with a limit for everything and a probe.
fn probed(limit: impl Into<neurolink_core::Registration>) -> (App, Arc<ManualClock>) {
    let (builder, clock) = app();
    let builder = builder.route(Route::get("/api/live", async || "alive").public().probe()).middleware(limit);
    (builder.build().expect("valid"), clock)
}

async fn statuses(app: &App, peer: &str, count: usize) -> Vec<u16> {
    let mut statuses = Vec::new();
    for _ in 0..count {
        statuses.push(send(app, "GET", "/api/live", peer, &[]).await.status);
    }
    statuses
}

#[tokio::test]
async fn probes_are_spared_by_limits_that_do_not_name_them() {
    use neurolink_core::stack::IntoRegistration as _;
    let limit = || RateLimit::fixed_window(2, Duration::from_secs(60));
    for spared in [limit().into(), limit().by(Key::User).into(), limit().except(["/api/live/none"])] {
        let spared: neurolink_core::Registration = spared;
        let (builder, _) = app();
        let app = builder
            .route(Route::get("/api/live", async || "alive").public().probe())
            .route(Route::get("/api/live/none", async || "x").public())
            .middleware(tokens())
            .middleware(spared)
            .build()
            .expect("valid");
        assert_eq!(statuses(&app, "192.0.2.1:1", 5).await, [200; 5]);
    }
    let (app, _) = probed(limit().only(["/api/live"]));
    assert_eq!(statuses(&app, "192.0.2.1:1", 3).await, [200, 200, 429]);
}

#[tokio::test]
async fn an_address_may_ask_all_probes_fifty_times_a_second() {
    let (app, clock) = probed(Timing::new());
    assert_eq!(statuses(&app, "192.0.2.1:1", 50).await, [200; 50]);
    let refused = send(&app, "HEAD", "/api/live", "192.0.2.1:1", &[]).await;
    assert_eq!((refused.status, refused.header("retry-after")), (429, "1"));
    assert_eq!(statuses(&app, "192.0.2.2:1", 1).await, [200], "another address");
    clock.advance(Duration::from_secs(1));
    assert_eq!(statuses(&app, "192.0.2.1:1", 1).await, [200], "waiting helps");
}
