//! The headers of security, CORS and timing, value by value.

use std::time::Duration;

use neurolink_core::middleware::{
    AccessLog, Cors, Csp, Denied, FrameOptions, Hsts, PermissionsPolicy, SecurityHeaders, Timing,
};
use neurolink_core::{App, Error, Reply, Route};

use crate::fixture::{PEER, TOKEN, app, get, tokens};
use crate::support::{Answer, Quiet, ask};

async fn sent(headers: SecurityHeaders) -> Vec<(String, String)> {
    let app = app().0.middleware(headers).build().expect("valid");
    let answer = get(&app, "/api/x", &[]).await;
    let own = ["content-type", "content-length", "x-request-id"];
    let lines = answer.headers.iter().map(|(name, value)| (name.to_string(), value.to_str().expect("text").to_owned()));
    let mut lines: Vec<_> = lines.filter(|(name, _)| !own.contains(&name.as_str())).collect();
    lines.sort();
    lines
}

fn pairs(expected: &[(&str, &str)]) -> Vec<(String, String)> {
    expected.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
}

// Shows S0-42, S0-43, S0-44, S0-46, S0-48, S0-49, S0-50, S0-52, S0-54, S1-02, S1-42, S3-25.
#[tokio::test]
async fn each_security_header_has_its_values_and_can_be_off() {
    let none = SecurityHeaders::none;
    let year = Hsts { https_only: false, ..Hsts::default() };
    for (headers, expected) in [
        (none(), &[][..]),
        (none().frame_options(FrameOptions::Deny), &[("x-frame-options", "DENY")]),
        (none().frame_options(FrameOptions::SameOrigin), &[("x-frame-options", "SAMEORIGIN")]),
        (
            SecurityHeaders::neurolink().frame_options(FrameOptions::Off).hsts(None).xss_protection(None::<&str>),
            &[("referrer-policy", "strict-origin-when-cross-origin"), ("x-content-type-options", "nosniff")],
        ),
        (none().content_type_options(true), &[("x-content-type-options", "nosniff")]),
        (none().content_type_options(true).content_type_options(false), &[]),
        (none().hsts(Some(year)), &[("strict-transport-security", "max-age=31536000; includeSubDomains")]),
        (
            none().hsts(Some(Hsts { max_age: 63_072_000, ..year })),
            &[("strict-transport-security", "max-age=63072000; includeSubDomains")],
        ),
        (
            none().hsts(Some(Hsts { preload: true, ..year })),
            &[("strict-transport-security", "max-age=31536000; includeSubDomains; preload")],
        ),
        (none().hsts(Some(year)).hsts(None), &[]),
        (none().referrer_policy(Some("no-referrer")), &[("referrer-policy", "no-referrer")]),
        (none().custom("x-custom-header", "custom-value"), &[("x-custom-header", "custom-value")]),
        (
            none().frame_options(FrameOptions::Deny).custom("x-frame-options", "ALLOWALL"),
            &[("x-frame-options", "ALLOWALL")],
        ),
    ] {
        assert_eq!(sent(headers).await, pairs(expected));
    }
}

// Shows S0-41, S0-48, S0-49, S0-50, S0-51, S0-53, S1-42.
#[tokio::test]
async fn policies_are_sent_as_they_are_written() {
    let csp = |policy: &str| SecurityHeaders::none().content_security_policy(Some(policy.to_owned()));
    for policy in [
        "default-src 'self'; img-src 'self' data:",
        "default-src 'self'",
        "default-src 'self'; script-src 'self' 'unsafe-inline'",
    ] {
        assert_eq!(sent(csp(policy)).await, pairs(&[("content-security-policy", policy)]));
    }
    let built = SecurityHeaders::none()
        .content_security_policy(Some(
            Csp::new().directive("default-src", ["'self'"]).directive("style-src", ["'self'"]),
        ))
        .permissions_policy(Some(PermissionsPolicy::new().deny("camera").deny("microphone").deny("geolocation")));
    let expected = pairs(&[
        ("content-security-policy", "default-src 'self'; style-src 'self'"),
        ("permissions-policy", "camera=(), microphone=(), geolocation=()"),
    ]);
    assert_eq!(sent(built).await, expected);
}

// Shows S0-41, S0-44, S0-45, S0-55, S2-13, S2-16, S2-17, S3-23, S3-25.
#[tokio::test]
async fn the_named_sets_are_sent_whole() {
    let original = [
        ("referrer-policy", "strict-origin-when-cross-origin"),
        ("strict-transport-security", "max-age=31536000; includeSubDomains"),
        ("x-content-type-options", "nosniff"),
        ("x-frame-options", "DENY"),
        ("x-xss-protection", "1; mode=block"),
    ];
    assert_eq!(sent(SecurityHeaders::neurolink()).await, pairs(&original));
    let helmet = [
        (
            "content-security-policy",
            "default-src 'self';base-uri 'self';font-src 'self' https: data:;form-action 'self';frame-ancestors \
             'self';img-src 'self' data:;object-src 'none';script-src 'self';script-src-attr 'none';style-src 'self' \
             https: 'unsafe-inline';upgrade-insecure-requests",
        ),
        ("cross-origin-opener-policy", "same-origin"),
        ("cross-origin-resource-policy", "same-origin"),
        ("origin-agent-cluster", "?1"),
        ("referrer-policy", "no-referrer"),
        ("strict-transport-security", "max-age=31536000; includeSubDomains"),
        ("x-content-type-options", "nosniff"),
        ("x-dns-prefetch-control", "off"),
        ("x-download-options", "noopen"),
        ("x-frame-options", "SAMEORIGIN"),
        ("x-permitted-cross-domain-policies", "none"),
        ("x-xss-protection", "0"),
    ];
    assert_eq!(sent(SecurityHeaders::helmet()).await, pairs(&helmet));
    let keryx = [
        (
            "content-security-policy",
            "default-src 'self'; script-src 'self' https://cdn.jsdelivr.net; style-src 'self' 'unsafe-inline' \
             https://cdn.jsdelivr.net; font-src 'self' https://cdn.jsdelivr.net data:; img-src 'self' data: blob:; \
             connect-src 'self'; worker-src blob:",
        ),
        ("referrer-policy", "strict-origin-when-cross-origin"),
        ("strict-transport-security", "max-age=31536000; includeSubDomains"),
        ("x-content-type-options", "nosniff"),
        ("x-frame-options", "DENY"),
    ];
    assert_eq!(sent(SecurityHeaders::keryx()).await, pairs(&keryx));
    // Event streams need no policy for documents; the rest stays.
    let without = SecurityHeaders::helmet().content_security_policy(None::<&str>);
    assert_eq!(sent(without).await, pairs(&helmet[1..]));
}

async fn preflight(app: &App, origin: &str) -> Answer {
    ask(app, "OPTIONS", "/api/x", PEER, &[("origin", origin), ("access-control-request-method", "POST")]).await
}

// Shows S0-35, S0-36, S0-37, S1-05, S1-06, S3-30, S3-31.
#[tokio::test]
async fn a_preflight_lists_exactly_what_is_allowed() {
    let origin = "https://app.example.com";
    let cors = Cors::list([origin, "https://staging.example.com"])
        .methods(["GET", "POST", "PUT", "DELETE", "OPTIONS"])
        .headers(["Content-Type", "Authorization", "X-API-Key", "X-Request-ID"])
        .credentials(true)
        .max_age(Duration::from_secs(3600))
        .preflight_status(200);
    let app = app().0.middleware(cors).build().expect("valid");
    for origin in [origin, "https://staging.example.com"] {
        let answer = preflight(&app, origin).await;
        assert_eq!(answer.status, 200);
        assert_eq!(answer.header("access-control-allow-origin"), origin);
        assert_eq!(answer.header("access-control-allow-credentials"), "true");
        assert_eq!(answer.header("access-control-allow-methods"), "GET, POST, PUT, DELETE, OPTIONS");
        assert_eq!(
            answer.header("access-control-allow-headers"),
            "Content-Type, Authorization, X-API-Key, X-Request-ID"
        );
        assert_eq!(answer.header("access-control-max-age"), "3600");
    }
    let denied = preflight(&app, "https://evil.example").await;
    assert_eq!((denied.status, denied.header("access-control-allow-origin")), (200, ""));
    assert_eq!(denied.header("access-control-allow-credentials"), "");
}

// Shows S0-39, P-D34.
#[tokio::test]
async fn a_function_decides_about_origins() {
    let ours = |origin: &str| {
        let host = origin.strip_prefix("https://");
        host.and_then(|host| host.strip_suffix(".myapp.com"))
            .is_some_and(|name| name.bytes().all(|b| b.is_ascii_lowercase()))
    };
    let app = app().0.middleware(Cors::predicate(ours).credentials(true)).build().expect("valid");
    assert_eq!(
        preflight(&app, "https://a.myapp.com").await.header("access-control-allow-origin"),
        "https://a.myapp.com"
    );
    for other in [
        "http://a.myapp.com",
        "https://myapp.com.evil.com",
        "https://evilmyapp.com",
        "https://evil.com/.myapp.com",
        "https://u@a.myapp.com",
        "null",
    ] {
        let answer = preflight(&app, other).await;
        assert_eq!(answer.header("access-control-allow-origin"), "", "{other}");
        assert_eq!(answer.header("access-control-allow-credentials"), "", "{other}");
    }
}

// Shows V42.
#[tokio::test(start_paused = true)]
async fn the_response_time_is_that_of_the_handler() {
    let slow = async || tokio::time::sleep(Duration::from_millis(60)).await;
    let app = app().0.middleware(Timing::new()).route(Route::get("/api/slow", slow)).build().expect("valid");
    let answer = get(&app, "/api/slow", &[]).await;
    let milliseconds = answer.header("x-response-time").strip_suffix("ms").and_then(|text| text.parse::<f64>().ok());
    assert!(milliseconds.is_some_and(|ms| (60.0..70.0).contains(&ms)), "{milliseconds:?}");
    assert!(answer.header("server-timing").starts_with("total;dur=6"), "{}", answer.header("server-timing"));
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
    let preflight = ask(&app, "OPTIONS", "/api/x", PEER, &[origin, ("access-control-request-method", "POST")]).await;
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
    let denied = ask(&app, "OPTIONS", "/api/x", PEER, &evil).await;
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

// Shows S2-23.
#[tokio::test]
async fn methods_and_headers_may_be_on_every_answer() {
    let told = |answer: &Answer| {
        [answer.header("access-control-allow-methods"), answer.header("access-control-allow-headers")]
            .map(str::to_owned)
    };
    let listed = || Cors::list(["https://a.example"]).methods(["GET", "POST"]).headers(["Content-Type"]);
    let (own, evil) = ([("origin", "https://a.example")], [("origin", "https://evil.example")]);
    for (cors, expected) in [(listed().announce(true), ["GET, POST", "Content-Type"]), (listed(), ["", ""])] {
        for cors in [cors.clone(), cors.denied(Denied::Forbid)] {
            let app = app().0.middleware(cors).middleware(tokens()).build().expect("valid");
            for (path, headers) in
                [("/api/x", &own[..]), ("/api/x", &evil), ("/api/x", &[]), ("/api/nope", &own), ("/api/%zz", &[])]
            {
                assert_eq!(told(&get(&app, path, headers).await), expected, "{path} {headers:?}");
            }
            assert_eq!(told(&preflight(&app, "https://evil.example").await), expected);
            let allowed = preflight(&app, "https://a.example").await;
            assert_eq!(told(&allowed), ["GET, POST", "Content-Type"]);
        }
    }
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
        ask(&app, "POST", "/api/do", PEER, &headers).await
    };
    assert_eq!(of("https://app.example.com").await.status, 200);
    let refused = of("https://evil.example").await;
    assert_eq!((refused.status, refused.header("vary")), (403, "origin"));
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
