#![doc = include_str!("../README.md")]

pub mod app;
pub mod engine;
pub mod http;
pub mod middleware;
pub mod policy;
pub mod security;
pub mod server;
pub mod stack;
pub mod stream;

mod clock;
mod code;
mod config;
mod counters;
mod error;
mod extract;
mod facts;

pub use app::{App, AppBuilder, ConnInfo, Context, Plan, Route, RouteGroup};
pub use clock::{Clock, ManualClock, SystemClock};
pub use code::{Category, Code, Severity};
pub use config::{ConfigError, ConfigProblem, Limits, Settings};
pub use engine::Engine;
pub use error::{Error, ResultExt};
pub use extract::{ByContext, ContextFn, Form, FromContext, Handler, Json, Needs, Params, Path, Query, State};
#[cfg(feature = "multipart")]
pub use extract::{Multipart, Part};
pub use facts::{AuthenticatedUser, ClientAddress, FromFacts, Inserted, RequestId, fact};
pub use http::{Body, ContentCoding, IntoReply, Reply, Request, Response};
#[cfg(feature = "login")]
pub use middleware::login;
pub use stack::{Hook, Middleware, Next, Registration, Stack, from_fn, from_fn_with, order};

/// The error type of bodies and of sources: any error that can cross threads.
pub type BoxError = Box<dyn std::error::Error + Send + Sync>;

/// A boxed future that can cross threads.
pub type BoxFuture<'a, T> = std::pin::Pin<Box<dyn Future<Output = T> + Send + 'a>>;
