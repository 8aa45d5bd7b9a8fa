//! API keys, and tokens beside Authorization.

use http::{Method, StatusCode};
use neurolink_config::ApiKeyConfig;
use neurolink_core::Request;

use super::adapter::ask;
use super::edit::{credential, is, lose, refusal, replace, set, swap, text};
use super::mutant::Mutant;

const AREAS: &[&str] = &["apikey"];
const KEY: &str = "x-api-key";
const CUSTOM: &str = "x-custom-auth";

fn each_key(config: &mut neurolink_config::Config, change: fn(&mut ApiKeyConfig)) {
    config.auth.api_keys.keys.iter_mut().for_each(change);
}

fn sent(request: &Request, name: &str) -> String {
    text(request.headers(), name)
}

fn query(request: &Request) -> String {
    request.uri().query().unwrap_or_default().to_owned()
}

fn become_key(request: &mut Request) {
    for name in ["authorization", CUSTOM, "cookie"] {
        request.headers_mut().remove(name);
    }
    set(request.headers_mut(), KEY, &credential("api-key"));
}

/// Whether it asks for a key to be issued.
fn issues(path: &str) -> bool {
    path == "/api/test/keys"
}

/// A server that issues other keys than it is asked for.
macro_rules! issuing {
    ($name:literal, $breaks:literal, $from:literal, $to:literal) => {
        Mutant::new($name, AREAS, $breaks).body(|head, body| match issues(head.uri.path()) {
            true => swap(&body, $from.as_bytes(), $to.as_bytes()),
            false => body,
        })
    };
}

pub(super) const ALL: &[Mutant] = &[
    Mutant::new("keys-have-no-end", AREAS, "keys do not end")
        .config(|config| each_key(config, |key| key.expires = None)),
    Mutant::new("keys-have-no-roles", AREAS, "scopes are lost")
        .config(|config| each_key(config, |key| key.roles.clear())),
    Mutant::new("keys-are-all-admins", AREAS, "every key has all roles")
        .config(|config| each_key(config, |key| key.roles.push("admin".into()))),
    Mutant::new("own-limits-are-ignored", AREAS, "every key has the limit of the rule")
        .config(|config| each_key(config, |key| key.rate_limit = None)),
    Mutant::new("own-limits-are-for-all", AREAS, "every key has the limit of one")
        .config(|config| each_key(config, |key| key.rate_limit = Some(3))),
    Mutant::new("hashes-are-keys", AREAS, "a hash lets its sender in").request(|request| {
        if sent(request, KEY).starts_with("sha256:") {
            become_key(request);
        }
    }),
    Mutant::new("keys-are-compared-loosely", AREAS, "what begins or contains a key is one").request(|request| {
        let given = sent(request, KEY);
        if given.len() > 20 && given.contains(&credential("api-key")) {
            become_key(request);
        }
    }),
    Mutant::new("head-needs-no-key", AREAS, "HEAD needs no key").request(|request| {
        if request.method() == Method::HEAD {
            become_key(request);
        }
    }),
    Mutant::new("only-get-takes-keys", AREAS, "HEAD and OPTIONS know no key").request(|request| {
        if [Method::HEAD, Method::OPTIONS].contains(request.method()) {
            request.headers_mut().remove(KEY);
        }
    }),
    Mutant::new("repeated-keys-are-one", AREAS, "of repeated keys one is looked at").request(|request| {
        for name in [KEY, CUSTOM] {
            let first = sent(request, name);
            if !first.is_empty() {
                set(request.headers_mut(), name, &first);
            }
        }
    }),
    Mutant::new("keys-may-be-in-the-query", AREAS, "a key in the query counts").request(|request| {
        if query(request).contains(&credential("api-key")) {
            become_key(request);
        }
    }),
    Mutant::new("keys-are-tokens-too", AREAS, "a key is a token").request(|request| {
        let places = ["authorization", CUSTOM, "cookie"];
        if places.iter().any(|name| sent(request, name).contains(&credential("api-key"))) {
            become_key(request);
        }
    }),
    Mutant::new("token-header-is-not-read", AREAS, "a header is not read")
        .config(|config| config.auth.token_header = None),
    Mutant::new("token-cookie-is-not-read", AREAS, "a cookie is not read")
        .config(|config| config.auth.token_cookie = None),
    Mutant::new("token-query-is-not-read", AREAS, "the query is not read")
        .config(|config| config.auth.token_query = None),
    Mutant::new("tokens-may-be-anywhere", AREAS, "a token counts wherever it is").request(|request| {
        let token = credential("user-token");
        if ["x-auth", "cookie"].iter().any(|name| sent(request, name).contains(&token))
            || query(request).contains(&token)
        {
            become_key(request);
        }
    }),
    Mutant::new("malformed-tokens-are-none", AREAS, "what is no token is nobody's").json(|_, value| {
        if value["error"]["code"] == "AUTH_INVALID" {
            replace(value, &["error", "code"], "AUTH_REQUIRED");
        }
    }),
    Mutant::new("query-tokens-are-stored", AREAS, "an answer to a token in the query may be stored")
        .response(|_, response| lose(response, "cache-control")),
    Mutant::new("first-user-wins", AREAS, "of two credentials one is looked at").request(|request| {
        if request.headers().contains_key(KEY) && request.headers().len() > 3 {
            become_key(request);
        }
    }),
    Mutant::new("one-way-at-a-time", AREAS, "two credentials are always refused").around(|host, request| {
        Box::pin(async move {
            let both = request.headers().contains_key(KEY)
                && (request.headers().contains_key(CUSTOM) || request.uri().query().is_some());
            if both {
                return refusal(StatusCode::UNAUTHORIZED, "AUTH_INVALID");
            }
            ask(host, request).await
        })
    }),
    Mutant::new("one-challenge-does", AREAS, "a 401 has one challenge").response(|_, response| {
        let first = text(response.headers(), "www-authenticate");
        if !first.is_empty() {
            set(response.headers_mut(), "www-authenticate", &first);
        }
    }),
    Mutant::new("wrong-key-is-repeated", AREAS, "a 401 tells the key").response(|head, response| {
        if response.status() == StatusCode::UNAUTHORIZED {
            set(response.headers_mut(), "x-rejected", &text(&head.headers, KEY));
        }
    }),
    Mutant::new("public-routes-judge-keys", AREAS, "a wrong key is refused where none is asked").around(
        |host, request| {
            Box::pin(async move {
                if request.uri().path() == "/api/health/live" && request.headers().contains_key(KEY) {
                    return refusal(StatusCode::UNAUTHORIZED, "AUTH_INVALID");
                }
                ask(host, request).await
            })
        },
    ),
    Mutant::new("optional-routes-forgive", AREAS, "a wrong key on an optional route is nobody's").request(|request| {
        if request.uri().path() == "/api/test/optional" {
            request.headers_mut().remove(KEY);
        }
    }),
    Mutant::new("outage-is-401", AREAS, "a store that is down refuses").response(|head, response| {
        if is(head, "/api/test/keys-outage") && response.status() == StatusCode::SERVICE_UNAVAILABLE {
            *response.status_mut() = StatusCode::UNAUTHORIZED;
        }
    }),
    Mutant::new("outage-lets-in", AREAS, "a store that is down lets everybody in").request(|request| {
        if request.headers_mut().remove("x-outage-key").is_some() {
            become_key(request);
        }
    }),
    Mutant::new("outage-is-for-all", AREAS, "a store that is down refuses users of others").response(
        |head, response| {
            if is(head, "/api/test/keys-outage") {
                *response.status_mut() = StatusCode::SERVICE_UNAVAILABLE;
            }
        },
    ),
    Mutant::new("issued-keys-are-short", AREAS, "a key has fewer characters").json(|head, value| {
        let short = value["data"]["key"].as_str().map(|key| key[..20].to_owned());
        if let Some(short) = short.filter(|_| issues(head.uri.path())) {
            replace(value, &["data", "key"], short);
        }
    }),
    Mutant::new("revoked-keys-go-on", AREAS, "a revoked key counts").around(|host, mut request| {
        Box::pin(async move {
            if request.method() == Method::DELETE && request.uri().path().starts_with("/api/test/keys/") {
                // It is told so, and another key is revoked.
                *request.uri_mut() = http::Uri::from_static("/api/test/keys/none");
            }
            ask(host, request).await
        })
    }),
    Mutant::new("ids-are-keys", AREAS, "what is no issued key lets its sender in").around(|host, mut request| {
        Box::pin(async move {
            let given = sent(&request, "x-issued-key");
            if !given.is_empty() && !given.starts_with("nl_") {
                *request.uri_mut() = http::Uri::from_static("/api/test/whoami");
                become_key(&mut request);
            }
            ask(host, request).await
        })
    }),
    issuing!("issued-keys-have-no-limit", "limits of issued keys are lost", "\"rateLimit\":3", "\"rateLimit\":9"),
    issuing!("issued-keys-are-admins", "issued keys have all roles", "[\"user\"]", "[\"user\",\"admin\"]"),
    issuing!("issued-keys-last", "issued keys are for longer", "\"days\":1,", "\"days\":2,"),
    issuing!("days-are-anything", "a key may be for any time", "\"days\":366", "\"days\":365"),
];
