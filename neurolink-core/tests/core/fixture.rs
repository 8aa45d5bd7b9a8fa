//! An app with a clock and users, and who asks it.

use std::sync::Arc;
use std::time::Duration;

use neurolink_core::engine::{EventStream, StreamEvent};
use neurolink_core::middleware::{BearerAuth, StaticToken};
use neurolink_core::{App, AppBuilder, AuthenticatedUser, Error, ManualClock, Route};

use crate::support::{Answer, Quiet, ask};

async fn stream() -> EventStream {
    Box::pin(futures_util::stream::iter([Ok(StreamEvent::text("a"))]))
}

pub(crate) const START: Duration = Duration::from_secs(1_700_000_000);
pub(crate) const TOKEN: &str = "token-of-u1-0123456789";
pub(crate) const KEY: &str = "key-of-k1-0123456789";
pub(crate) const PEER: &str = "192.0.2.1:5";

pub(crate) fn app() -> (AppBuilder, Arc<ManualClock>) {
    let clock = Arc::new(ManualClock::at(START));
    let builder = App::builder(Quiet)
        .clock(Arc::clone(&clock) as _)
        .route(Route::get("/api/x", async || "x"))
        .route(Route::get("/api/public", async || "x").public())
        .route(Route::get("/api/boom", async || -> Result<(), Error> { Err(Error::internal("secret")) }))
        .route(Route::get("/api/stream", stream));
    (builder, clock)
}

pub(crate) fn tokens() -> BearerAuth {
    BearerAuth::tokens([
        StaticToken::new(TOKEN, AuthenticatedUser::new("u1").with_roles(["user"])),
        StaticToken::new("token-of-u2-0123456789", AuthenticatedUser::new("u2").with_roles(["user", "admin"])),
    ])
}

/// Asks from an address of the Internet.
pub(crate) async fn get(app: &App, path: &str, headers: &[(&str, &str)]) -> Answer {
    ask(app, "GET", path, PEER, headers).await
}
