use std::fmt;
use std::time::Duration;

use http::HeaderName;
use serde::{Serialize, Serializer};

use super::host::Hosts;
use super::proxies::Proxies;
use super::route::Route;
use crate::config::Settings;
use crate::security::Required;

/// What really applies to each route: compiled, not declared.
///
/// ```
/// use neurolink_core::{App, Route};
/// # use neurolink_core::{Engine, Error, engine::*};
/// # struct Parrot;
/// # #[async_trait::async_trait]
/// # impl Engine for Parrot {
/// #     fn name(&self) -> &str { "parrot" }
/// #     async fn generate(&self, r: Generate, _: &Call) -> Result<Generation, Error> { Ok(Generation::new(r.input.text, "p", "m")) }
/// #     async fn stream(&self, _: Generate, _: &Call) -> Result<EventStream, Error> { Ok(Box::pin(futures_util::stream::empty())) }
/// # }
/// let app = App::builder(Parrot).route(Route::get("/api/hello", async || "hello").public()).build()?;
/// let route = &app.plan().routes[0];
/// assert_eq!((route.method.as_str(), route.path.as_str(), route.access.as_str()), ("GET", "/api/hello", "public"));
/// # Ok::<(), neurolink_core::ConfigError>(())
/// ```
#[derive(Clone, Debug, Default, Serialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct Plan {
    /// The routes, in the order they were added.
    pub routes: Vec<PlannedRoute>,
    /// What each path answers to methods that are no route's: 405, or 204 to OPTIONS.
    pub paths: Vec<PlannedPath>,
    /// The steps of paths that are no route's.
    pub unmatched: Vec<PlannedStep>,
    /// The steps of requests that the checks of the head refuse.
    pub refused: Vec<PlannedStep>,
    /// What every request passes before its steps.
    pub checks: Vec<PlannedCheck>,
}

/// A path of a [`Plan`], for methods that are no route's.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct PlannedPath {
    /// The path's pattern.
    pub path: String,
    /// The value of `Allow`.
    pub allow: String,
    /// The steps it goes through, outermost first.
    pub steps: Vec<PlannedStep>,
}

/// What every request passes before its steps.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct PlannedCheck {
    /// What is checked.
    pub name: &'static str,
    /// How, in a few words.
    pub summary: String,
}

/// The checks of an app, in order.
pub(super) fn checks(
    settings: &Settings,
    hosts: &Hosts,
    proxies: &Proxies,
    single: &[HeaderName],
) -> Vec<PlannedCheck> {
    let check = |name, summary| PlannedCheck { name, summary };
    let (header, limits) = (&settings.request_id_header, &settings.limits);
    let client = proxies.source();
    let single: Vec<&str> = single.iter().map(HeaderName::as_str).collect();
    let trusted = proxies.summary();
    let from = if trusted.is_empty() { String::new() } else { format!(", or taken over from {trusted}") };
    vec![
        check("request-id", format!("{header}, made here{from}")),
        check("client", client),
        check(
            "sizes",
            format!(
                "target {} bytes, headers {} bytes in {} lines",
                limits.uri, limits.header_bytes, limits.header_count
            ),
        ),
        check("repeated", format!("at most one line of {}", single.join(", "))),
        check("host", hosts.summary()),
        check("path", "one canonical form".into()),
    ]
}

/// One route of a [`Plan`].
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct PlannedRoute {
    /// The method.
    pub method: String,
    /// The path's pattern.
    pub path: String,
    /// The group it belongs to, or nothing.
    pub group: String,
    /// What it does.
    pub description: String,
    /// Who may call it, as its steps have it: `anyone` (no authenticator stands in front), `public`, `optional`, or `user`.
    pub access: String,
    /// The roles of which a caller needs one.
    pub roles: Vec<String>,
    /// The permissions of which a caller needs all.
    pub permissions: Vec<String>,
    /// What else a caller needs, a line each: all of some roles, one of some permissions, what the group asks for.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub required: Vec<String>,
    /// The policies of the route and its group that have to allow it; those of a scope are among its steps.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub policies: Vec<String>,
    /// The most bytes of a request body.
    pub body_limit: usize,
    /// Milliseconds until the first byte is answered.
    #[serde(rename = "timeoutMs", serialize_with = "millis")]
    pub timeout: Duration,
    /// The steps it goes through, outermost first.
    pub steps: Vec<PlannedStep>,
}

/// One step of a route.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct PlannedStep {
    /// The middleware's name.
    pub name: String,
    /// Where it stands.
    pub order: i16,
    /// What it does, in a few words.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub summary: String,
    /// Whether it applies to some of the route's paths only.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub partly: bool,
}

/// What a route asks for beside one of its roles and all of its permissions.
pub(super) fn required(route: &Route) -> Vec<String> {
    let asked = route.required.as_required();
    let own = Required { any_role: &[], all_permissions: &[], ..asked };
    let lines = [route.group_required.as_required(), own];
    lines.iter().map(Required::to_string).filter(|line| !line.is_empty()).collect()
}

fn millis<S: Serializer>(duration: &Duration, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_u64(u64::try_from(duration.as_millis()).unwrap_or(u64::MAX))
}

impl fmt::Display for Plan {
    /// A table: method, path, access, steps.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let width = self.routes.iter().map(|route| route.path.len()).max().unwrap_or(0);
        for route in &self.routes {
            let steps: Vec<_> = route.steps.iter().map(|step| step.name.as_str()).collect();
            let mut access = route.access.clone();
            if !route.roles.is_empty() {
                access = format!("role {}", route.roles.join("|"));
            }
            if !route.policies.is_empty() {
                access = format!("{access}, policy {}", route.policies.join("&"));
            }
            writeln!(f, "{:<6} {:<width$}  {:<8}  {}", route.method, route.path, access, steps.join(" > "))?;
        }
        Ok(())
    }
}
