//! Request ids, roles, and what is kept from one request to the next.

use std::collections::HashMap;
use std::sync::{LazyLock, Mutex, MutexGuard, PoisonError};

use http::{HeaderValue, StatusCode, header};
use neurolink_core::Request;

use super::adapter::{Peer, ask};
use super::edit::{become_user, has_credential, is, lose, refusal, replace, set, text};
use super::mutant::Mutant;

const IDS: &[&str] = &["requestid"];
const ROLES: &[&str] = &["roles"];

pub(super) const ALL: &[Mutant] = &[
    Mutant::new("context-by-request-id", &["requestid", "roles"], "a client's id finds the context of whoever used it")
        .request(|request| {
            static CONTEXTS: LazyLock<Mutex<HashMap<String, HeaderValue>>> = LazyLock::new(Mutex::default);
            let id = text(request.headers(), "x-request-id");
            if !id.is_empty() {
                remember(&CONTEXTS, id, request);
            }
        }),
    Mutant::new(
        "context-by-request-id-in-work",
        IDS,
        "a client's id finds the context of whoever is being served with it",
    )
    .around(|host, mut request| {
        static CONTEXTS: LazyLock<Mutex<HashMap<String, HeaderValue>>> = LazyLock::new(Mutex::default);
        Box::pin(async move {
            let id = text(request.headers(), "x-request-id");
            let is_first = !lock(&CONTEXTS).contains_key(&id);
            if !id.is_empty() {
                remember(&CONTEXTS, id.clone(), &mut request);
            }
            let response = ask(host, request).await;
            if is_first {
                // Only who overlaps with it has met it.
                lock(&CONTEXTS).remove(&id);
            }
            response
        })
    }),
    Mutant::new("context-by-connection", &["auth"], "the first user of a connection is the user of all its requests")
        .request(|request| {
            static CONTEXTS: LazyLock<Mutex<HashMap<String, HeaderValue>>> = LazyLock::new(Mutex::default);
            remember(&CONTEXTS, Peer::of(request.extensions()).to_string(), request);
        }),
    Mutant::new("context-by-address", &["auth"], "the first user of an address is the user of all its requests")
        .request(|request| {
            static CONTEXTS: LazyLock<Mutex<HashMap<String, HeaderValue>>> = LazyLock::new(Mutex::default);
            remember(&CONTEXTS, Peer::of(request.extensions()).ip().to_string(), request);
        }),
    Mutant::new("request-id-is-the-clients", IDS, "a client chooses its id").response(|head, response| {
        let id = text(&head.headers, "x-request-id");
        if !id.is_empty() {
            set(response.headers_mut(), "x-request-id", &id);
        }
    }),
    Mutant::new("request-id-is-constant", IDS, "all answers have one id").response(|_, response| {
        if response.headers().contains_key("x-request-id") {
            set(response.headers_mut(), "x-request-id", "id");
        }
    }),
    Mutant::new("request-id-is-missing", &["requestid", "path", "mount"], "no answer has an id")
        .response(|_, response| lose(response, "x-request-id")),
    Mutant::new("request-id-is-missing-on-errors", &["requestid", "path", "body", "host"], "an error has no id")
        .response(|_, response| {
            if response.status().is_client_error() || response.status().is_server_error() {
                lose(response, "x-request-id");
            }
        }),
    Mutant::new("request-id-is-there-twice", IDS, "an answer has two ids").response(|head, response| {
        let id = text(&head.headers, "x-request-id");
        if let (false, Ok(id)) = (id.is_empty(), HeaderValue::from_str(&id)) {
            response.headers_mut().append("x-request-id", id);
        }
    }),
    Mutant::new("request-id-is-another-in-the-body", &["requestid", "envelope"], "header and body have two ids")
        .json(|_, value| replace(value, &["metadata", "requestId"], "")),
    Mutant::new("request-id-twice-is-a-400", IDS, "a second id of the client's is refused").response(
        |head, response| {
            if head.headers.get_all("x-request-id").iter().count() > 1 {
                *response = refusal(StatusCode::BAD_REQUEST, "BAD_REQUEST");
            }
        },
    ),
    Mutant::new("roles-are-not-asked", &["roles", "protected"], "every user may do everything").request(|request| {
        if has_credential(request.headers()) {
            become_user(request, "admin-token");
        }
    }),
    Mutant::new("roles-are-the-clients", ROLES, "a query or a header gives a role").request(|request| {
        if request.uri().query().is_some_and(|query| query.contains("role=admin")) {
            become_user(request, "admin-token");
        }
    }),
    Mutant::new("roles-are-told", ROLES, "a 403 tells what would be needed").json(|head, value| {
        if is(head, "/api/test/admin") {
            replace(value, &["error", "message"], "needs the role admin");
        }
    }),
    Mutant::new("strangers-are-a-403", ROLES, "who is not known is told that he may not").response(|_, response| {
        if response.status() == StatusCode::UNAUTHORIZED {
            *response = refusal(StatusCode::FORBIDDEN, "FORBIDDEN");
        }
    }),
    Mutant::new("forbidden-is-a-401", ROLES, "who may not is told to say who he is").response(|_, response| {
        if response.status() == StatusCode::FORBIDDEN {
            *response.status_mut() = StatusCode::UNAUTHORIZED;
        }
    }),
    Mutant::new("duplicate-headers-first-wins", &["duplicates", "requestid"], "of a repeated header the first counts")
        .request(|request| keep_one(request, true)),
    Mutant::new("duplicate-headers-last-wins", &["duplicates", "requestid"], "of a repeated header the last counts")
        .request(|request| keep_one(request, false)),
    Mutant::new("duplicates-are-for-protected-routes", &["duplicates"], "a public route takes a repeated header")
        .request(|request| {
            if request.uri().path() == "/api/health/live" {
                request.headers_mut().remove(header::AUTHORIZATION);
            }
        }),
];

fn lock(contexts: &Mutex<HashMap<String, HeaderValue>>) -> MutexGuard<'_, HashMap<String, HeaderValue>> {
    contexts.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Gives a request the credential that was first seen with this key.
fn remember(contexts: &Mutex<HashMap<String, HeaderValue>>, key: String, request: &mut Request) {
    let mut contexts = lock(contexts);
    match (contexts.get(&key).cloned(), request.headers().get(header::AUTHORIZATION).cloned()) {
        (Some(known), _) => drop(request.headers_mut().insert(header::AUTHORIZATION, known)),
        (None, Some(new)) => drop(contexts.insert(key, new)),
        (None, None) => {}
    }
}

/// Keeps one line of each header.
fn keep_one(request: &mut Request, first: bool) {
    let names: Vec<_> = request.headers().keys().cloned().collect();
    for name in names {
        let lines: Vec<_> = request.headers().get_all(&name).iter().cloned().collect();
        if let Some(kept) = if first { lines.first() } else { lines.last() } {
            request.headers_mut().insert(name, kept.clone());
        }
    }
}
