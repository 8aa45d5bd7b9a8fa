//! The headers of security, CORS and timing, value by value.

use std::time::Duration;

use neurolink_core::middleware::{Cors, Csp, FrameOptions, Hsts, PermissionsPolicy, SecurityHeaders, Timing};
use neurolink_core::{App, Route};

use crate::middleware::{Answer, PEER, app, get, send};

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

// Shows S0-41, S0-44, S0-45, S0-55, S2-16, S2-17, S3-23, S3-25.
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
    // Event streams need no policy for documents; the rest stays.
    let without = SecurityHeaders::helmet().content_security_policy(None::<&str>);
    assert_eq!(sent(without).await, pairs(&helmet[1..]));
}

async fn preflight(app: &App, origin: &str) -> Answer {
    send(app, "OPTIONS", "/api/x", PEER, &[("origin", origin), ("access-control-request-method", "POST")]).await
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
