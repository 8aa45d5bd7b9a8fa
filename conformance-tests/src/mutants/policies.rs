//! Policies: not asked, asked too early or of the wrong thing, or not obeyed.

use http::request::Parts;
use http::{Method, StatusCode};
use neurolink_core::{Body, Response};
use serde_json::json;

use super::edit::{become_user, change_path, has_credential, is, refusal, replace, set, text};
use super::mutant::Mutant;

const AREAS: &[&str] = &["policy"];

/// A server that answers requests for objects with another status than this one.
macro_rules! answers {
    ($name:literal, $breaks:literal, $from:ident as $to:ident, $when:expr) => {
        Mutant::new($name, AREAS, $breaks).response(|head, response| {
            let when: fn(&Parts) -> bool = $when;
            if response.status() == StatusCode::$from && when(head) {
                *response = refusal(StatusCode::$to, "OTHER");
            }
        })
    };
}

/// A server that lets requests for objects pass which have this answer.
macro_rules! passes {
    ($name:literal, $breaks:literal, $when:expr) => {
        Mutant::new($name, AREAS, $breaks).response(|head, response| {
            let when: fn(&Parts, StatusCode) -> bool = $when;
            if when(head, response.status()) {
                pass(head, response);
            }
        })
    };
}

pub(super) const ALL: &[Mutant] = &[
    passes!("policies-are-not-asked", "every user may do everything with every object", |head, status| {
        is_object(head) && is_known(head) && matches!(status, StatusCode::FORBIDDEN | StatusCode::NOT_FOUND)
    }),
    passes!("head-asks-no-policy", "HEAD tells of every object", |head, status| {
        head.method == Method::HEAD && is_object(head) && status != StatusCode::UNAUTHORIZED
    }),
    passes!("outage-is-a-pass", "a policy that cannot decide lets pass", |head, status| {
        is_object(head) && status == StatusCode::SERVICE_UNAVAILABLE
    }),
    passes!("panic-is-a-pass", "a policy that panics lets pass", |head, status| {
        is_object(head) && status == StatusCode::INTERNAL_SERVER_ERROR
    }),
    passes!("no-decision-is-a-pass", "a policy that takes too long lets pass", |head, status| {
        is_object(head) && status == StatusCode::GATEWAY_TIMEOUT
    }),
    passes!("queries-name-objects", "a query names the object", |head, _| {
        is_object(head) && head.uri.query().is_some_and(|query| query.contains("id=u1"))
    }),
    passes!("overrides-choose-the-method", "a header chooses the method that a policy sees", |head, _| {
        is_object(head) && head.headers.contains_key("x-http-method-override")
    }),
    passes!("groups-have-no-policies", "the policy of a group is not asked", |head, status| {
        status == StatusCode::FORBIDDEN && head.method == Method::GET && head.uri.path().contains("/shelf/")
    }),
    passes!("groups-have-all-policies", "a group's policy stands in place of the route's", |head, status| {
        status == StatusCode::NOT_FOUND && head.uri.path().contains("/shelf/open/")
    }),
    passes!("all-is-any", "one of all permissions or roles is enough", |head, status| {
        status == StatusCode::FORBIDDEN && head.uri.path().contains("/notes/all")
    }),
    passes!("any-is-all-of-them", "one of several permissions or roles is not asked for", |head, status| {
        status == StatusCode::FORBIDDEN && head.uri.path().contains("/notes/any")
    }),
    answers!("policies-let-nobody-in", "every object is somebody else's", OK as FORBIDDEN, is_object),
    answers!("notes-are-nobodys", "permissions and several roles let nobody in", OK as FORBIDDEN, |head| {
        head.uri.path().contains("/notes/") || head.uri.path().contains("/shelf/")
    }),
    answers!("strangers-ask-policies", "who is not known is told of objects", UNAUTHORIZED as NOT_FOUND, is_object),
    answers!("foreign-is-forbidden", "a 403 tells that an object is there", NOT_FOUND as FORBIDDEN, is_object),
    answers!("forbidden-is-not-there", "a policy's 403 is a 404", FORBIDDEN as NOT_FOUND, is_object),
    answers!(
        "outage-is-not-there",
        "a policy that cannot decide says that there is none",
        SERVICE_UNAVAILABLE as NOT_FOUND,
        is_object
    ),
    answers!("options-ask-policies", "OPTIONS tells of objects", NO_CONTENT as NOT_FOUND, |head| {
        is_object(head) && !head.uri.path().ends_with("/u1")
    }),
    answers!("wrong-methods-ask-policies", "405 tells of objects", METHOD_NOT_ALLOWED as NOT_FOUND, is_object),
    answers!(
        "bodies-come-before-policies",
        "what is sent is judged before who sends it",
        NOT_FOUND as BAD_REQUEST,
        |head| { head.method == Method::POST && is_object(head) }
    ),
    answers!("nobody-may-write", "a policy forgets the body behind it", BAD_REQUEST as NOT_FOUND, is_object),
    answers!("policies-come-before-roles", "who lacks the role learns of objects", FORBIDDEN as NOT_FOUND, |head| {
        head.method == Method::DELETE && head.uri.path().contains("/shelf/")
    }),
    Mutant::new("values-are-decoded-twice", AREAS, "a parameter is decoded as often as it can be").request(|request| {
        if request.uri().path().contains("/own/") {
            change_path(request, |path| path.replace("%25", "%"));
        }
    }),
    Mutant::new("objects-have-many-spellings", AREAS, "case, blanks and what surrounds an id do not matter").request(
        |request| {
            if request.uri().path().contains("/own/") {
                change_path(request, |path| match path.to_lowercase() {
                    path if path.contains("u1") && !path.contains("/u1/") => "/api/test/own/u1".into(),
                    path => path,
                });
            }
        },
    ),
    Mutant::new("decisions-are-kept-by-path", AREAS, "what one user may, the next may too").request(|request| {
        if request.uri().path() == "/api/test/own/u1" && has_credential(request.headers()) {
            become_user(request, "user-token");
        }
    }),
    Mutant::new("refusals-tell-policies", AREAS, "a refusal names the policy").json(|head, value| {
        if is_object(head) {
            replace(value, &["error", "message"], "refused by the policy moody of u2");
        }
    }),
    Mutant::new("refused-objects-ask-for-a-login", AREAS, "403 and 404 have a challenge").response(|head, response| {
        if is_object(head) {
            set(response.headers_mut(), "www-authenticate", "Bearer");
        }
    }),
    Mutant::new("strangers-are-not-asked", AREAS, "a 401 has no challenge").response(|head, response| {
        if is_object(head) {
            response.headers_mut().remove("www-authenticate");
        }
    }),
    Mutant::new("failed-policies-stay-closed", AREAS, "after a failure nobody is let in").response(|head, response| {
        if is(head, "/api/test/moody/calm") {
            *response = refusal(StatusCode::SERVICE_UNAVAILABLE, "UNAVAILABLE");
        }
    }),
];

/// Whether a path is of an object that a policy guards, or below one.
fn is_object(head: &Parts) -> bool {
    let path = head.uri.path();
    ["/own/", "/owned/", "/moody/"].iter().any(|kind| path.contains(kind))
}

fn is_known(head: &Parts) -> bool {
    has_credential(&head.headers) && text(&head.headers, "authorization") != "Bearer wrong"
}

/// The answer of whoever may.
fn pass(head: &Parts, response: &mut Response) {
    let id = head.uri.path().rsplit('/').next().unwrap_or_default();
    let body = if head.method == Method::HEAD { String::new() } else { json!({ "data": { "id": id } }).to_string() };
    *response = Response::new(Body::from(body));
    set(response.headers_mut(), "content-type", "application/json");
}
