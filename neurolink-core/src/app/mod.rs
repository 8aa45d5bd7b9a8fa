//! The application: routes, the onion of each, and the one way a request goes through them.

mod answer;
mod authorize;
mod builder;
mod caller;
mod chain;
mod checks;
mod compile;
mod connection;
mod content_coding;
mod context;
mod cross_site;
mod edge;
mod facts;
mod guard;
mod handle;
mod host;
mod inserted;
mod layer;
mod local;
mod native;
mod observer;
#[cfg(feature = "multipart")]
mod paced_body;
mod params;
mod path;
pub(crate) mod pattern;
mod plan;
pub(crate) mod policy;
mod probes;
mod proxies;
mod request_body;
mod requirement;
mod route;
mod route_checks;
mod run;
mod service;
#[cfg(feature = "rate-limit")]
mod stored_counts;
mod table;

pub use builder::AppBuilder;
pub use checks::check_origin;
pub use connection::{ConnInfo, Scheme, TlsInfo};
pub use context::Context;
pub(crate) use edge::{respond_error, unstamped};
pub use facts::Facts;
pub use handle::App;
pub use layer::Protecting;
pub use native::{Crossing, Protected};
pub use observer::{Observer, RequestEvent, ResponseEvent};
pub use plan::{Plan, PlannedCheck, PlannedPath, PlannedRoute, PlannedStep};
pub use route::{Access, Route, RouteGroup};
pub(crate) use table::Shared;
