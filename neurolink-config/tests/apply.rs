//! What a configuration does to an app.

use std::time::Duration;

use http::StatusCode;
use neurolink_config::{Config, HeaderValue, Loader, Origins, Preset, Rate, RateLimitKey};
use neurolink_core::app::ConnInfo;
use neurolink_core::middleware::SecurityHeaders;
use neurolink_core::{App, AppBuilder, Body, Error, Response, Route};
use neurolink_routes::{OfflineEngine, WithRoutes as _};

const TOKEN: &str = "a-token-of-mine-alone";

fn builder(config: &Config) -> AppBuilder {
    config.apply(App::builder(OfflineEngine::new())).expect("valid")
}

fn app(config: &Config) -> App {
    builder(config).all_routes().build().expect("valid")
}

fn with(variables: &[(&str, &str)]) -> Config {
    Loader::new().environment(variables.to_vec()).load().expect("valid").config
}

fn steps(app: &App, path: &str) -> Vec<String> {
    let route = app.plan().routes.iter().find(|route| route.path == path).expect("a route");
    route.steps.iter().map(|step| step.name.clone()).collect()
}

async fn get(app: &App, path: &str, headers: &[(&str, &str)]) -> Response {
    let mut request = http::Request::get(path).header("host", "localhost");
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    let conn = ConnInfo::new(Some(([127, 0, 0, 1], 5000).into()));
    app.handle(request.body(Body::empty()).expect("a request"), conn).await
}

#[test]
fn codings_of_bodies_come_from_the_configuration() {
    use neurolink_core::ContentCoding::{Deflate, Gzip};
    assert_eq!(Config::default().settings().decompress, []);
    let config = with(&[("NEUROLINK__BODY__DECOMPRESS", "GZIP, deflate")]);
    assert_eq!(config.settings().decompress, [Gzip, Deflate]);
    let shown = serde_json::to_value(&config).expect("shown");
    assert_eq!(shown["body"]["decompress"], serde_json::json!(["gzip", "deflate"]));
}

#[test]
fn limits_of_forms_come_from_the_configuration() {
    let limits = |config: &Config| {
        let limits = config.settings().limits;
        (limits.multipart_parts, limits.multipart_part, limits.multipart_head)
    };
    let plain = neurolink_core::Limits::default();
    let default = (plain.multipart_parts, plain.multipart_part, plain.multipart_head);
    assert_eq!(limits(&Config::default()), default);
    let config = with(&[
        ("NEUROLINK__BODY__PARTS", "7"),
        ("NEUROLINK__BODY__PART_LIMIT", "64kb"),
        ("NEUROLINK__BODY__PART_HEAD", "1kb"),
    ]);
    assert_eq!(limits(&config), (7, Some(64 << 10), 1 << 10));
    assert_eq!(serde_json::to_value(&config).expect("shown")["body"]["part_limit"], "64kb");
    assert_eq!(limits(&with(&[("NEUROLINK__BODY__PART_LIMIT", "off")])).1, None);
}

// Shows S0-83, S2-05, S3-29.
#[test]
fn the_default_stack_is_timing_log_headers_and_the_cross_site_check() {
    let names = steps(&app(&Config::default()), "/api/agent/execute");
    let mut sorted = names.clone();
    sorted.sort();
    assert_eq!(sorted, ["access-log", "cross-site", "security-headers", "timing"], "{names:?}");
}

#[test]
fn a_stack_for_native_routes_has_the_same_middleware_and_settings() {
    let config = with(&[
        ("NEUROLINK__AUTH__TOKEN", TOKEN),
        ("NEUROLINK__CORS__ORIGINS", "https://a.example"),
        ("NEUROLINK__RATE_LIMIT__LIMIT", "5/60s"),
        ("NEUROLINK__TIMEOUT__REQUEST", "7s"),
    ]);
    let stack = config.stack().expect("valid").build().expect("valid");
    let mut names: Vec<_> = stack.names().collect();
    names.sort_unstable();
    assert_eq!(names, ["access-log", "bearer-auth", "cors", "rate-limit", "security-headers", "timing"]);
    assert_eq!(config.settings().timeout, std::time::Duration::from_secs(7));
}

#[test]
fn every_middleware_comes_with_its_section() {
    let config = with(&[
        ("NEUROLINK__AUTH__TOKEN", TOKEN),
        ("NEUROLINK__CORS__ORIGINS", "https://a.example"),
        ("NEUROLINK__RATE_LIMIT__LIMIT", "5/60s"),
        ("NEUROLINK__LOG__ACCESS", "false"),
        ("NEUROLINK__CROSS_SITE__ENABLED", "false"),
    ]);
    let names = steps(&app(&config), "/api/agent/execute");
    for name in ["cors", "rate-limit", "bearer-auth", "timing"] {
        assert!(names.iter().any(|step| step == name), "{name}: {names:?}");
    }
    for name in ["access-log", "cross-site"] {
        assert!(!names.iter().any(|step| step == name), "{name}: {names:?}");
    }
}

// Shows S0-03, S3-01.
#[tokio::test]
async fn a_token_lets_its_user_in_and_public_patterns_everybody() {
    let config = with(&[("NEUROLINK__AUTH__TOKEN", TOKEN), ("NEUROLINK__AUTH__PUBLIC", "/api/open")]);
    let app = builder(&config)
        .route(Route::get("/api/open", async || "open"))
        .route(Route::get("/api/closed", async || "closed"))
        .build()
        .expect("valid");
    let bearer = format!("Bearer {TOKEN}");
    assert_eq!(get(&app, "/api/open", &[]).await.status(), StatusCode::OK);
    assert_eq!(get(&app, "/api/closed", &[]).await.status(), StatusCode::UNAUTHORIZED);
    assert_eq!(get(&app, "/api/closed", &[("authorization", &bearer)]).await.status(), StatusCode::OK);
    assert_eq!(get(&app, "/api/none", &[]).await.status(), StatusCode::UNAUTHORIZED, "hidden");
}

// Shows S0-82, S1-69, S2-44, S3-28.
#[tokio::test]
async fn settings_limits_and_headers_act() {
    let mut config = with(&[("NEUROLINK__RATE_LIMIT__LIMIT", "2/60s"), ("NEUROLINK__RATE_LIMIT__MESSAGE", "slower")]);
    config.server.base_path = "/v1".into();
    config.request_id.header = "x-trace".into();
    config.headers.referrer_policy = HeaderValue::Value("same-origin".into());
    config.headers.frame_options = HeaderValue::Off;
    config.headers.custom.insert("x-service".into(), HeaderValue::Value("mine".into()));
    let app = app(&config);
    let answer = get(&app, "/v1/agent/providers", &[]).await;
    assert_eq!(answer.status(), StatusCode::OK);
    assert_eq!(answer.headers()["referrer-policy"], "same-origin");
    assert_eq!(answer.headers()["x-service"], "mine");
    assert!(answer.headers().contains_key("x-trace") && !answer.headers().contains_key("x-frame-options"));
    get(&app, "/v1/agent/providers", &[]).await;
    assert_eq!(get(&app, "/v1/agent/providers", &[]).await.status(), StatusCode::TOO_MANY_REQUESTS);
}

// Shows S0-16.
#[tokio::test]
async fn a_limit_spares_its_skip_paths_and_has_its_message() {
    let message = "Too many requests, please try again later";
    let config = with(&[
        ("NEUROLINK__RATE_LIMIT__LIMIT", "100/60s"),
        ("NEUROLINK__RATE_LIMIT__SKIP_PATHS", "/api/health,/api/ready"),
        ("NEUROLINK__RATE_LIMIT__MESSAGE", message),
    ]);
    let app = app(&config);
    for path in ["/api/health", "/api/ready"] {
        let answer = get(&app, path, &[]).await;
        assert!(answer.status() == StatusCode::OK && !answer.headers().contains_key("x-ratelimit-limit"), "{path}");
    }
    for left in (0..100).rev() {
        let answer = get(&app, "/api/version", &[]).await;
        assert_eq!(answer.status(), StatusCode::OK);
        assert_eq!(answer.headers()["x-ratelimit-remaining"], left.to_string());
    }
    let refused = get(&app, "/api/version", &[]).await;
    assert_eq!(refused.status(), StatusCode::TOO_MANY_REQUESTS);
    let body = refused.into_body().into_full().expect("whole");
    assert!(String::from_utf8_lossy(&body).contains(message));
    assert_eq!(get(&app, "/api/health", &[]).await.status(), StatusCode::OK);
}

#[tokio::test]
async fn other_origins_may_read_every_header_that_a_limit_writes() {
    for dialect in ["legacy", "draft-6", "draft-7", "draft-10"] {
        let config = with(&[
            ("NEUROLINK__RATE_LIMIT__LIMIT", "2/1h"),
            ("NEUROLINK__RATE_LIMIT__HEADERS", dialect),
            ("NEUROLINK__CORS__ORIGINS", "https://app.example.com"),
        ]);
        let answer = get(&app(&config), "/api/version", &[("origin", "https://app.example.com")]).await;
        let exposed = answer.headers()["access-control-expose-headers"].to_str().expect("text").to_lowercase();
        let exposed: Vec<_> = exposed.split(',').map(str::trim).collect();
        let written: Vec<_> =
            answer.headers().keys().map(http::HeaderName::as_str).filter(|name| name.contains("ratelimit")).collect();
        assert!(written.len() >= 2, "{dialect}: {written:?}");
        for name in written {
            assert!(exposed.contains(&name), "{dialect}: {name} is not among {exposed:?}");
        }
    }
}

#[tokio::test]
async fn a_limit_has_the_algorithm_and_the_headers_that_are_named() {
    for (algorithm, at_once) in
        [("fixed_window", 2), ("sliding_log", 2), ("sliding_counter", 2), ("leaky_bucket", 4), ("gcra", 2)]
    {
        let config = with(&[
            ("NEUROLINK__RATE_LIMIT__LIMIT", "2/1h"),
            ("NEUROLINK__RATE_LIMIT__ALGORITHM", algorithm),
            ("NEUROLINK__RATE_LIMIT__BURST", "3"),
            ("NEUROLINK__RATE_LIMIT__HEADERS", "draft-6, draft-10"),
            ("NEUROLINK__CORS__ORIGINS", "https://app.example.com"),
        ]);
        let app = app(&config);
        for left in (0..at_once).rev() {
            let answer = get(&app, "/api/version", &[("origin", "https://app.example.com")]).await;
            assert_eq!(answer.headers()["ratelimit-remaining"], left.to_string(), "{algorithm}");
            let named = answer.headers()["ratelimit"].to_str().expect("text");
            assert!(named.starts_with(&format!("\"rate-limit\";r={left};t=")), "{algorithm}: {named}");
            assert!(!answer.headers().contains_key("x-ratelimit-limit"), "{algorithm}");
            let exposed = answer.headers()["access-control-expose-headers"].to_str().expect("text");
            assert!(exposed.to_lowercase().contains("ratelimit-policy"), "{exposed}");
        }
        let refused = get(&app, "/api/version", &[]).await;
        assert_eq!(refused.status(), StatusCode::TOO_MANY_REQUESTS, "{algorithm}");
    }
}

#[tokio::test]
async fn a_limit_may_count_failures_only() {
    let config = with(&[("NEUROLINK__RATE_LIMIT__LIMIT", "1/1h"), ("NEUROLINK__RATE_LIMIT__SKIP_SUCCESSFUL", "true")]);
    let app = app(&config);
    for (path, status) in [("/api/version", 200), ("/api/version", 200), ("/api/nope", 404), ("/api/version", 429)] {
        assert_eq!(get(&app, path, &[]).await.status().as_u16(), status, "{path}");
    }
}

// Shows S0-45, S0-47, S2-25, V52.
#[tokio::test]
async fn the_preset_of_the_original_keeps_its_promises() {
    let app = app(&Config::preset(Preset::Neurolink));
    let answer = get(&app, "/api/agent/providers", &[("origin", "https://anywhere.example")]).await;
    assert_eq!(answer.headers()["access-control-allow-origin"], "*");
    assert!(!answer.headers().contains_key("access-control-allow-credentials"));
    assert_eq!(answer.headers()["x-ratelimit-limit"], "100");
    assert_eq!(answer.headers()["x-xss-protection"], "1; mode=block");
    assert_eq!(answer.headers()["referrer-policy"], "strict-origin-when-cross-origin");
    assert!(!answer.headers().contains_key("content-security-policy"));
    assert_eq!(answer.headers()["strict-transport-security"], "max-age=31536000; includeSubDomains");
    let missing = get(&app, "/api/nope", &[]).await;
    assert_eq!(missing.status(), StatusCode::NOT_FOUND);
    assert!(text(missing).await.contains(r#""code":"SERVER_ADAPTER_NOT_FOUND""#));
}

async fn text(response: Response) -> String {
    let bytes = response.into_body().into_full().expect("a body that is there");
    String::from_utf8(bytes.to_vec()).expect("text")
}

#[tokio::test]
async fn a_timeout_has_the_status_that_is_configured() {
    let mut config = Config::default();
    config.errors.timeout_status = 408;
    config.timeout.request = std::time::Duration::from_millis(20);
    let slow = Route::get("/api/slow", async || std::future::pending::<&str>().await);
    let app = builder(&config).route(slow).build().expect("valid");
    let answer = get(&app, "/api/slow", &[]).await;
    assert_eq!(answer.status(), StatusCode::REQUEST_TIMEOUT);
    assert!(!answer.headers().contains_key("connection"), "the request came in time: the connection stays");
    assert!(text(answer).await.contains(r#""code":"TIMEOUT""#));
}

// Shows S2-40.
#[tokio::test]
async fn causes_are_told_to_developers_on_this_machine_only() {
    let mut config = Config::default();
    config.errors.dev_errors = true;
    let broken = Route::get("/api/broken", async || Err::<(), _>(Error::internal("the disk is full")));
    let app = builder(&config).route(broken).build().expect("valid");
    let ask = async |peer: [u8; 4], local: [u8; 4]| {
        let request = http::Request::get("/api/broken").header("host", "localhost").body(Body::empty());
        let conn = ConnInfo::new(Some((peer, 5000).into())).with_local(Some((local, 80).into()));
        text(app.handle(request.expect("a request"), conn).await).await
    };
    assert!(ask([127, 0, 0, 1], [127, 0, 0, 1]).await.contains("the disk is full"));
    assert!(!ask([10, 0, 0, 1], [127, 0, 0, 1]).await.contains("disk"));
    assert!(!ask([127, 0, 0, 1], [10, 0, 0, 2]).await.contains("disk"));
}

#[tokio::test]
async fn every_security_header_can_be_set_and_left_out() {
    let file = r#"
        [headers]
        preset = "helmet"
        hsts = "max-age=60"
        hsts_https_only = false
        origin_agent_cluster = "off"
        custom = { x-download-options = "off", x-mine = "1" }
    "#;
    let config = Loader::new().text("file.toml", file).load().expect("valid").config;
    let answer = get(&app(&config), "/api/health", &[]).await;
    assert_eq!(answer.headers()["strict-transport-security"], "max-age=60");
    assert_eq!(answer.headers()["x-mine"], "1");
    for left_out in ["origin-agent-cluster", "x-download-options"] {
        assert!(!answer.headers().contains_key(left_out), "{left_out}");
    }
}

#[tokio::test]
async fn cors_knows_the_names_that_other_sections_have_changed() {
    let file = r#"
        [request_id]
        header = "x-trace-id"
        [auth]
        token = "a-token-of-at-least-128-bits"
        token_header = "x-my-token"
        [auth.api_keys]
        header = "x-my-key"
        keys = [{ key = "a-key-of-at-least-128-bits", user = "k" }]
        [cors]
        origins = ["https://a.example"]
        preflight_status = 200
        forbid_denied = true
    "#;
    let config = Loader::new().text("file.toml", file).load().expect("valid").config;
    let app = app(&config);
    let origin = ("origin", "https://a.example");
    let answer = get(&app, "/api/health", &[origin]).await;
    assert!(answer.headers()["access-control-expose-headers"].to_str().expect("text").contains("x-trace-id"));
    let preflight = async |origin: &str| {
        let request = http::Request::options("/api/health").header("host", "localhost").header("origin", origin);
        let request = request.header("access-control-request-method", "GET").body(Body::empty()).expect("a request");
        app.handle(request, ConnInfo::new(Some(([127, 0, 0, 1], 5000).into()))).await
    };
    let allowed = preflight("https://a.example").await;
    assert_eq!(allowed.status(), StatusCode::OK);
    let names = allowed.headers()["access-control-allow-headers"].to_str().expect("text");
    assert!(["x-trace-id", "x-my-key", "x-my-token"].iter().all(|name| names.contains(name)), "{names}");
    let denied = preflight("https://b.example").await;
    assert_eq!(denied.status(), StatusCode::FORBIDDEN);
    assert!(denied.headers()["vary"].to_str().expect("text").contains("origin"));
}

#[test]
fn names_of_headers_that_mean_something_else_are_refused() {
    let mut config = Config::default();
    config.request_id.header = "content-length".into();
    config.headers.custom.insert("transfer-encoding".into(), HeaderValue::Value("gzip".into()));
    let error = builder(&config).all_routes().build().expect_err("two mistakes");
    for key in ["request_id_header", "middleware.security-headers"] {
        assert!(error.problems().iter().any(|problem| problem.key == key), "{key}: {error}");
    }
}

// Shows V44.
#[tokio::test]
async fn a_middleware_of_code_replaces_the_configured_one() {
    let app = builder(&Config::default())
        .middleware(SecurityHeaders::none().custom("x-mine", "yes"))
        .all_routes()
        .build()
        .expect("valid");
    let answer = get(&app, "/api/health", &[]).await;
    assert!(answer.headers().contains_key("x-mine") && !answer.headers().contains_key("x-frame-options"));
}

// Shows S3-19.
#[test]
fn the_conformance_configuration_makes_an_app() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../conformance-tests/reference.toml");
    let config = Loader::new().file(path).load().expect("valid").config;
    let app = app(&config);
    for path in &config.rate_limit.paths {
        assert!(steps(&app, path).contains(&"rate-limit".to_owned()), "{path}");
    }
    assert!(!steps(&app, "/api/agent/execute").contains(&"rate-limit".to_owned()));
    assert!(app.has_authenticator());
}

#[tokio::test]
async fn a_limit_may_count_keys_be_higher_for_users_and_refuse_by_another_status() {
    let mut config = Config::default();
    config.rate_limit.limit = Some(Rate::new(1, Duration::from_secs(60)));
    config.rate_limit.status = 503;
    let refusing = app(&config);
    assert_eq!(get(&refusing, "/api/nope", &[]).await.status(), 404);
    assert_eq!(get(&refusing, "/api/nope", &[]).await.status(), 503);
    config.rate_limit.key = RateLimitKey::ApiKey;
    config.rate_limit.users = Some(200);
    let error = builder(&config).all_routes().build().expect_err("nobody is known");
    assert!(error.to_string().contains("it needs to know the user"), "{error}");
}

#[test]
fn limits_of_concurrency_become_middleware() {
    let mut config = Config::default();
    config.concurrency.all = Some(500);
    config.concurrency.queue = 20;
    config.concurrency.per_caller = Some(10);
    let app = app(&config);
    let route = app.plan().routes.iter().find(|route| route.path == "/api/agent/execute").expect("a route");
    let summary = |name: &str| route.steps.iter().find(|step| step.name == name).map(|step| step.summary.as_str());
    assert_eq!(summary("load-shedding"), Some("500 at a time, 20 wait 1s"));
    assert_eq!(summary("concurrency"), Some("10 at a time by address"));
}

#[test]
fn impossible_values_of_code_are_found_too() {
    let mut config = Config::default();
    config.headers.frame_options = HeaderValue::Value("sometimes".into());
    config.headers.hsts = HeaderValue::Value("for ever".into());
    let error = config.apply(App::builder(OfflineEngine::new())).err().expect("two mistakes");
    assert_eq!(error.problems().len(), 2, "{error}");

    let mut config = Config::default();
    config.cors.origins = Origins::Any;
    config.cors.credentials = true;
    config.rate_limit.key = RateLimitKey::User;
    config.server.base_path = "no slash".into();
    config.proxies.trusted = vec!["everywhere".into()];
    let error = builder(&config).all_routes().build().expect_err("mistakes");
    for key in ["middleware.cors", "base_path", "trusted_proxies"] {
        assert!(error.problems().iter().any(|problem| problem.key == key), "{key}: {error}");
    }
}
