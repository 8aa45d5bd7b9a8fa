//! Spellings of paths in front of native routers: none reaches what it should not.

use std::cell::Cell;

use http::StatusCode;
use neurolink_core::Stack;
use neurolink_core::middleware::RequireRoles;
use neurolink_core::stack::IntoRegistration as _;

use super::{Native, auth, request, text};

/// A literal, a parameter and a catch-all, in the outer router and in a nested one.
const PROTECTED: [&str; 6] =
    ["/admin/panel", "/users/u1", "/files/a/b", "/team/secret", "/team/by/u1", "/team/all/a/b"];

thread_local! {
    static REACHED: Cell<usize> = const { Cell::new(0) };
}

/// What every protected handler does.
pub(crate) fn reach() -> &'static str {
    REACHED.set(REACHED.get() + 1);
    "reached"
}

fn stack() -> Stack {
    Stack::builder().with(auth()).public(["/open", "/open/*", "/team/open"]).build().expect("valid")
}

/// The letter at a place of a path, escaped.
fn escaped(path: &str, at: usize, upper: bool) -> String {
    let byte = path.as_bytes()[at];
    let hex = if upper { format!("%{byte:02X}") } else { format!("%{byte:02x}") };
    format!("{}{hex}{}", &path[..at], &path[at + 1..])
}

/// Other ways to write a path, or to lead to it from a public one.
fn spellings(path: &str) -> Vec<String> {
    let inner = &path[1..];
    let (first, rest) = inner.split_once('/').expect("two segments");
    let mut all = vec![
        path.to_owned(),
        format!("{path}/"),
        format!("{path}//"),
        format!("/{path}"),
        format!("/{first}//{rest}"),
        format!("/{first}/./{rest}"),
        format!("/{first}/x/../{rest}"),
        format!("/{first}%2f{rest}"),
        format!("/{first}%2F{rest}"),
        format!("/{first}\\{rest}"),
        format!("/\\{inner}"),
        format!("/{first};v=1/{rest}"),
        format!("{path};v=1"),
        format!("{path}%00"),
        format!("{path}%20"),
        format!("{path}."),
        format!("{path}?/open"),
        path.to_ascii_uppercase(),
        escaped(path, 1, true).replace('%', "%25"),
        // A stranger's way from the public sibling.
        format!("/open{path}"),
        format!("/open/{path}"),
        format!("/open/..{path}"),
        format!("/open/.{path}"),
        format!("/open/%2e%2e{path}"),
        format!("/open/%2E%2E{path}"),
        format!("/open/.%2e{path}"),
        format!("/open/..%2f{inner}"),
        format!("/open/..%2F{inner}"),
        format!("/open%2f..%2f{inner}"),
        format!("/open%2F..{path}"),
        format!("/open/..\\{inner}"),
        format!("/open/..%5c{inner}"),
        format!("/open/..;v=1{path}"),
        format!("/open;v=1/..{path}"),
        format!("/open/x/../..{path}"),
        format!("/open//..{path}"),
        format!("/open?{path}"),
        format!("/%6fpen/..{path}"),
    ];
    let letters = (0..path.len()).filter(|at| path.as_bytes()[*at].is_ascii_alphanumeric());
    all.extend(letters.flat_map(|at| [escaped(path, at, true), escaped(path, at, false)]));
    all
}

async fn none_reaches(native: &impl Native, protected: &[&str], stack: &Stack, signed_in: bool) {
    for path in protected {
        for spelling in spellings(path) {
            let answer = native.ask(Some(stack.clone()), request("GET", &spelling, signed_in, "")).await;
            assert_eq!(REACHED.take(), 0, "{spelling} reached {path}");
            assert!(!answer.status().is_success() || text(&answer) == "open", "{spelling}: {answer:?}");
        }
    }
}

pub(crate) async fn no_spelling_reaches_a_native_handler_without_credentials(native: &impl Native) {
    none_reaches(native, &PROTECTED, &stack(), false).await;
    for path in PROTECTED {
        let answer = native.ask(Some(stack()), request("GET", path, true, "")).await;
        assert_eq!((answer.status(), REACHED.take()), (StatusCode::OK, 1), "{path} itself");
    }
    let open = native.ask(Some(stack()), request("GET", "/open/x", false, "")).await;
    assert_eq!((open.status(), text(&open)), (StatusCode::OK, "open"), "the public sibling");
}

pub(crate) async fn no_spelling_reaches_a_native_handler_without_the_role(native: &impl Native) {
    let admins = RequireRoles::any(["admin"]).only(["/admin/*", "/users/*", "/files/*", "/team/*"]);
    let stack = Stack::builder().with(auth()).with(admins).public(["/open", "/open/*"]).build().expect("valid");
    none_reaches(native, &PROTECTED, &stack, true).await;
}

pub(crate) async fn no_spelling_passes_a_stack_inside_a_nested_router(native: &impl Native) {
    for path in &PROTECTED[3..] {
        for spelling in spellings(path) {
            native.ask_team(stack(), request("GET", &spelling, false, "")).await;
            assert_eq!(REACHED.take(), 0, "{spelling} reached {path}");
        }
        native.ask_team(stack(), request("GET", path, true, "")).await;
        assert_eq!(REACHED.take(), 1, "{path} itself");
    }
}

pub(crate) async fn a_stack_inside_a_nested_router_sees_the_whole_path(native: &impl Native) {
    let open = native.ask_team(stack(), request("GET", "/team/open", false, "")).await;
    assert_eq!((open.status(), text(&open)), (StatusCode::OK, "open"));
    let refused = native.ask_team(stack(), request("GET", "/team/secret", false, "")).await;
    assert_eq!(refused.status(), StatusCode::UNAUTHORIZED);
}
