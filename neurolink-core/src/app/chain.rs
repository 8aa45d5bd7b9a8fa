//! The steps around one endpoint: which stand there, and who gets through.

use std::sync::Arc;

use super::authorize::{self, Authorize};
use super::pattern::{Coverage, Pattern, Scope};
use super::plan::PlannedStep;
use super::policy::{Policies, Policy};
use super::requirement::Requirement;
use super::route::Access;
use crate::config::Problems;
use crate::stack::{Kind, Registered, order};

/// The steps of a chain, outermost first.
pub(super) type Steps = Vec<Registered>;

/// The steps whose scope touches a pattern, sorted.
pub(super) fn around(global: &[Registered], own: &[Registered], pattern: &Pattern, probe: bool) -> Steps {
    // What limits everything would make a load balancer believe that the server is ill.
    let spared = |step: &Registered| probe && step.middleware.spares_probes() && !step.scope.is_limited();
    let all = global.iter().filter(|step| !spared(step)).chain(own);
    let mut steps: Steps = all.filter(|step| step.scope.covers(pattern) != Coverage::Never).cloned().collect();
    steps.sort_by_key(|step| step.order);
    steps
}

pub(super) fn is_authenticator(step: &Registered) -> bool {
    step.kind() == Kind::Authenticator
}

/// Whether the step refuses whoever is not known, beside the route table itself.
pub(super) fn is_demanding(step: &Registered) -> bool {
    step.kind() == Kind::NeedsUser && *step.name != *authorize::NAME
}

/// Leaves out what asks who is calling: the endpoint is for everybody.
pub(super) fn open(steps: &mut Steps) {
    steps.retain(|step| !is_authenticator(step) && step.kind() != Kind::NeedsUser);
}

/// Puts the decision of the route table behind the authenticators.
pub(super) fn authorize(steps: &mut Steps, access: Access, required: Vec<Requirement>) {
    let at = steps.partition_point(|step| step.order < order::ROLES);
    steps.insert(at, Registered::own(Authorize { access, required }));
}

/// Puts the policies of a route behind those that are registered by scope.
pub(super) fn ask(steps: &mut Steps, policies: &[Arc<dyn Policy>]) {
    let at = steps.partition_point(|step| step.order <= order::POLICY);
    steps.insert(at, Registered::own(Policies(policies.to_vec())));
}

/// Finds steps that go by the user and stand in front of an authenticator of the same chain.
pub(super) fn check_places(steps: &Steps, problems: &mut Problems) {
    let Some(last) = steps.iter().rposition(is_authenticator) else { return };
    for step in &steps[..last] {
        if matches!(step.kind(), Kind::NeedsUser | Kind::UsesUser | Kind::PrefersUser) {
            let authenticator = &steps[last];
            problems.add_once(
                format!("middleware.{}", step.name),
                format!(
                    "it needs to know the user, and `{}` finds that out behind it, at order {}; \
                     leave out `.at(..)` or choose more than {}",
                    authenticator.name, authenticator.order, authenticator.order
                ),
            );
        }
    }
}

/// What is wrong with a step that goes by the user, in front of a host's routes.
///
/// Nothing lists those routes, so each path that a demanding step names must lie behind an authenticator: outside of
/// one a path is open, and the step would not stand there. A path that an authenticator leaves out is open for a step
/// without a scope of its own, as a public one is.
pub(super) fn unprotected(step: &Registered, global: &[Registered], public: &Scope) -> Vec<String> {
    let authenticators = || global.iter().filter(|step| is_authenticator(step));
    if step.kind() == Kind::UsesUser {
        let known = |pattern: &Pattern| authenticators().any(|other| other.scope.covers(pattern) != Coverage::Never);
        let unknown = step.scope.patterns().filter(|pattern| !known(pattern));
        return unknown.map(|pattern| format!("no authenticator stands in front of `{pattern}`; add one")).collect();
    }
    if !is_demanding(step) {
        return Vec::new();
    }
    let mut problems = Vec::new();
    if !step.scope.is_everywhere() {
        let open = public.patterns().filter(|pattern| step.scope.covers(pattern) != Coverage::Never);
        problems.extend(open.map(|pattern| format!("`{pattern}` is public; take it out of the scope")));
    }
    let missing = step.scope.beyond(|pattern| authenticators().any(|other| other.scope.protects(pattern, &step.scope)));
    problems.extend(missing.into_iter().map(|pattern| {
        format!(
            "it needs to know the user, and no authenticator stands in front of all of `{pattern}`; \
             register one for it, or name fewer paths by `.only([..])`"
        )
    }));
    problems
}

/// Who may call, as the steps have it.
pub(super) fn access(steps: &Steps, pattern: &Pattern, declared: Access) -> &'static str {
    let always = |step: &&Registered| step.scope.covers(pattern) == Coverage::Always;
    let authorization = steps.iter().find(|step| *step.name == *authorize::NAME);
    if steps.iter().filter(always).any(is_demanding) {
        return "user";
    }
    match (authorization, declared) {
        (Some(_), Access::Optional) => "optional",
        (Some(_), _) => "user",
        (None, Access::Public) => "public",
        (None, _) => "anyone",
    }
}

/// The steps as the plan shows them.
pub(super) fn planned(steps: &Steps, pattern: Option<&Pattern>) -> Vec<PlannedStep> {
    let shown = |step: &Registered| {
        let coverage = step.scope.covers_or_asks(pattern);
        (coverage != Coverage::Never).then(|| PlannedStep {
            name: step.name.to_string(),
            order: step.order,
            summary: step.middleware.summary(),
            partly: coverage == Coverage::Sometimes,
        })
    };
    steps.iter().filter_map(shown).collect()
}

/// A middleware with its scope, and what became of it in the routes that it is registered for.
pub(super) struct Use {
    step: Registered,
    /// Where it is registered, for messages.
    place: String,
    patterns: Vec<Pattern>,
    runs: bool,
    knows_user: bool,
}

/// What became of all middleware.
#[derive(Default)]
pub(super) struct Uses(Vec<Use>);

impl Uses {
    /// Notes a registration on a route; `steps` is what the route's chain became, if it has one.
    pub(super) fn note(&mut self, step: &Registered, place: &str, pattern: &Pattern, steps: Option<&Steps>) {
        let same = |other: &Use| {
            other.step.name == step.name
                && Arc::ptr_eq(&other.step.middleware, &step.middleware)
                && other.step.scope == step.scope
        };
        let index = self.0.iter().position(same).unwrap_or_else(|| {
            let (step, place) = (step.clone(), place.to_owned());
            self.0.push(Use { step, place, patterns: Vec::new(), runs: false, knows_user: false });
            self.0.len() - 1
        });
        let noted = &mut self.0[index];
        noted.patterns.push(pattern.clone());
        let Some(steps) = steps else { return };
        if steps.iter().any(|other| Arc::ptr_eq(&other.middleware, &step.middleware)) {
            noted.runs = true;
            noted.knows_user |= steps.iter().any(is_authenticator);
        }
    }

    /// Finds scopes that touch no route, and steps that go by a user whom nobody finds out.
    pub(super) fn check(&self, has_authenticator: bool, problems: &mut Problems) {
        for noted in &self.0 {
            let key = format!("{}middleware.{}", noted.place, noted.step.name);
            let patterns: Vec<&Pattern> = noted.patterns.iter().collect();
            for pattern in noted.step.scope.idle(&patterns) {
                problems.add(&key, format!("the scope `{pattern}` touches no route; mend or remove it"));
            }
            let kind = noted.step.kind();
            if kind == Kind::UsesUser && noted.runs && !noted.knows_user {
                problems.add(
                    &key,
                    "it needs to know the user, and no authenticator stands in front of any of its routes; \
                     add one, or take another key",
                );
            }
            if kind == Kind::NeedsUser && !has_authenticator {
                problems.add(&key, NOBODY);
            }
        }
    }
}

/// What is wrong with a step that asks for users where none can be.
pub(super) const NOBODY: &str =
    "it needs to know the user, and no authenticator is registered; add one, or leave it out";
