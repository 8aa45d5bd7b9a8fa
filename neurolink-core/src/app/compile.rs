//! Routes and middleware become one table: what answers, and the onion of each.

use std::any::{Any, TypeId};
use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use http::{HeaderName, HeaderValue, Method};

use super::chain::{self, Steps, Uses};
use super::guard;
use super::pattern::{Coverage, Pattern, Scope};
use super::plan::{self, Plan, PlannedPath, PlannedRoute};
use super::route::{Access, Route};
use super::route_checks;
#[cfg(feature = "rate-limit")]
use super::stored_counts::StoredCounts;
use super::table::{NotAllowed, NotFound, Options, PathEntry, Refused, RouteEndpoint, Target};
use crate::config::{Problems, Settings};
use crate::stack::{self, Endpoint, Kind, Registered};

/// Compiles the table of one app.
pub(super) struct Compiler<'a> {
    settings: &'a Settings,
    base_path: &'a str,
    global: &'a [Registered],
    states: &'a HashMap<TypeId, Box<dyn Any + Send + Sync>>,
    problems: &'a mut Problems,
    has_authenticator: bool,
    uses: Uses,
    #[cfg(feature = "rate-limit")]
    stored: StoredCounts,
    /// Headers that may be there only once.
    single: Vec<HeaderName>,
    targets: Vec<Target>,
    paths: Vec<(Pattern, PathEntry)>,
    router: matchit::Router<usize>,
    plan: Plan,
}

/// What is compiled.
pub(super) struct Compiled {
    pub(super) has_authenticator: bool,
    pub(super) authenticated: Box<[Arc<Scope>]>,
    pub(super) single: Box<[HeaderName]>,
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
            uses: Uses::default(),
            #[cfg(feature = "rate-limit")]
            stored: StoredCounts::default(),
            single: guard::SINGLE.to_vec(),
            targets: Vec::new(),
            paths: Vec::new(),
            router: matchit::Router::new(),
            plan: Plan::default(),
        }
    }

    pub(super) fn compile(mut self, routes: Vec<Route>, public: &[String], native: bool) -> Compiled {
        self.has_authenticator =
            self.global.iter().any(chain::is_authenticator) || routes.iter().any(Route::brings_authenticator);
        let public = stack::parse_public(public, self.problems);
        self.note(self.global);
        self.fixed_targets();
        if native {
            self.native_targets(&public);
        } else {
            self.routes(routes, &public);
        }
        let authenticators = self.global.iter().filter(|step| chain::is_authenticator(step));
        Compiled {
            has_authenticator: self.has_authenticator,
            authenticated: authenticators.map(|step| Arc::clone(&step.scope)).collect(),
            single: self.single.into(),
            targets: self.targets,
            paths: self.paths.into_iter().map(|(_, entry)| entry).collect(),
            router: self.router,
            plan: self.plan,
            public,
        }
    }

    /// Notes the headers that hold credentials, and the limits that count in stores.
    fn note(&mut self, steps: &[Registered]) {
        #[cfg(feature = "rate-limit")]
        self.stored.note(steps, self.problems);
        for header in steps.iter().filter_map(|step| step.middleware.credential_header()) {
            if !self.single.contains(&header) {
                self.single.push(header);
            }
        }
    }

    /// The refusals, the unmatched paths and `OPTIONS *`, in the order of the constants beside [`Target`].
    fn fixed_targets(&mut self) {
        let open = self.global.iter().filter(|step| step.scope.is_everywhere() && step.kind() == Kind::Other);
        let refused: Steps = open.cloned().collect();
        self.plan.refused = chain::planned(&refused, None);
        self.target(&refused, None, Box::new(Refused), None, None);
        let mut unmatched = self.global.to_vec();
        self.hide(&mut unmatched);
        let mut open = self.global.to_vec();
        chain::open(&mut open);
        let shown = if self.global.iter().any(chain::is_authenticator) { &unmatched } else { &open };
        self.plan.unmatched = chain::planned(shown, None);
        for steps in [unmatched, open] {
            self.target(&steps, None, Box::new(NotFound), None, None);
            let allow = HeaderValue::from_static("GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS");
            self.target(&steps, None, Box::new(Options(allow)), None, None);
        }
    }

    /// Adds the check that hides what is there from callers without credentials.
    fn hide(&self, steps: &mut Steps) {
        if self.settings.hide_unmatched {
            chain::authorize(steps, Access::User, Vec::new());
        }
    }

    fn target(
        &mut self,
        steps: &[Registered],
        pattern: Option<&Pattern>,
        endpoint: Box<dyn Endpoint>,
        body_limit: Option<usize>,
        timeout: Option<Duration>,
    ) -> usize {
        let members = stack::members(steps.iter(), pattern);
        self.targets.push(Target {
            members: members.iter().map(|(_, member)| member.clone()).collect(),
            steps: stack::compile(members),
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
    fn native_targets(&mut self, public: &Scope) {
        let mut steps = self.global.to_vec();
        chain::check_places(&steps, self.problems);
        for step in &steps {
            let key = format!("middleware.{}", step.name);
            if matches!(step.kind(), Kind::NeedsUser | Kind::UsesUser) && !self.has_authenticator {
                self.problems.add(key, chain::NOBODY);
                continue;
            }
            #[cfg(feature = "rate-limit")]
            if step.middleware.as_rate_limit().is_some_and(crate::middleware::RateLimit::counts_tokens) {
                self.problems
                    .add(&key, "native routes have no engine whose tokens it could count; leave out `.tokens()`");
            }
            for problem in chain::unprotected(step, self.global, public) {
                self.problems.add(&key, problem);
            }
        }
        chain::authorize(&mut steps, Access::User, Vec::new());
        self.target(&steps, None, Box::new(NotFound), None, None);
        chain::open(&mut steps);
        self.target(&steps, None, Box::new(NotFound), None, None);
    }

    fn routes(&mut self, routes: Vec<Route>, public: &Scope) {
        let mut patterns = Vec::new();
        for route in routes {
            // Without an authenticator nobody could be let in, so it is as if it did not exist.
            let absent = route.access == Access::User && !self.has_authenticator && !route.is_restricted();
            if let Some(pattern) = self.parse(&route) {
                patterns.push(pattern.clone());
                if !absent {
                    self.route(route, pattern, public);
                } else {
                    for step in self.global {
                        self.uses.note(step, "", &pattern, None);
                    }
                }
            }
        }
        self.unmatched_methods();
        self.uses.check(self.has_authenticator, self.problems);
        let all: Vec<&Pattern> = patterns.iter().collect();
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
        let named = std::mem::take(&mut route.own).into_iter().map(|own| {
            let name = format!("{} {key}", own.name());
            own.named(name)
        });
        let own = std::mem::take(&mut route.middleware).into_iter().chain(named).collect();
        let own = stack::resolve_registrations(own, self.problems);
        self.note(&own);
        let mut steps = chain::around(self.global, &own, &pattern, route.probe);
        for step in &own {
            if steps.iter().any(|other| other.name == step.name && !Arc::ptr_eq(&other.middleware, &step.middleware)) {
                self.problems.add(
                    format!("{key}: middleware.{}", step.name),
                    "a step of this name applies to the route already; give one of them another with `.named(\"..\")`",
                );
            }
        }
        let problems = &mut *self.problems;
        route_checks::skips(&key, &mut route, &pattern, self.global.iter().chain(&own), problems);
        route_checks::declared(&key, &route, &pattern, self.settings, self.states, self.has_authenticator, problems);
        route_checks::chain(&key, &route, &pattern, &steps, self.has_authenticator, problems);
        if route.access == Access::Public {
            chain::open(&mut steps);
        } else if steps.iter().any(chain::is_authenticator) {
            chain::authorize(&mut steps, route.access, route.requirements());
        }
        if !route.policies.is_empty() {
            chain::ask(&mut steps, &route.policies);
        }
        for step in self.global {
            self.uses.note(step, "", &pattern, Some(&steps));
        }
        let place = if route.group.is_empty() { format!("{key}: ") } else { format!("group {}: ", route.group) };
        for step in &own {
            self.uses.note(step, &place, &pattern, Some(&steps));
        }
        self.plan.routes.push(PlannedRoute {
            method: route.method.to_string(),
            path: route.path.clone(),
            group: route.group.clone(),
            description: route.description.clone(),
            access: chain::access(&steps, &pattern, route.access).into(),
            roles: route.required.any_role.clone(),
            permissions: route.required.all_permissions.clone(),
            required: plan::required(&route),
            policies: route.policies.iter().map(|policy| policy.name().to_owned()).collect(),
            body_limit: route.body_limit.unwrap_or(self.settings.limits.body),
            timeout: route.timeout.unwrap_or(self.settings.timeout),
            steps: chain::planned(&steps, Some(&pattern)),
        });
        let endpoint = Box::new(RouteEndpoint(route.handler));
        let target = self.target(&steps, Some(&pattern), endpoint, route.body_limit, route.timeout);
        self.targets[target].probe = route.probe;
        self.targets[target].public = route.access == Access::Public;
        self.enter(&key, pattern, route.method, target);
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
            let problem = match error {
                matchit::InsertError::Conflict { with } => format!(
                    "it and the route `{with}` have paths in common, and neither is the more exact one; \
                     change a segment of one of them"
                ),
                _ => "it is no pattern of a route; write a parameter as `{id}`, and the rest of a path as `{*rest}`"
                    .into(),
            };
            self.problems.add(key, problem);
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
            // A path whose every route is public hides nothing; where no global authenticator stands, nobody could be let in.
            let public = entry.methods.iter().all(|(_, target)| self.targets[*target].public);
            let mut steps = chain::around(self.global, &[], &pattern, false);
            if public || !steps.iter().any(chain::is_authenticator) {
                chain::open(&mut steps);
            } else {
                self.hide(&mut steps);
            }
            self.plan.paths.push(PlannedPath {
                path: pattern.as_str().to_owned(),
                allow: allow.to_str().unwrap_or_default().to_owned(),
                steps: chain::planned(&steps, Some(&pattern)),
            });
            let most = entry.methods.iter().map(|(_, target)| self.targets[*target].body_limit).max();
            let options = self.target(&steps, Some(&pattern), Box::new(Options(allow.clone())), most, None);
            let not_allowed = self.target(&steps, Some(&pattern), Box::new(NotAllowed(allow)), None, None);
            let entry = &mut self.paths[index].1;
            (entry.options, entry.not_allowed) = (options, not_allowed);
        }
    }
}

impl Route {
    fn brings_authenticator(&self) -> bool {
        self.middleware.iter().any(|registration| registration.kind() == Kind::Authenticator)
    }
}
