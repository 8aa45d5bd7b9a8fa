//! Routes and middleware become one table: what answers, and the onion of each.

use std::any::{Any, TypeId};
use std::collections::HashMap;
use std::time::Duration;

use http::{HeaderValue, Method};

use super::authorize::{self, Authorize};
use super::pattern::{Coverage, Pattern, Scope};
use super::plan::{Plan, PlannedRoute, PlannedStep};
use super::route::{Access, Route};
use super::table::{NotAllowed, NotFound, Options, PathEntry, Refused, RouteEndpoint, Target};
use crate::config::{Problems, Settings};
use crate::stack::{self, Endpoint, Kind, Registered, order};

/// Compiles the table of one app.
pub(super) struct Compiler<'a> {
    settings: &'a Settings,
    base_path: &'a str,
    global: &'a [Registered],
    states: &'a HashMap<TypeId, Box<dyn Any + Send + Sync>>,
    problems: &'a mut Problems,
    has_authenticator: bool,
    targets: Vec<Target>,
    paths: Vec<(Pattern, PathEntry)>,
    router: matchit::Router<usize>,
    plan: Plan,
}

/// What is compiled.
pub(super) struct Compiled {
    pub(super) has_authenticator: bool,
    pub(super) targets: Vec<Target>,
    pub(super) paths: Vec<PathEntry>,
    pub(super) router: matchit::Router<usize>,
    pub(super) plan: Plan,
    pub(super) public: Scope,
}

impl<'a> Compiler<'a> {
    pub(super) fn new(
        settings: &'a Settings,
        base_path: &'a str,
        global: &'a [Registered],
        states: &'a HashMap<TypeId, Box<dyn Any + Send + Sync>>,
        problems: &'a mut Problems,
    ) -> Self {
        Self {
            settings,
            base_path,
            global,
            states,
            problems,
            has_authenticator: false,
            targets: Vec::new(),
            paths: Vec::new(),
            router: matchit::Router::new(),
            plan: Plan::default(),
        }
    }

    pub(super) fn compile(mut self, routes: Vec<Route>, public: &[String], native: bool) -> Compiled {
        let authenticates = |step: &Registered| step.kind() == Kind::Authenticator;
        self.has_authenticator =
            self.global.iter().any(authenticates) || routes.iter().any(Route::brings_authenticator);
        let public = stack::parse_public(public, self.problems);
        self.fixed_targets();
        if native {
            self.native_targets();
        } else {
            self.routes(routes, &public);
        }
        Compiled {
            has_authenticator: self.has_authenticator,
            targets: self.targets,
            paths: self.paths.into_iter().map(|(_, entry)| entry).collect(),
            router: self.router,
            plan: self.plan,
            public,
        }
    }

    /// The refusals, the unmatched paths and `OPTIONS *`, in the order of the constants beside [`Target`].
    fn fixed_targets(&mut self) {
        let open: Vec<Registered> = self
            .global
            .iter()
            .filter(|step| step.scope.is_everywhere() && step.kind() == Kind::Other)
            .cloned()
            .collect();
        self.target(&open, None, Box::new(Refused), None, None);
        let steps = self.hidden(self.global.to_vec());
        self.plan.unmatched = planned(&steps, None);
        self.target(&steps, None, Box::new(NotFound), None, None);
        let allow = HeaderValue::from_static("GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS");
        self.target(&steps, None, Box::new(Options(allow)), None, None);
    }

    /// Adds the check that hides what is there from callers without credentials.
    fn hidden(&mut self, mut steps: Vec<Registered>) -> Vec<Registered> {
        if self.has_authenticator && self.settings.hide_unmatched {
            self.insert(&mut steps, Access::User, Vec::new(), Vec::new());
        }
        steps
    }

    fn insert(&mut self, steps: &mut Vec<Registered>, access: Access, roles: Vec<String>, permissions: Vec<String>) {
        let step = Authorize { access, roles, permissions };
        let step = stack::resolve_registrations(vec![step.into()], self.problems);
        let at = steps.partition_point(|other| other.order < order::ROLES);
        steps.splice(at..at, step);
    }

    fn target(
        &mut self,
        steps: &[Registered],
        pattern: Option<&Pattern>,
        endpoint: Box<dyn Endpoint>,
        body_limit: Option<usize>,
        timeout: Option<Duration>,
    ) -> usize {
        self.targets.push(Target {
            steps: stack::compile(steps.iter(), pattern),
            endpoint,
            pattern: pattern.map(|pattern| pattern.as_str().into()),
            param_names: pattern.map(|pattern| pattern.names().map(Into::into).collect()).unwrap_or_default(),
            body_limit: body_limit.unwrap_or(self.settings.limits.body),
            timeout: timeout.unwrap_or(self.settings.timeout),
            probe: false,
            public: false,
        });
        self.targets.len() - 1
    }

    /// The host's routes, and those of them that are public: [`PROTECTED`](super::table::PROTECTED), [`PUBLIC`](super::table::PUBLIC).
    fn native_targets(&mut self) {
        let mut steps = self.global.to_vec();
        if self.has_authenticator {
            self.insert(&mut steps, Access::User, Vec::new(), Vec::new());
        }
        self.target(&steps, None, Box::new(NotFound), None, None);
        steps.retain(|step| step.kind() != Kind::Authenticator && *step.name != *authorize::NAME);
        self.target(&steps, None, Box::new(NotFound), None, None);
    }

    fn routes(&mut self, routes: Vec<Route>, public: &Scope) {
        let mut patterns = Vec::new();
        for route in routes {
            // Without an authenticator nobody could be let in, so it is as if it did not exist.
            let absent = route.access == Access::User && !self.has_authenticator && route.roles.is_empty();
            if let Some(pattern) = self.parse(&route) {
                patterns.push(pattern.clone());
                if !absent {
                    self.route(route, pattern, public);
                }
            }
        }
        self.unmatched_methods();
        let all: Vec<&Pattern> = patterns.iter().collect();
        for step in self.global {
            for pattern in step.scope.idle(&all) {
                self.problems.add(
                    format!("middleware.{}", step.name),
                    format!("the scope `{pattern}` touches no route; mend or remove it"),
                );
            }
        }
        for pattern in public.idle(&all) {
            self.problems.add("public", format!("`{pattern}` touches no route; mend or remove it"));
        }
    }

    fn parse(&mut self, route: &Route) -> Option<Pattern> {
        let key = format!("{} {}", route.method, route.path);
        let pattern = match Pattern::parse(&route.path) {
            Ok(pattern) => pattern,
            Err(problem) => {
                self.problems.add(key, problem);
                return None;
            }
        };
        let inside =
            route.path.strip_prefix(self.base_path).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'));
        if !inside {
            self.problems.add(
                key,
                format!(
                    "it lies outside of the base path, where the host framework would not see it; \
                     write `{}{}` or set base_path to `/`",
                    self.base_path, route.path
                ),
            );
        }
        Some(pattern)
    }

    fn route(&mut self, mut route: Route, pattern: Pattern, public: &Scope) {
        let key = format!("{} {}", route.method, route.path);
        match public.covers(&pattern) {
            Coverage::Never => {}
            Coverage::Sometimes => self.problems.add(
                &key,
                "a public pattern covers only some of its paths; name the whole route, or mark the route `.public()`",
            ),
            Coverage::Always => {
                if route.access == Access::User {
                    self.problems.add(&key, "it is private and a public pattern covers it; take one of them away");
                }
                route.access = Access::Public;
            }
        }
        self.check(&key, &route);

        let mut steps: Vec<Registered> = self.global.to_vec();
        if route.probe {
            // What limits everything would make a load balancer believe that the server is ill.
            steps.retain(|step| !step.middleware.spares_probes() || step.scope.is_limited());
        }
        let own = stack::resolve_registrations(std::mem::take(&mut route.middleware), self.problems);
        for step in &own {
            if steps.iter().any(|other| other.name == step.name) {
                self.problems.add(
                    format!("{key}: middleware.{}", step.name),
                    "a step of this name applies to the route already; give one of them another with `.named(\"..\")`",
                );
            }
        }
        steps.extend(own);
        steps.sort_by_key(|step| step.order);
        if route.access == Access::Public {
            steps.retain(|step| step.kind() != Kind::Authenticator);
        } else if self.has_authenticator {
            self.insert(&mut steps, route.access, route.roles.clone(), route.permissions.clone());
        }
        if let Some(step) = steps.iter().find(|step| step.kind() == Kind::NeedsUser && *step.name != *authorize::NAME)
            && route.access == Access::Public
            && step.scope.covers(&pattern) == Coverage::Always
            && !step.scope.is_everywhere()
        {
            self.problems.add(
                &key,
                format!("it is public, and `{}` needs to know the user; take the route out of its scope", step.name),
            );
        }
        self.plan.routes.push(PlannedRoute {
            method: route.method.to_string(),
            path: route.path.clone(),
            group: route.group.clone(),
            description: route.description.clone(),
            access: match (self.has_authenticator, route.access) {
                (_, Access::Public) => "public",
                (false, _) => "anyone",
                (true, Access::Optional) => "optional",
                (true, _) => "user",
            }
            .into(),
            roles: route.roles.clone(),
            permissions: route.permissions.clone(),
            body_limit: route.body_limit.unwrap_or(self.settings.limits.body),
            timeout: route.timeout.unwrap_or(self.settings.timeout),
            steps: planned(&steps, Some(&pattern)),
        });
        let endpoint = Box::new(RouteEndpoint::new(route.handler));
        let target = self.target(&steps, Some(&pattern), endpoint, route.body_limit, route.timeout);
        self.targets[target].probe = route.probe;
        self.targets[target].public = route.access == Access::Public;
        self.enter(&key, pattern, route.method, target);
    }

    fn check(&mut self, key: &str, route: &Route) {
        let needs = route.handler.needs();
        if needs.bodies > 1 {
            self.problems.add(key, "its handler takes the body more than once; take it once, as the last argument");
        }
        for (id, name) in &needs.states {
            if !self.states.contains_key(id) {
                self.problems
                    .add(key, format!("its handler takes State<{name}>, which is not registered; add `.state(..)`"));
            }
        }
        let restricted = !route.roles.is_empty() || !route.permissions.is_empty();
        if restricted && !self.has_authenticator {
            self.problems.add(key, "it asks for roles or permissions, and no authenticator is registered; add one");
        }
        if restricted && route.access == Access::Public {
            self.problems.add(key, "it is public and asks for roles or permissions; take one of them away");
        }
        if restricted && route.access == Access::Optional {
            self.problems
                .add(key, "authentication is optional and it asks for roles or permissions; take one of them away");
        }
        if needs.user && matches!(route.access, Access::Public | Access::Optional) {
            self.problems.add(
                key,
                "its handler takes AuthenticatedUser, which a public route may not have; take Option<AuthenticatedUser>",
            );
        }
        if needs.user && !self.has_authenticator && !restricted && route.access == Access::Default {
            self.problems.add(
                key,
                "its handler takes AuthenticatedUser, and no authenticator is registered; add one, or take Option<AuthenticatedUser>",
            );
        }
        if route.timeout.is_some_and(|timeout| timeout.is_zero()) {
            self.problems.add(key, "its timeout is zero, so that no request could pass");
        }
        if route.body_limit.is_some_and(|limit| limit > self.settings.limits.body_budget && limit != usize::MAX) {
            self.problems.add(key, "its body limit is larger than limits.body_budget; raise the budget");
        }
        if matches!(route.method, Method::HEAD | Method::OPTIONS | Method::CONNECT | Method::TRACE) {
            self.problems.add(key, format!("{} is answered by the core; use another method", route.method));
        }
    }

    /// Enters a target into the route table.
    fn enter(&mut self, key: &str, pattern: Pattern, method: Method, target: usize) {
        if let Some((known, entry)) = self.paths.iter_mut().find(|(known, _)| known.same_shape(&pattern)) {
            if known.as_str() != pattern.as_str() {
                self.problems.add(
                    key,
                    format!("the parameters of the same path have other names in `{known}`; use one name for each"),
                );
            } else if entry.methods.iter().any(|(own, _)| *own == method) {
                self.problems.add(key, "this route is there twice; remove one of them");
            } else {
                entry.methods.push((method, target));
            }
            return;
        }
        if let Err(error) = self.router.insert(pattern.as_str(), self.paths.len()) {
            self.problems.add(key, format!("it conflicts with another route: {error}"));
            return;
        }
        let entry = PathEntry { methods: vec![(method, target)], options: 0, not_allowed: 0 };
        self.paths.push((pattern, entry));
    }

    /// 405 and OPTIONS of every path, once all its methods are known.
    fn unmatched_methods(&mut self) {
        for index in 0..self.paths.len() {
            let (pattern, entry) = &self.paths[index];
            let pattern = pattern.clone();
            let mut allow: Vec<&str> = Vec::new();
            for (method, _) in &entry.methods {
                allow.push(method.as_str());
                if method == Method::GET {
                    allow.push("HEAD");
                }
            }
            allow.push("OPTIONS");
            let Ok(allow) = HeaderValue::from_str(&allow.join(", ")) else { continue };
            // A path whose every route is public hides nothing.
            let public = entry.methods.iter().all(|(_, target)| self.targets[*target].public);
            let mut steps = self.global.to_vec();
            if public {
                steps.retain(|step| step.kind() != Kind::Authenticator);
            } else {
                steps = self.hidden(steps);
            }
            let options = self.target(&steps, Some(&pattern), Box::new(Options(allow.clone())), None, None);
            let not_allowed = self.target(&steps, Some(&pattern), Box::new(NotAllowed(allow)), None, None);
            let entry = &mut self.paths[index].1;
            (entry.options, entry.not_allowed) = (options, not_allowed);
        }
    }
}

fn planned(steps: &[Registered], pattern: Option<&Pattern>) -> Vec<PlannedStep> {
    let coverage = |step: &Registered| match pattern {
        _ if step.scope.is_everywhere() => Coverage::Always,
        Some(pattern) => step.scope.covers(pattern),
        None => Coverage::Sometimes,
    };
    steps
        .iter()
        .filter(|step| coverage(step) != Coverage::Never)
        .map(|step| PlannedStep {
            name: step.name.to_string(),
            order: step.order,
            summary: step.middleware.summary(),
            partly: coverage(step) == Coverage::Sometimes,
        })
        .collect()
}

impl Route {
    fn brings_authenticator(&self) -> bool {
        self.middleware.iter().any(|registration| registration.kind() == Kind::Authenticator)
    }
}
