//! Where the host ends and the app begins.

use http::StatusCode;

use super::adapter::ask;
use super::edit::{become_user, change_path, has_credential, lose, refusal};
use super::mutant::Mutant;

const AREAS: &[&str] = &["mount"];

pub(super) const ALL: &[Mutant] = &[
    Mutant::new("mount-takes-everything", AREAS, "the app answers outside of its base path").response(
        |head, response| {
            if !head.uri.path().starts_with("/api") && response.status() == StatusCode::NOT_FOUND {
                *response = refusal(StatusCode::NOT_FOUND, "NOT_FOUND");
            }
        },
    ),
    Mutant::new("mount-by-string-prefix", AREAS, "`/apix` is below `/api`").request(|request| {
        change_path(request, |path| match path.strip_prefix("/api") {
            Some(rest) if !rest.starts_with('/') && !rest.is_empty() => format!("/api/{rest}"),
            _ => path.to_owned(),
        });
    }),
    Mutant::new("mount-anywhere-in-the-path", AREAS, "`/x/api/y` is `/api/y`").request(|request| {
        change_path(request, |path| path.find("/api/").map_or_else(|| path.to_owned(), |at| path[at..].to_owned()));
    }),
    Mutant::new("mount-has-no-case", AREAS, "`/API` is `/api`")
        .request(|request| change_path(request, |path| path.replace("/API/", "/api/"))),
    Mutant::new("mount-decodes", AREAS, "`/%61pi` is `/api`")
        .request(|request| change_path(request, |path| path.replace("%61", "a"))),
    Mutant::new("mount-collapses-slashes", AREAS, "`//api` is `/api`")
        .request(|request| change_path(request, |path| path.replace("//", "/"))),
    Mutant::new("mount-without-its-base-path", AREAS, "`/api` itself is the host's").response(|head, response| {
        if ["/api", "/api/"].contains(&head.uri.path()) {
            *response.status_mut() = StatusCode::NOT_FOUND;
            lose(response, "x-request-id");
        }
    }),
    Mutant::new("mount-opens-its-base-path", AREAS, "the base path itself asks nobody").request(|request| {
        if ["/api", "/api/"].contains(&request.uri().path()) {
            become_user(request, "user-token");
        }
    }),
    Mutant::new("native-routes-are-hidden", AREAS, "the app's 404 stands in front of the host's routes").response(
        |head, response| {
            if head.uri.path().starts_with("/native") {
                *response = refusal(StatusCode::NOT_FOUND, "NOT_FOUND");
            }
        },
    ),
    Mutant::new("native-routes-are-protected", AREAS, "the app's authentication guards the host's routes").around(
        |host, request| {
            Box::pin(async move {
                if request.uri().path().starts_with("/native") && has_credential(request.headers()) {
                    return refusal(StatusCode::UNAUTHORIZED, "AUTH_INVALID");
                }
                ask(host, request).await
            })
        },
    ),
    Mutant::new("native-routes-close", AREAS, "a host's answer ends the connection").response(|head, response| {
        if head.uri.path().starts_with("/native") {
            super::edit::set(response.headers_mut(), "connection", "close");
        }
    }),
];
