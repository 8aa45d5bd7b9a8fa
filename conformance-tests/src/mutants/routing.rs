//! Which path reaches which route, and what a query says.

use http::StatusCode;

use super::edit::{become_user, change_path, change_query, credential, decode, replace, set};
use super::mutant::Mutant;

/// Public paths, as a list of skip paths would have them.
const PUBLIC: [&str; 4] = ["/api/health/live", "/api/health", "/api/ready", "/api/version"];

pub(super) const ALL: &[Mutant] = &[
    Mutant::new("route-that-is-there-twice-is-built", &["routing"], "one of two routes is left out in silence").config(
        |config| {
            // The second of them lies elsewhere then, and no mistake is left.
            if config.server.base_path == "/twice" {
                config.server.base_path = "/once".into();
            }
        },
    ),
    Mutant::new("trailing-slash-is-ignored", &["routing", "protected"], "`/x/` reaches `/x`")
        .request(|request| change_path(request, |path| path.trim_end_matches('/').to_owned())),
    Mutant::new("double-slashes-are-one", &["routing", "protected"], "`/x//y` reaches `/x/y`").request(|request| {
        change_path(request, |path| path.split("//").collect::<Vec<_>>().join("/"));
    }),
    Mutant::new("paths-have-no-case", &["routing", "protected"], "`/X` reaches `/x`").request(|request| {
        change_path(request, str::to_lowercase);
    }),
    Mutant::new("parameter-takes-several-segments", &["routing"], "`{id}` takes a slash").request(|request| {
        change_path(request, |path| match path.strip_prefix("/api/test/params/") {
            Some(id) => format!("/api/test/params/{}", id.replace('/', "%2F")),
            None => path.to_owned(),
        });
    }),
    Mutant::new("parameter-may-be-empty", &["routing"], "`{id}` takes nothing").request(|request| {
        change_path(request, |path| match path {
            "/api/test/params/" => "/api/test/params/%20".into(),
            other => other.to_owned(),
        });
    }),
    Mutant::new("wildcard-takes-nothing", &["routing"], "`{*rest}` takes nothing").request(|request| {
        change_path(request, |path| match path {
            "/api/test/files" => "/api/test/files/x".into(),
            other => other.to_owned(),
        });
    }),
    Mutant::new("wildcard-takes-one-segment", &["routing"], "`{*rest}` ends at a slash").json(|head, value| {
        if head.uri.path().starts_with("/api/test/files/") {
            let first = value["data"]["rest"].as_str().and_then(|rest| rest.split('/').next()).map(str::to_owned);
            replace(value, &["data", "rest"], first);
        }
    }),
    Mutant::new(
        "parameters-are-lost-with-a-client-id",
        &["routing", "tools"],
        "a client's X-Request-ID loses parameters",
    )
    .request(|request| {
        if request.headers().contains_key("x-request-id") {
            change_path(request, |path| {
                path.replace("/params/abc", "/params/undefined").replace("/tools/echo/", "/tools/undefined/")
            });
        }
    }),
    Mutant::new("parameters-are-lost", &["routing"], "handlers see an empty parameter")
        .json(|_, value| replace(value, &["data", "id"], "")),
    Mutant::new("known-routes-are-404", &["routing"], "a registered route is not found").around(|host, request| {
        Box::pin(async move {
            match request.uri().path() {
                "/api/health/live" | "/api/version" => super::edit::refusal(StatusCode::NOT_FOUND, "NOT_FOUND"),
                _ => super::adapter::ask(host, request).await,
            }
        })
    }),
    Mutant::new("version-is-below-health", &["routing"], "every group puts its paths below its own").request(
        |request| {
            change_path(request, |path| path.replace("/api/health/api/version", "/api/version"));
        },
    ),
    Mutant::new("skip-path-by-prefix", &["routing"], "what begins like a public path is public").request(|request| {
        if PUBLIC.iter().any(|path| request.uri().path().starts_with(path)) {
            become_user(request, "user-token");
        }
    }),
    Mutant::new("skip-path-in-the-query", &["routing", "protected"], "a public path in the query makes public")
        .request(|request| {
            if request.uri().query().is_some_and(|query| PUBLIC.iter().any(|path| query.contains(path))) {
                become_user(request, "user-token");
            }
        }),
    Mutant::new("query-chooses-the-route", &["routing"], "`?path=` rewrites the target").request(|request| {
        if let Some(path) = request.uri().query().and_then(|query| query.strip_prefix("path=")).map(str::to_owned) {
            change_path(request, |_| path);
        }
    }),
    Mutant::new("unmatched-is-a-200", &["routing", "protected", "tools"], "what has no route is an empty success")
        .response(|_, response| {
            if response.status() == StatusCode::NOT_FOUND {
                *response.status_mut() = StatusCode::OK;
            }
        }),
    Mutant::new("404-repeats-the-target", &["routing"], "a 404 tells the target with its query").json(|head, value| {
        replace(value, &["error", "message"], head.uri.to_string());
    }),
    Mutant::new("strangers-learn-what-exists", &["routing", "methods", "mount"], "404 and 405 come before 401")
        .config(|config| config.auth.hide_unmatched = false),
    Mutant::new("query-first-value-wins", &["routing", "tools"], "of a repeated key the first value wins")
        .request(|request| change_query(request, |query| query.rsplit('&').collect::<Vec<_>>().join("&"))),
    Mutant::new("query-is-decoded-twice", &["routing"], "`%2520` is a space").request(|request| {
        change_query(request, |query| query.replace("%25", "%"));
    }),
    Mutant::new("query-plus-is-a-plus", &["routing"], "`+` in a query stays").request(|request| {
        change_query(request, |query| query.replace('+', "%2B"));
    }),
    Mutant::new("query-keys-need-a-value", &["routing"], "a key without `=` is dropped").request(|request| {
        change_query(request, |query| query.split('&').filter(|pair| pair.contains('=')).collect::<Vec<_>>().join("&"));
    }),
    Mutant::new("query-loses-proto", &["routing"], "`__proto__` in a query is dropped").request(|request| {
        change_query(request, |query| query.replace("__proto__", "proto"));
    }),
    Mutant::new("query-is-ignored", &["tools", "routing"], "handlers see no query").request(|request| {
        change_query(request, |_| String::new());
    }),
    Mutant::new("unmatched-needs-a-role", &["routing"], "a known caller is told 401 for what does not exist").request(
        |request| {
            if decode(request.uri().path()).starts_with(b"/api/nope") {
                set(request.headers_mut(), "authorization", &format!("Basic {}", credential("user-token")));
            }
        },
    ),
];
