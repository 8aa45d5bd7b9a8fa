use std::fmt;
use std::time::Duration;

use serde::{Serialize, Serializer};

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
    /// The steps of paths that are no route's.
    pub unmatched: Vec<PlannedStep>,
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
    /// Who may call it: `anyone` (no authenticator exists), `public`, `optional`, or `user`.
    pub access: String,
    /// The roles of which a caller needs one.
    pub roles: Vec<String>,
    /// The permissions of which a caller needs all.
    pub permissions: Vec<String>,
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
            writeln!(f, "{:<6} {:<width$}  {:<8}  {}", route.method, route.path, access, steps.join(" > "))?;
        }
        Ok(())
    }
}
