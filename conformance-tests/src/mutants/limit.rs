//! The rate limit: what it counts by, and what it tells.

use std::collections::hash_map::DefaultHasher;
use std::hash::{Hash as _, Hasher as _};
use std::net::Ipv4Addr;

use http::{Method, StatusCode};
use neurolink_config::{Config, Rate, RateLimitDialect};
use neurolink_core::Request;

use super::adapter::Peer;
use super::edit::{lose, remove, set, text};
use super::mutant::Mutant;

const AREAS: &[&str] = &["limit"];

pub(super) const ALL: &[Mutant] = &[
    Mutant::new("limit-is-one-more", AREAS, "six requests are let through").config(|config| limit(config, 6)),
    Mutant::new("limit-is-one-less", AREAS, "four requests are let through").config(|config| limit(config, 4)),
    Mutant::new("limit-is-off", &["limit", "headers", "cors"], "nothing is counted")
        .config(|config| config.rate_limit.limit = None),
    Mutant::new("limit-is-everywhere", &["limit", "health"], "every route counts")
        .config(|config| config.rate_limit.paths.clear()),
    Mutant::new("limit-is-one-for-all", AREAS, "all addresses have one count").config(trust).request(|request| {
        set(request.headers_mut(), "x-forwarded-for", "192.0.2.1");
    }),
    Mutant::new("limit-believes-forwarded", AREAS, "whoever asks chooses his address").config(trust),
    Mutant::new("limit-by-target", AREAS, "the query is part of the key").config(trust).request(|request| {
        let target = request.uri().to_string();
        key(request, &target);
    }),
    Mutant::new("limit-by-raw-path", AREAS, "every spelling of a path has a count of its own").config(trust).request(
        |request| {
            let path = request.uri().path().to_owned();
            key(request, &path);
        },
    ),
    Mutant::new("limit-by-credential", AREAS, "every credential has a count of its own").config(trust).request(
        |request| {
            let names = ["authorization", "x-api-key", "user-agent"];
            let given = names.map(|name| text(request.headers(), name)).concat();
            key(request, &given);
        },
    ),
    Mutant::new("limit-by-method", AREAS, "HEAD has a count of its own").config(trust).request(|request| {
        let method = request.method().to_string();
        key(request, &method);
    }),
    Mutant::new("limit-counts-preflights", &["cors"], "a preflight counts").request(|request| {
        if request.method() == Method::OPTIONS && request.uri().path() == "/api/health/startup" {
            *request.method_mut() = Method::GET;
        }
    }),
    Mutant::new("limit-counts-on-other-routes", AREAS, "an answer without a limit tells one").response(
        |_, response| {
            set(response.headers_mut(), "x-ratelimit-limit", "5");
        },
    ),
    Mutant::new("limit-closes-other-routes", AREAS, "who is over a limit is refused everywhere").response(
        |head, response| {
            if head.uri.path().ends_with("/limited") {
                *response.status_mut() = StatusCode::TOO_MANY_REQUESTS;
            }
        },
    ),
    Mutant::new(
        "429-is-a-503",
        &["limit", "headers", "cors", "sse", "health"],
        "too many requests are the server's fault",
    )
    .response(|_, response| {
        if response.status() == StatusCode::TOO_MANY_REQUESTS {
            *response.status_mut() = StatusCode::SERVICE_UNAVAILABLE;
        }
    }),
    Mutant::new("retry-after-is-missing", AREAS, "429 does not say when to come back")
        .response(|_, response| lose(response, "retry-after")),
    Mutant::new("retry-after-is-missing-in-the-body", AREAS, "the body of a 429 has no time")
        .json(|_, value| remove(value, &["error", "retryAfter"])),
    Mutant::new("limit-headers-are-missing-on-429", AREAS, "a refusal does not tell the limit").response(
        |_, response| {
            if response.status() == StatusCode::TOO_MANY_REQUESTS {
                for name in ["x-ratelimit-limit", "x-ratelimit-remaining", "x-ratelimit-reset"] {
                    lose(response, name);
                }
            }
        },
    ),
    Mutant::new("limit-remaining-is-the-limit", AREAS, "what is left never falls").response(|_, response| {
        if response.headers().contains_key("x-ratelimit-remaining") {
            set(response.headers_mut(), "x-ratelimit-remaining", "5");
        }
    }),
    Mutant::new("limit-reset-is-a-wait", AREAS, "the reset is told in seconds from now").response(|_, response| {
        if response.headers().contains_key("x-ratelimit-reset") {
            set(response.headers_mut(), "x-ratelimit-reset", "60");
        }
    }),
    Mutant::new("limit-drafts-are-missing", AREAS, "only the legacy headers tell the limit")
        .config(|config| config.rate_limit.headers = vec![RateLimitDialect::Legacy]),
    Mutant::new("limit-drafts-are-missing-on-429", AREAS, "a refusal does not tell the limit in the drafts").response(
        |_, response| {
            if response.status() == StatusCode::TOO_MANY_REQUESTS {
                for name in ["ratelimit", "ratelimit-limit", "ratelimit-remaining"] {
                    lose(response, name);
                }
            }
        },
    ),
    Mutant::new("limit-drafts-reset-is-an-instant", AREAS, "the drafts tell the reset since the epoch").response(
        |_, response| {
            for name in ["ratelimit-reset", "ratelimit"] {
                if response.headers().contains_key(name) {
                    set(response.headers_mut(), name, "1706745660");
                }
            }
        },
    ),
    Mutant::new("limit-asks-no-function", AREAS, "every tenant has one count").request(|request| {
        set(request.headers_mut(), "x-test-tenant", "all");
    }),
    Mutant::new("limit-leaves-no-path-out", AREAS, "a path that is left out counts").response(|head, response| {
        if head.uri.path().contains("/keyed/fr") {
            set(response.headers_mut(), "x-ratelimit-limit", "2");
        }
    }),
    Mutant::new("limit-refuses-in-its-own-words", AREAS, "a refusal is a problem of ours, whatever was chosen")
        .response(|head, response| {
            if head.uri.path().starts_with("/api/test/refused/") && response.status() == StatusCode::TOO_MANY_REQUESTS {
                *response.body_mut() = "{\"error\":{\"code\":\"RATE_LIMIT_EXCEEDED\"}}".into();
            }
        }),
    Mutant::new("limit-lets-everybody-register", AREAS, "registrations are not counted").response(|head, response| {
        if head.uri.path() == "/api/test/register" {
            *response.status_mut() = StatusCode::OK;
        }
    }),
    Mutant::new("limit-has-no-burst", AREAS, "nothing passes at once after a pause")
        .config(|config| config.rate_limit.burst = 0),
    Mutant::new("limit-drafts-are-hidden-from-browsers", AREAS, "a browser sees the legacy headers only").response(
        |_, response| {
            if response.headers().contains_key("access-control-expose-headers") {
                set(response.headers_mut(), "access-control-expose-headers", "Retry-After, X-RateLimit-Limit");
            }
        },
    ),
    Mutant::new("failing-store-denies-whoever-asks", AREAS, "no rule lets pass while its store fails").response(
        |head, response| {
            if head.uri.path().starts_with("/api/test/store/") {
                *response.status_mut() = StatusCode::SERVICE_UNAVAILABLE;
            }
        },
    ),
    Mutant::new("failing-store-opens-every-rule", AREAS, "whoever comes passes while a store fails").response(
        |head, response| {
            if head.uri.path().starts_with("/api/test/store/") {
                *response.status_mut() = StatusCode::OK;
            }
        },
    ),
    Mutant::new("failing-store-says-no-time", AREAS, "503 does not say when to come back").response(
        |head, response| {
            if head.uri.path().ends_with("/store/deny") {
                lose(response, "retry-after");
            }
        },
    ),
    Mutant::new("failing-store-counts-in-full", AREAS, "each process counts the whole limit").response(
        |head, response| {
            if head.uri.path().ends_with("/store/local") {
                set(response.headers_mut(), "x-ratelimit-remaining", "3");
            }
        },
    ),
    Mutant::new("limit-of-a-handler-is-never-used-up", AREAS, "a handler asks in vain").response(|head, response| {
        if head.uri.path().contains("/asked/") {
            *response.status_mut() = StatusCode::OK;
        }
    }),
    Mutant::new("limit-of-a-handler-is-always-shown", AREAS, "a handler that asks nothing tells a limit").response(
        |head, response| {
            if head.uri.path().ends_with("/asked/free") {
                set(response.headers_mut(), "x-ratelimit-limit", "2");
            }
        },
    ),
    Mutant::new("limit-counts-success", AREAS, "who succeeds uses up what failures may")
        .config(|config| config.rate_limit.skip_successful = false),
];

fn limit(config: &mut Config, limit: u32) {
    config.rate_limit.limit = Some(Rate::new(limit, std::time::Duration::from_secs(60)));
}

/// Believes what every client of the suite says about its address.
pub(super) fn trust(config: &mut Config) {
    config.proxies.trusted = vec!["127.0.0.0/8".into()];
}

/// Counts by the client's address and this: together they make an address, which the mutant believes.
fn key(request: &mut Request, by: &str) {
    let mut hasher = DefaultHasher::new();
    (by, Peer::of(request.extensions()).ip()).hash(&mut hasher);
    let [.., high, middle, low] = hasher.finish().to_be_bytes();
    set(request.headers_mut(), "x-forwarded-for", &Ipv4Addr::new(10, high, middle, low).to_string());
}
