//! What can be wrong with a route, found at build.

use std::any::{Any, TypeId};
use std::collections::HashMap;

use http::Method;

use super::chain::{self, Steps};
use super::pattern::{Coverage, Pattern};
use super::route::{Access, Route};
use crate::config::{Problems, Settings};
use crate::stack::Registered;

/// Makes a route public when its authenticators leave it out by `except`.
///
/// Routes that need a user cannot be left out; those that another authenticator asks stay as they are.
pub(super) fn skips<'a>(
    key: &str,
    route: &mut Route,
    pattern: &Pattern,
    registered: impl Iterator<Item = &'a Registered>,
    problems: &mut Problems,
) {
    let mut skipping = None;
    for step in registered.filter(|step| chain::is_authenticator(step)) {
        if step.scope.covers(pattern) != Coverage::Never {
            return;
        }
        if step.scope.leaves_out(pattern) {
            skipping = Some(step);
        }
    }
    let Some(step) = skipping else { return };
    if route.access == Access::User || route.is_restricted() {
        let problem = format!("it needs a user, and the scope of `{}` leaves it out; take one of them away", step.name);
        problems.add(key, problem);
    } else {
        route.access = Access::Public;
    }
}

/// Checks what a route says about itself.
pub(super) fn declared(
    key: &str,
    route: &Route,
    pattern: &Pattern,
    settings: &Settings,
    states: &HashMap<TypeId, Box<dyn Any + Send + Sync>>,
    has_authenticator: bool,
    problems: &mut Problems,
) {
    let needs = route.handler.needs();
    if needs.bodies > 1 {
        problems.add(key, "its handler takes the body more than once; take it once, as the last argument");
    } else if needs.after_body {
        problems.add(key, "its handler takes the body before another argument; take it as the last one");
    }
    if needs.params && pattern.names().next().is_none() {
        problems.add(
            key,
            "its handler takes path parameters, and the path has none; write one as `{id}`, or leave out the argument",
        );
    }
    for (id, name) in &needs.states {
        if !states.contains_key(id) {
            let problem = format!("its handler takes State<{name}>, which is not registered; add `.state(..)`");
            problems.add(key, problem);
        }
    }
    let restricted = route.is_restricted();
    if restricted && !has_authenticator {
        problems.add(key, "it asks for roles, permissions or a policy, and no authenticator is registered; add one");
    }
    if restricted && route.access == Access::Public {
        problems.add(key, "it is public and asks for roles, permissions or a policy; take one of them away");
    }
    if restricted && route.access == Access::Optional {
        problems.add(
            key,
            "authentication is optional and it asks for roles, permissions or a policy; take one of them away",
        );
    }
    if needs.user && matches!(route.access, Access::Public | Access::Optional) {
        problems.add(
            key,
            "its handler takes AuthenticatedUser, which a public route may not have; take Option<AuthenticatedUser>",
        );
    }
    if needs.user && !has_authenticator && !restricted && route.access == Access::Default {
        problems.add(
            key,
            "its handler takes AuthenticatedUser, and no authenticator is registered; add one, or take Option<AuthenticatedUser>",
        );
    }
    if route.timeout.is_some_and(|timeout| timeout.is_zero()) {
        problems.add(key, "its timeout is zero, so that no request could pass; give more, or leave it out");
    }
    if route.body_limit.is_some_and(|limit| limit > settings.limits.body_budget && limit != usize::MAX) {
        problems.add(key, "its body limit is larger than limits.body_budget; raise the budget");
    }
    if matches!(route.method, Method::HEAD | Method::OPTIONS | Method::CONNECT | Method::TRACE) {
        problems.add(key, format!("{} is answered by the core; use another method", route.method));
    }
}

/// Checks that the steps around a route can do what the route asks of them.
pub(super) fn chain(
    key: &str,
    route: &Route,
    pattern: &Pattern,
    steps: &Steps,
    has_authenticator: bool,
    problems: &mut Problems,
) {
    chain::check_places(steps, problems);
    if route.access == Access::Public {
        let scoped = |step: &&Registered| chain::is_demanding(step) && !step.scope.is_everywhere();
        if let Some(step) = steps.iter().find(scoped) {
            let problem =
                format!("it is public, and `{}` needs to know the user; take the route out of its scope", step.name);
            problems.add(key, problem);
        }
        return;
    }
    let coverage = |step: &Registered| step.scope.covers(pattern);
    let mut authenticators = steps.iter().filter(|step| chain::is_authenticator(step)).peekable();
    match authenticators.peek() {
        Some(first) => {
            let name = &first.name;
            if !authenticators.any(|step| coverage(step) == Coverage::Always) {
                let problem = format!(
                    "`{name}` stands in front of only some of its paths; let the scope name the whole route, \
                     or mark the route `.public()`"
                );
                problems.add(key, problem);
            }
        }
        None if has_authenticator => {
            let needs_user = route.access != Access::Optional || steps.iter().any(chain::is_demanding);
            if needs_user {
                problems.add(
                    key,
                    "it needs a user, and no authenticator stands in front of it; \
                     register one for it, or mark it `.public()`",
                );
            }
        }
        None => {}
    }
}
