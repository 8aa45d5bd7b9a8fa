//! Who is calling.

use http::StatusCode;

use super::adapter::{again, ask, whole};
use super::edit::{become_user, credential, has_credential, is, lose, refusal, replace, set, text};
use super::mutant::Mutant;

const AREAS: &[&str] = &["auth"];

pub(super) const ALL: &[Mutant] = &[
    Mutant::new(
        "authentication-is-off",
        &["auth", "health", "sse", "roles", "crosssite", "protected", "tools", "validation"],
        "strangers are users",
    )
    .request(|request| {
        if !has_credential(request.headers()) {
            become_user(request, "admin-token");
        }
    }),
    Mutant::new("nobody-is-let-in", &["auth", "roles", "agent"], "every credential is lost").request(|request| {
        request.headers_mut().remove("authorization");
        request.headers_mut().remove("x-api-key");
    }),
    Mutant::new("challenge-is-missing", &["auth", "routing", "methods"], "401 has no WWW-Authenticate")
        .response(|_, response| lose(response, "www-authenticate")),
    Mutant::new("one-challenge-is-enough", AREAS, "401 names one of the schemes").response(|_, response| {
        let first = text(response.headers(), "www-authenticate");
        if !first.is_empty() {
            set(response.headers_mut(), "www-authenticate", &first);
        }
    }),
    Mutant::new("challenge-names-nothing", AREAS, "the challenge has no error").response(|_, response| {
        if response.headers().contains_key("www-authenticate") {
            set(response.headers_mut(), "www-authenticate", "Bearer");
        }
    }),
    Mutant::new("outage-is-a-wrong-credential", AREAS, "who cannot be checked is refused").response(|_, response| {
        if response.status() == StatusCode::SERVICE_UNAVAILABLE {
            *response = refusal(StatusCode::UNAUTHORIZED, "AUTH_INVALID");
        }
    }),
    Mutant::new("outage-is-one-of-all", AREAS, "a store that is down lets nobody in").around(|host, request| {
        Box::pin(async move {
            if request.uri().path() == "/api/test/outage" {
                return refusal(StatusCode::SERVICE_UNAVAILABLE, "UNAVAILABLE");
            }
            ask(host, request).await
        })
    }),
    Mutant::new("strangers-are-a-500", &["auth", "roles"], "a missing credential is the server's error").response(
        |_, response| {
            if response.status() == StatusCode::UNAUTHORIZED {
                *response.status_mut() = StatusCode::INTERNAL_SERVER_ERROR;
            }
        },
    ),
    Mutant::new("missing-and-wrong-are-one", &["auth", "mount"], "a missing credential is told as a wrong one").json(
        |_, value| {
            if value["error"]["code"] == "AUTH_REQUIRED" {
                replace(value, &["error", "code"], "AUTH_INVALID");
            }
        },
    ),
    Mutant::new("wrong-is-missing", AREAS, "a wrong credential is told as a missing one").json(|_, value| {
        if value["error"]["code"] == "AUTH_INVALID" {
            replace(value, &["error", "code"], "AUTH_REQUIRED");
        }
    }),
    Mutant::new("tokens-are-compared-by-prefix", AREAS, "a token that begins right is right").request(|request| {
        let given = text(request.headers(), "authorization");
        let given = given.strip_prefix("Bearer ").unwrap_or_default();
        let right = credential("user-token");
        if given.len() > 10 && (right.starts_with(given) || given.starts_with(&right)) {
            become_user(request, "user-token");
        }
    }),
    Mutant::new("tokens-have-no-case", AREAS, "tokens are compared without case").request(|request| {
        let given = text(request.headers(), "authorization").to_lowercase();
        if given == format!("bearer {}", credential("user-token")) {
            become_user(request, "user-token");
        }
    }),
    Mutant::new("scheme-has-case", AREAS, "`bearer` is not Bearer").request(|request| {
        let given = text(request.headers(), "authorization");
        if !given.starts_with("Bearer ") && given.to_lowercase().starts_with("bearer ") {
            request.headers_mut().remove("authorization");
        }
    }),
    Mutant::new("schemes-of-nobody-are-nothing", AREAS, "credentials of an unknown scheme count as none").request(
        |request| {
            if !text(request.headers(), "authorization").to_lowercase().starts_with("bearer ") {
                request.headers_mut().remove("authorization");
            }
        },
    ),
    Mutant::new("scheme-is-not-asked", AREAS, "what contains a token is a credential").request(|request| {
        if text(request.headers(), "authorization").contains(&credential("user-token")) {
            become_user(request, "user-token");
        }
    }),
    Mutant::new("long-tokens-are-dropped", AREAS, "a long credential counts as none").request(|request| {
        if text(request.headers(), "authorization").len() > 2000 {
            request.headers_mut().remove("authorization");
        }
    }),
    Mutant::new("credential-has-to-be-text", AREAS, "a credential that is no text is a panic").around(
        |host, request| {
            Box::pin(async move {
                if request.headers().get("authorization").is_some_and(|value| value.to_str().is_err()) {
                    return refusal(StatusCode::INTERNAL_SERVER_ERROR, "INTERNAL_ERROR");
                }
                ask(host, request).await
            })
        },
    ),
    Mutant::new("wrong-token-is-repeated", AREAS, "a 401 tells the credential").response(|head, response| {
        if response.status() == StatusCode::UNAUTHORIZED {
            set(response.headers_mut(), "x-rejected", &text(&head.headers, "authorization"));
        }
    }),
    Mutant::new("query-is-a-credential", AREAS, "a token or key in the query counts").request(|request| {
        let query = request.uri().query().unwrap_or_default();
        if query.contains(&credential("user-token")) || query.contains(&credential("api-key")) {
            become_user(request, "user-token");
        }
    }),
    Mutant::new("cookie-is-a-credential", AREAS, "a token in a cookie counts").request(|request| {
        if text(request.headers(), "cookie").contains(&credential("user-token")) {
            become_user(request, "user-token");
        }
    }),
    Mutant::new("headers-bypass", &["auth", "roles", "protected"], "a header of the client's makes a user").request(
        |request| {
            let names = [
                "x-neurolink-dev-playground",
                "x-forwarded-user",
                "x-user-id",
                "remote-user",
                "x-original-url",
                "x-rewrite-url",
                "proxy-authorization",
                "x-roles",
            ];
            if names.iter().any(|name| request.headers().contains_key(*name)) {
                become_user(request, "admin-token");
            }
        },
    ),
    Mutant::new("public-routes-judge-credentials", AREAS, "a wrong credential is refused where none is asked").around(
        |host, request| {
            Box::pin(async move {
                let given = text(request.headers(), "authorization");
                if is_live(request.uri().path()) && !given.is_empty() && !given.contains(&credential("user-token")) {
                    return refusal(StatusCode::UNAUTHORIZED, "AUTH_INVALID");
                }
                ask(host, request).await
            })
        },
    ),
    Mutant::new("optional-routes-ask", AREAS, "an optional credential is required").around(|host, request| {
        Box::pin(async move {
            if request.uri().path() == "/api/test/optional" && !has_credential(request.headers()) {
                return refusal(StatusCode::UNAUTHORIZED, "AUTH_REQUIRED");
            }
            ask(host, request).await
        })
    }),
    Mutant::new("optional-routes-know-nobody", AREAS, "a credential on an optional route is not looked at").request(
        |request| {
            if request.uri().path() == "/api/test/optional" {
                request.headers_mut().remove("authorization");
                request.headers_mut().remove("x-api-key");
            }
        },
    ),
    Mutant::new("users-are-one", AREAS, "everybody is the first user").json(|head, value| {
        if is(head, "/api/test/whoami") {
            replace(value, &["data", "id"], "u1");
        }
    }),
    Mutant::new("roles-are-lost", AREAS, "a user has no roles")
        .json(|_, value| replace(value, &["data", "roles"], Vec::<String>::new())),
    Mutant::new("api-keys-are-off", &["auth", "agent", "apikey"], "no API key is known")
        .config(|config| config.auth.api_keys.keys.clear()),
    Mutant::new("api-keys-are-compared-loosely", AREAS, "case, prefix and scheme of an API key do not matter").request(
        |request| {
            let given = text(request.headers(), "x-api-key").to_lowercase();
            let given = given.trim_start_matches("bearer ");
            if given.len() > 10 && credential("api-key").starts_with(given) {
                set(request.headers_mut(), "x-api-key", &credential("api-key"));
            }
        },
    ),
    Mutant::new("api-keys-are-tokens", AREAS, "an API key is a bearer token and the other way round").request(
        |request| {
            let given = text(request.headers(), "authorization");
            if given == format!("Bearer {}", credential("api-key"))
                || text(request.headers(), "x-api-key") == credential("user-token")
            {
                become_user(request, "user-token");
            }
        },
    ),
    Mutant::new("first-credential-wins", AREAS, "the second of two credentials is not looked at").request(|request| {
        if request.headers().contains_key("authorization") {
            request.headers_mut().remove("x-api-key");
        }
    }),
    Mutant::new("last-credential-wins", AREAS, "the first of two credentials is not looked at").request(|request| {
        if request.headers().contains_key("x-api-key") {
            request.headers_mut().remove("authorization");
        }
    }),
    Mutant::new("two-credentials-are-refused", AREAS, "two credentials of one user are too many").request(|request| {
        if request.headers().contains_key("x-api-key") && request.headers().contains_key("authorization") {
            set(request.headers_mut(), "x-api-key", "wrong");
        }
    }),
    Mutant::new("body-changes-the-user", AREAS, "a user's id in the body takes the place of the credential's").around(
        |host, request| {
            Box::pin(async move {
                let (parts, body) = whole(request).await;
                let mut request = again(&parts, &body);
                if has_credential(&parts.headers) && String::from_utf8_lossy(&body).contains(r#""userId":"u2""#) {
                    become_user(&mut request, "other-token");
                }
                ask(host, request).await
            })
        },
    ),
    Mutant::new("body-makes-a-user", AREAS, "a user's id in the body counts").around(|host, request| {
        Box::pin(async move {
            let (parts, body) = super::adapter::whole(request).await;
            let mut request = super::adapter::again(&parts, &body);
            if super::edit::swap(&body, b"userId", b"").len() < body.len() {
                become_user(&mut request, "user-token");
            }
            ask(host, request).await
        })
    }),
];

fn is_live(path: &str) -> bool {
    path == "/api/health/live"
}
