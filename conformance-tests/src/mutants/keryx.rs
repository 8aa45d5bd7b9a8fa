//! The preset `keryx`: its limits, its headers, its log.

use http::StatusCode;
use neurolink_config::{HeaderPreset, HeaderValue, LogFormat, Origins, RateLimitAlgorithm, RateLimitKey};

use super::edit::{lose, set, text};
use super::mutant::Mutant;

const AREAS: &[&str] = &["keryx"];

pub(super) const ALL: &[Mutant] = &[
    Mutant::new("keryx-strangers-have-one-more", AREAS, "21 requests are let through").config(|config| {
        if let Some(limit) = &mut config.rate_limit.limit {
            limit.limit += 1;
        }
    }),
    Mutant::new("keryx-users-are-strangers", AREAS, "users have no limit of their own")
        .config(|config| config.rate_limit.users = None),
    Mutant::new("keryx-users-have-one-more", AREAS, "201 requests of a user are let through")
        .config(|config| config.rate_limit.users = Some(201)),
    Mutant::new("keryx-users-count-by-address", AREAS, "users of one address have one count").config(|config| {
        config.rate_limit.key = RateLimitKey::Address;
    }),
    Mutant::new("keryx-windows-begin-with-a-request", AREAS, "windows are not those of the clock")
        .config(|config| config.rate_limit.algorithm = RateLimitAlgorithm::FixedWindow),
    Mutant::new("keryx-forgets-whom-it-refused", AREAS, "who is refused is not counted")
        .config(|config| config.rate_limit.algorithm = RateLimitAlgorithm::SlidingCounter),
    Mutant::new("keryx-refuses-in-our-words", AREAS, "the refusal has another text")
        .config(|config| config.rate_limit.message = None),
    Mutant::new("keryx-counts-probes", AREAS, "a probe tells a limit").response(|head, response| {
        if head.uri.path().ends_with("/live") {
            set(response.headers_mut(), "x-ratelimit-limit", "20");
        }
    }),
    Mutant::new("keryx-headers-are-anothers", AREAS, "the security headers are the original's")
        .config(|config| config.headers.preset = HeaderPreset::Neurolink),
    Mutant::new("keryx-policy-is-that-of-its-code", AREAS, "the policy is not that of its page").config(|config| {
        config.headers.content_security_policy = HeaderValue::Value("default-src 'self'".into());
    }),
    Mutant::new("keryx-headers-are-missing-on-errors", AREAS, "an error has no policy").response(|_, response| {
        if response.status().as_u16() >= 400 {
            lose(response, "content-security-policy");
        }
    }),
    Mutant::new("keryx-cors-is-for-preflights", AREAS, "the methods are told on preflights only")
        .config(|config| config.cors.announce = false),
    Mutant::new("keryx-cors-is-missing-on-errors", AREAS, "an error tells no methods").response(|_, response| {
        if response.status().as_u16() >= 400 {
            lose(response, "access-control-allow-methods");
        }
    }),
    Mutant::new("keryx-cors-allows-our-headers", AREAS, "more headers than `Content-Type` are told").config(|config| {
        config.cors.headers.push("Authorization".into());
    }),
    Mutant::new("keryx-preflight-is-204", AREAS, "a preflight has no content")
        .config(|config| config.cors.preflight_status = 204),
    Mutant::new("keryx-cors-is-off", AREAS, "no origin may read").config(|config| config.cors.origins = Origins::Off),
    Mutant::new(
        "keryx-names-any-origin-with-credentials",
        AREAS,
        "each site acts as its visitor, as with Keryx's code",
    )
    .response(|head, response| {
        let origin = text(&head.headers, "origin");
        if !origin.is_empty() {
            set(response.headers_mut(), "access-control-allow-origin", &origin);
            set(response.headers_mut(), "access-control-allow-credentials", "true");
        }
    }),
    Mutant::new("keryx-hides-unmatched-paths", AREAS, "a stranger's 404 is a 401")
        .config(|config| config.auth.hide_unmatched = true),
    Mutant::new("keryx-timeout-is-504", AREAS, "a request that takes too long is a 504")
        .config(|config| config.errors.timeout_status = 504),
    Mutant::new("keryx-takes-the-clients-id", AREAS, "the id of an answer is the client's").response(
        |head, response| {
            let id = text(&head.headers, "x-request-id");
            if !id.is_empty() {
                set(response.headers_mut(), "x-request-id", &id);
            }
        },
    ),
    Mutant::new("keryx-tells-the-stack", AREAS, "a server error tells where it happened").json(|_, value| {
        if let Some(error) = value.get_mut("error") {
            error["stack"] = "at reference.rs:1".into();
        }
    }),
    Mutant::new("keryx-logs-fields", AREAS, "a line of log is not Keryx's")
        .config(|config| config.log.format = LogFormat::Text),
    Mutant::new("keryx-refuses-other-sites", AREAS, "what CORS allows is refused all the same").response(
        |head, response| {
            if text(&head.headers, "sec-fetch-site") == "cross-site" {
                *response.status_mut() = StatusCode::FORBIDDEN;
            }
        },
    ),
];
