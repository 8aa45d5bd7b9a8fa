//! What browsers rely on: CORS, the cross-site check, the Host.

use http::{Method, StatusCode};
use neurolink_config::Origins;

use super::adapter::ask;
use super::edit::{has_credential, lose, refusal, set, text};
use super::mutant::Mutant;

const CORS: &[&str] = &["cors"];
const SITE: &[&str] = &["crosssite"];
const HOST: &[&str] = &["host"];

pub(super) const ALL: &[Mutant] = &[
    Mutant::new("credentials-of-any-origin-are-built", CORS, "credentials are left out in silence").config(|config| {
        if config.cors.origins == Origins::Any {
            config.cors.credentials = false;
        }
    }),
    Mutant::new("cors-is-off", &["cors", "crosssite"], "no origin is named")
        .config(|config| config.cors.origins = Origins::Off),
    Mutant::new("cors-names-anybody", CORS, "every origin is named").response(|head, response| {
        let origin = text(&head.headers, "origin");
        if !origin.is_empty() {
            set(response.headers_mut(), "access-control-allow-origin", &origin);
        }
    }),
    Mutant::new("cors-is-a-star", CORS, "the named origin is `*`").response(|_, response| {
        set(response.headers_mut(), "access-control-allow-origin", "*");
    }),
    Mutant::new("cors-is-missing-on-errors", CORS, "an error names no origin").response(|_, response| {
        if response.status().as_u16() >= 400 {
            lose(response, "access-control-allow-origin");
        }
    }),
    Mutant::new("cors-is-missing-on-streams", CORS, "a stream names no origin").response(|_, response| {
        if response.body().is_stream() {
            lose(response, "access-control-allow-origin");
        }
    }),
    Mutant::new("vary-is-missing", CORS, "answers do not vary by origin")
        .response(|_, response| lose(response, "vary")),
    Mutant::new("exposed-headers-are-missing", CORS, "our headers are not exposed")
        .response(|_, response| lose(response, "access-control-expose-headers")),
    Mutant::new("preflight-asks-for-a-user", &["cors", "requestid"], "authentication comes before a preflight").around(
        |host, request| {
            Box::pin(async move {
                if request.method() == Method::OPTIONS && !has_credential(request.headers()) {
                    return refusal(StatusCode::UNAUTHORIZED, "AUTH_REQUIRED");
                }
                ask(host, request).await
            })
        },
    ),
    Mutant::new("preflight-allows-no-header", CORS, "a preflight does not allow the clients' headers")
        .response(|_, response| lose(response, "access-control-allow-headers")),
    Mutant::new("preflight-is-not-kept", CORS, "a preflight has no lifetime")
        .response(|_, response| lose(response, "access-control-max-age")),
    Mutant::new("preflight-needs-a-route", CORS, "a preflight of an unmatched path is a 404").response(
        |head, response| {
            if head.method == Method::OPTIONS && head.uri.path() == "/api/nope" {
                *response.status_mut() = StatusCode::NOT_FOUND;
            }
        },
    ),
    Mutant::new("preflight-of-strangers-is-a-403", CORS, "an unlisted origin's preflight is an error").response(
        |head, response| {
            if head.method == Method::OPTIONS && text(&head.headers, "origin").contains("evil") {
                *response.status_mut() = StatusCode::FORBIDDEN;
            }
        },
    ),
    Mutant::new("every-options-is-a-preflight", &["cors", "methods"], "OPTIONS ends at CORS").around(
        |host, request| {
            Box::pin(async move {
                if request.method() == Method::OPTIONS {
                    let mut response = refusal(StatusCode::NO_CONTENT, "");
                    *response.body_mut() = neurolink_core::Body::empty();
                    return response;
                }
                ask(host, request).await
            })
        },
    ),
    Mutant::new("cross-site-check-is-off", &["crosssite", "headers"], "state may be changed from any site")
        .config(|config| config.cross_site.enabled = false),
    Mutant::new("cross-site-by-origin-only", SITE, "Sec-Fetch-Site is not looked at")
        .request(|request| drop(request.headers_mut().remove("sec-fetch-site"))),
    Mutant::new("cross-site-by-fetch-site-only", SITE, "Origin is not looked at")
        .request(|request| drop(request.headers_mut().remove("origin"))),
    Mutant::new("cross-site-needs-a-header", SITE, "a client that is no browser is refused").request(|request| {
        if !request.headers().contains_key("origin") && !request.headers().contains_key("sec-fetch-site") {
            set(request.headers_mut(), "sec-fetch-site", "cross-site");
        }
    }),
    Mutant::new("cross-site-origin-decides-first", SITE, "Origin is looked at before Sec-Fetch-Site").request(
        |request| {
            if request.headers().contains_key("origin") {
                request.headers_mut().remove("sec-fetch-site");
            }
        },
    ),
    Mutant::new("cross-site-excuses-tokens", SITE, "a request with a token is not checked").request(|request| {
        if has_credential(request.headers()) {
            request.headers_mut().remove("origin");
            request.headers_mut().remove("sec-fetch-site");
        }
    }),
    Mutant::new("cross-site-checks-reading", SITE, "a safe method from another site is refused").response(
        |head, response| {
            if text(&head.headers, "sec-fetch-site") == "cross-site" {
                *response.status_mut() = StatusCode::FORBIDDEN;
            }
        },
    ),
    Mutant::new("cross-site-refuses-this-site", SITE, "this server's own pages are refused").request(|request| {
        let site = text(request.headers(), "sec-fetch-site");
        if ["same-origin", "none"].contains(&&*site) || text(request.headers(), "origin").contains("127.0.0.1") {
            set(request.headers_mut(), "sec-fetch-site", "cross-site");
        }
    }),
    Mutant::new("host-is-not-checked", &["host", "http2", "protected", "smuggling"], "every Host is answered")
        .config(|config| config.server.allow_any_host = true),
    Mutant::new("host-by-part", HOST, "a Host that contains a right name is right").request(|request| {
        let host = text(request.headers(), "host");
        if host.contains("localhost") || host.starts_with("127.0.0.1") {
            set(request.headers_mut(), "host", "localhost");
        }
    }),
    Mutant::new("host-has-no-ipv6", HOST, "only some names of loopback are answered").response(|head, response| {
        if text(&head.headers, "host").starts_with('[') {
            *response.status_mut() = StatusCode::BAD_REQUEST;
        }
    }),
    Mutant::new("host-is-the-forwarded-one", HOST, "X-Forwarded-Host is believed").request(|request| {
        let forwarded = text(request.headers(), "x-forwarded-host");
        if !forwarded.is_empty() {
            set(request.headers_mut(), "host", &forwarded);
        }
    }),
    Mutant::new("host-is-not-compared", &["host", "protected"], "the authority of the target wins over Host").request(
        |request| {
            if request.uri().authority().is_some() {
                let path = request.uri().path_and_query().map_or("/", http::uri::PathAndQuery::as_str).to_owned();
                set(request.headers_mut(), "host", "localhost");
                if let Ok(uri) = path.parse() {
                    *request.uri_mut() = uri;
                }
            }
        },
    ),
    Mutant::new("absolute-form-is-refused", HOST, "a target with an authority is a 400").response(|head, response| {
        if head.uri.authority().is_some() {
            *response.status_mut() = StatusCode::FORBIDDEN;
        }
    }),
    Mutant::new("http10-needs-a-host", HOST, "HTTP/1.0 without Host is refused").response(|head, response| {
        if !head.headers.contains_key("host") {
            *response = refusal(StatusCode::BAD_REQUEST, "BAD_REQUEST");
        }
    }),
    Mutant::new("host-comes-after-auth", HOST, "a right credential excuses a wrong Host").request(|request| {
        if has_credential(request.headers()) {
            set(request.headers_mut(), "host", "localhost");
        }
    }),
];
