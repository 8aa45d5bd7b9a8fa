//! Names and passwords.

use std::sync::atomic::{AtomicU8, Ordering};

use http::{HeaderValue, header};
use neurolink_core::Request;

use super::edit::{change_path, is, lose, set, text};
use super::limit::trust;
use super::mutant::Mutant;

const AREAS: &[&str] = &["basic"];
/// `ada` and `bob`, each with the right password.
const ADA: &str = "Basic YWRhOmNvcnJlY3QgaG9yc2U=";
const BOB: &str = "Basic Ym9iOmNvcnJlY3QgaG9yc2U=";

fn sent(request: &Request) -> String {
    text(request.headers(), "authorization")
}

fn is_basic(request: &Request) -> bool {
    sent(request).to_lowercase().starts_with("basic")
}

fn send(request: &mut Request, credentials: &str) {
    set(request.headers_mut(), "authorization", credentials);
}

pub(super) const ALL: &[Mutant] = &[
    Mutant::new("passwords-let-nobody-in", AREAS, "right credentials are wrong").request(|request| {
        if is_basic(request) {
            send(request, "Basic d3Jvbmc6d3Jvbmc=");
        }
    }),
    Mutant::new("any-password-is-right", AREAS, "whatever is sent is a user").request(|request| {
        if is_basic(request) {
            send(request, BOB);
        }
    }),
    Mutant::new("basic-has-case", AREAS, "`basic` is not Basic").request(|request| {
        if is_basic(request) && !sent(request).starts_with("Basic ") {
            request.headers_mut().remove(header::AUTHORIZATION);
        }
    }),
    Mutant::new("basic-challenge-is-missing", AREAS, "401 has no WWW-Authenticate")
        .response(|_, response| lose(response, "www-authenticate")),
    Mutant::new("any-scheme-is-basic", AREAS, "credentials of another scheme are a name and a password").request(
        |request| {
            if let Some(credentials) = sent(request).strip_prefix("Bearer ") {
                let credentials = format!("Basic {credentials}");
                send(request, &credentials);
            }
        },
    ),
    Mutant::new("first-credentials-win", AREAS, "of repeated credentials one is looked at").request(|request| {
        let first = sent(request);
        if is_basic(request) {
            send(request, &first);
        }
    }),
    Mutant::new("all-names-are-one", AREAS, "every user has the roles of another").request(|request| {
        if sent(request) == ADA {
            send(request, BOB);
        }
    }),
    Mutant::new("names-do-not-lock", AREAS, "a name may fail as often as it likes").config(trust).request(|request| {
        static NEXT: AtomicU8 = AtomicU8::new(0);
        let address = format!("192.0.2.{}", NEXT.fetch_add(1, Ordering::Relaxed));
        set(request.headers_mut(), "x-forwarded-for", &address);
    }),
    Mutant::new("lockouts-of-one-store-count-apart", AREAS, "each server has five guesses").request(|request| {
        change_path(request, |path| path.replace("/lockout/two", "/lockout/apart"));
    }),
    Mutant::new("failing-lockout-store-opens", AREAS, "nobody waits for a lockout's store").request(|request| {
        change_path(request, |path| path.replace("/lockout/deny", "/lockout/allow"));
    }),
    Mutant::new("failing-lockout-store-says-no-time", AREAS, "503 does not say when to come back").response(
        |head, response| {
            if is(head, "/api/test/lockout/deny") {
                lose(response, "retry-after");
            }
        },
    ),
    Mutant::new("failing-lockout-store-denies", AREAS, "no lockout lets pass while its store fails").request(
        |request| {
            change_path(request, |path| {
                path.replace("/lockout/allow", "/lockout/deny").replace("/lockout/local", "/lockout/deny")
            });
        },
    ),
    Mutant::new("failing-lockout-store-counts-nothing", AREAS, "a process lets all pass while the store fails")
        .request(|request| change_path(request, |path| path.replace("/lockout/local", "/lockout/allow"))),
    Mutant::new("names-lock-everywhere", AREAS, "a stranger locks an owner out").config(trust).request(|request| {
        request.headers_mut().insert("x-forwarded-for", HeaderValue::from_static("192.0.2.1"));
    }),
];
