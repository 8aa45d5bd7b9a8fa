//! Logins: what the routes take, what they tell, and what tokens are worth.

use std::sync::Mutex;
use std::sync::PoisonError;
use std::sync::atomic::{AtomicU8, Ordering};
use std::time::Duration;

use http::request::Parts;
use http::{HeaderValue, Method, StatusCode, header};
use neurolink_config::{Config, LoginConfig};
use neurolink_core::{BoxFuture, Request, Response};
use serde_json::{Value, json};

use super::adapter::{again, ask, change_json, small};
use super::edit::{become_user, is, lose, refusal, replace, set, text};
use super::limit::trust;
use super::login_stores::{self, How};
use super::mutant::Mutant;
use crate::hyper_adapter::Host;

const AREAS: &[&str] = &["login"];

fn is_login(head: &Parts) -> bool {
    is(head, "/api/auth/login")
}

fn is_refresh(head: &Parts) -> bool {
    is(head, "/api/auth/refresh")
}

fn is_any(path: &str) -> bool {
    path.starts_with("/api/auth/")
}

fn configured(config: &mut Config, change: fn(&mut LoginConfig)) {
    if let Some(login) = &mut config.auth.login {
        change(login);
    }
}

/// The JSON object of a body, changed.
fn with_object(body: Vec<u8>, change: impl FnOnce(&mut Value)) -> Vec<u8> {
    match serde_json::from_slice::<Value>(&body) {
        Ok(mut value) if value.is_object() => {
            change(&mut value);
            value.to_string().into_bytes()
        }
        _ => body,
    }
}

/// What an access token begins with.
fn is_signed(request: &Request) -> bool {
    text(request.headers(), "authorization").starts_with("Bearer eyJ")
}

pub(super) const ALL: &[Mutant] = &[
    Mutant::new("logins-let-nobody-in", AREAS, "right passwords are wrong").body(|head, body| {
        if !is_login(head) {
            return body;
        }
        with_object(body, |value| replace(value, &["password"], "wrong"))
    }),
    Mutant::new("any-password-logs-in", AREAS, "whatever is sent is a login").body(|head, body| {
        if !is_login(head) {
            return body;
        }
        with_object(body, |value| *value = json!({ "username": "bob", "password": "correct horse" }))
    }),
    Mutant::new("login-errors-tell-more", AREAS, "a refusal says what was wrong").json(|head, value| {
        if is_any(head.uri.path())
            && let Some(error) = value.get_mut("error")
        {
            error["details"] = json!(["the password is hunter2"]);
        }
    }),
    Mutant::new("login-challenge-is-missing", AREAS, "401 has no WWW-Authenticate")
        .response(|_, response| lose(response, "www-authenticate")),
    Mutant::new("login-answers-may-be-stored", AREAS, "what has tokens in it may be cached").response(
        |head, response| {
            if is_any(head.uri.path()) {
                set(response.headers_mut(), "cache-control", "private, max-age=60");
            }
        },
    ),
    Mutant::new("login-takes-any-type", AREAS, "a form of a browser is a login").request(|request| {
        if is_any(request.uri().path()) {
            request.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
        }
    }),
    Mutant::new("login-bodies-have-no-limit-of-their-own", AREAS, "a long body is read and judged").around(
        |host, request| {
            Box::pin(async move {
                let path = request.uri().path().to_owned();
                let mut response = ask(host, request).await;
                if is_any(&path) && response.status() == StatusCode::PAYLOAD_TOO_LARGE {
                    response = refusal(StatusCode::UNAUTHORIZED, "AUTH_INVALID");
                }
                response
            })
        },
    ),
    Mutant::new("login-mends-json", AREAS, "malformed JSON is an empty object").body(|head, body| {
        let is_json = serde_json::from_slice::<Value>(&body).is_ok();
        if is_any(head.uri.path()) && !is_json { b"{}".to_vec() } else { body }
    }),
    Mutant::new("login-fields-may-be-anything", AREAS, "what is missing or of another kind is an empty text")
        .around(lenient),
    Mutant::new("login-has-any-method", AREAS, "GET is POST").request(|request| {
        if is_any(request.uri().path()) && request.method() != Method::OPTIONS {
            *request.method_mut() = Method::POST;
        }
    }),
    Mutant::new("login-options-say-nothing", AREAS, "OPTIONS has no Allow").response(|head, response| {
        if head.method == Method::OPTIONS {
            lose(response, "allow");
        }
    }),
    Mutant::new("other-sites-log-in", AREAS, "a browser sends logins of any site")
        .config(|config| config.cross_site.enabled = false),
    Mutant::new("login-judges-other-credentials", AREAS, "a wrong token in a header refuses a login").around(
        |host, request| {
            Box::pin(async move {
                if is_any(request.uri().path()) && request.headers().contains_key(header::AUTHORIZATION) {
                    return refusal(StatusCode::UNAUTHORIZED, "AUTH_INVALID");
                }
                ask(host, request).await
            })
        },
    ),
    Mutant::new("refusals-of-refresh-are-200", AREAS, "whatever is sent is refreshed").response(|head, response| {
        if is_refresh(head) && response.status() == StatusCode::UNAUTHORIZED {
            *response.status_mut() = StatusCode::OK;
        }
    }),
    Mutant::new("logout-tells-what-is-no-token", AREAS, "a logout of nothing is an error").around(|host, request| {
        Box::pin(async move {
            if request.uri().path() != "/api/auth/logout" {
                return ask(host, request).await;
            }
            match small(request).await {
                Ok((parts, body)) if String::from_utf8_lossy(&body).contains(":\"nlrt_") => {
                    ask(host, again(&parts, &body)).await
                }
                Ok((parts, body)) => {
                    let mut response = ask(host, again(&parts, &body)).await;
                    if response.status() == StatusCode::OK {
                        *response.status_mut() = StatusCode::UNAUTHORIZED;
                    }
                    response
                }
                Err(large) => ask(host, large).await,
            }
        })
    }),
    Mutant::new("refresh-gives-the-same-token", AREAS, "a refresh token is not replaced").around(not_rotating),
    Mutant::new("refresh-forgives-nothing", AREAS, "who comes twice at one time loses the login")
        .app(|builder| login_stores::with(builder, How::NoGrace)),
    Mutant::new("refresh-forgives-for-an-hour", AREAS, "a stolen token counts for an hour")
        .app(|builder| login_stores::with(builder, How::LongGrace)),
    Mutant::new("a-reused-token-ends-nothing", AREAS, "who has the new token goes on")
        .app(|builder| login_stores::with(builder, How::Lenient)),
    Mutant::new("ended-logins-are-not-asked-for", AREAS, "access tokens outlive their login")
        .app(|builder| login_stores::with(builder, How::AlwaysThere)),
    Mutant::new("logout-ends-nothing", AREAS, "tokens count on")
        .app(|builder| login_stores::with(builder, How::NoLogout)),
    Mutant::new("unused-logins-last", AREAS, "a login lasts although nobody uses it")
        .config(|config| configured(config, |login| login.idle_lifetime = login.max_lifetime)),
    Mutant::new("used-logins-last", AREAS, "a login lasts as long as it is used")
        .config(|config| configured(config, |login| login.max_lifetime = Duration::from_secs(86_400 * 900))),
    Mutant::new("a-user-has-any-number-of-logins", AREAS, "nothing bounds them")
        .config(|config| configured(config, |login| login.per_user = 1000)),
    Mutant::new("access-tokens-last-for-an-hour", AREAS, "what cannot be renewed is long")
        .config(|config| configured(config, |login| login.access_lifetime = Duration::from_secs(3600))),
    Mutant::new("basic-is-on-beside-a-login", AREAS, "passwords come with each request")
        .config(|config| configured(config, |login| login.basic = true)),
    Mutant::new("logins-may-be-guessed", AREAS, "nobody counts failures of an address")
        .config(|config| config.auth.failure_limit = None),
    Mutant::new("names-do-not-lock-at-the-login", AREAS, "a name may fail as often as it likes").config(trust).request(
        |request| {
            static NEXT: AtomicU8 = AtomicU8::new(0);
            let address = format!("192.0.2.{}", NEXT.fetch_add(1, Ordering::Relaxed));
            set(request.headers_mut(), "x-forwarded-for", &address);
        },
    ),
    Mutant::new("refresh-tokens-open-routes", AREAS, "a refresh token is an access token").request(|request| {
        if text(request.headers(), "authorization").starts_with("Bearer nlrt_") {
            become_user(request, "user-token");
        }
    }),
    Mutant::new("any-signed-token-is-a-user", AREAS, "nobody verifies").request(|request| {
        if is_signed(request) {
            become_user(request, "user-token");
        }
    }),
    Mutant::new("queries-log-in", AREAS, "a password may stand in the address").around(|host, request| {
        Box::pin(async move {
            if is_any(request.uri().path()) && request.uri().query().is_some() {
                return refusal(StatusCode::OK, "NONE");
            }
            ask(host, request).await
        })
    }),
    Mutant::new("login-is-always-there", AREAS, "there are routes without a login").around(|host, request| {
        Box::pin(async move {
            let path = request.uri().path().to_owned();
            let response = ask(host, request).await;
            if is_any(&path) && response.status() == StatusCode::NOT_FOUND {
                return refusal(StatusCode::UNAUTHORIZED, "AUTH_INVALID");
            }
            response
        })
    }),
];

/// Fills in what is missing, and makes texts of what is none.
fn lenient(host: Host, request: Request) -> BoxFuture<'static, Response> {
    Box::pin(async move {
        if !is_any(request.uri().path()) {
            return ask(host, request).await;
        }
        match small(request).await {
            Ok((mut parts, body)) => {
                let sent: Value = serde_json::from_slice(&body).unwrap_or_default();
                let text = |name: &str| sent[name].as_str().unwrap_or_default().to_owned();
                let filled = json!({
                    "username": text("username"),
                    "password": text("password"),
                    "refreshToken": text("refreshToken"),
                })
                .to_string();
                parts.headers.entry(header::CONTENT_TYPE).or_insert(HeaderValue::from_static("application/json"));
                let mut request = Request::from_parts(parts, filled.clone().into());
                request.headers_mut().insert(header::CONTENT_LENGTH, filled.len().into());
                ask(host, request).await
            }
            Err(large) => ask(host, large).await,
        }
    })
}

/// Answers a refresh with the token that was sent, and keeps to itself the one that counts.
fn not_rotating(host: Host, request: Request) -> BoxFuture<'static, Response> {
    static COUNTS: Mutex<Vec<(String, String)>> = Mutex::new(Vec::new());
    let counts = || COUNTS.lock().unwrap_or_else(PoisonError::into_inner);
    Box::pin(async move {
        if request.uri().path() != "/api/auth/refresh" {
            return ask(host, request).await;
        }
        let (parts, body) = match small(request).await {
            Ok(read) => read,
            Err(large) => return ask(host, large).await,
        };
        let sent = serde_json::from_slice::<Value>(&body).unwrap_or_default()["refreshToken"].take();
        let sent = sent.as_str().unwrap_or_default().to_owned();
        let found = counts().iter().find(|(own, _)| *own == sent).map_or_else(|| sent.clone(), |(_, now)| now.clone());
        let body = with_object(body, |value| replace(value, &["refreshToken"], found));
        let mut response = ask(host, again(&parts, &body)).await;
        change_json(&mut response, |value| {
            if let Some(next) = value["data"]["refreshToken"].as_str() {
                let mut counts = counts();
                counts.retain(|(own, _)| *own != sent);
                counts.push((sent.clone(), next.to_owned()));
            }
            replace(value, &["data", "refreshToken"], sent);
        });
        response
    })
}
