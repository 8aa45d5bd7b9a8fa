//! Our app on each framework, and our stack for native routes.

use std::net::TcpListener;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use futures_util::stream;
use neurolink::engine::{Call, EventStream, FinishReason, Generate, Generation, StreamEvent, Usage};
use neurolink::middleware::{BearerAuth, Cors, JwtKeys, RateLimit, SecurityHeaders};
use neurolink::routes::WithRoutes as _;
use neurolink::server::{Adapter, Shutdown};
use neurolink::stack::IntoRegistration as _;
use neurolink::{App, Engine, Error, Framework, Json, Route, Stack};

use crate::jobs::{ORIGIN, PARTY, SECRET};
use crate::work::{EVENTS, item, piece, words};
use crate::{Failure, runtime};

/// Does the work of the bare handlers.
struct Work;

#[async_trait]
impl Engine for Work {
    fn name(&self) -> &str {
        "work"
    }

    async fn generate(&self, request: Generate, _call: &Call) -> Result<Generation, Error> {
        let text = request.input.text;
        let usage = Usage { input: words(&text), output: words(&text) };
        let mut generation = Generation::new(text, "work", "work");
        generation.usage = Some(usage);
        Ok(generation)
    }

    async fn stream(&self, _request: Generate, _call: &Call) -> Result<EventStream, Error> {
        let texts = (0..EVENTS).map(|number| Ok(StreamEvent::text(piece(number))));
        let usage = Usage { input: 1, output: EVENTS as u64 };
        let end = [Ok(StreamEvent::finish(usage, FinishReason::Stop))];
        Ok(Box::pin(stream::iter(texts.chain(end))))
    }
}

fn jwt(remember: bool) -> BearerAuth {
    let keys = JwtKeys::hs256(SECRET).issuer(PARTY).audience(PARTY);
    BearerAuth::jwt(if remember { keys } else { keys.remember(0) })
}

fn limit() -> RateLimit {
    RateLimit::fixed_window(u32::MAX, Duration::from_secs(60))
}

/// The five jobs in front of native routes; the request id is always done.
pub(crate) fn stack() -> Result<Stack, Failure> {
    let stack = Stack::builder()
        .with(SecurityHeaders::modern())
        .with(Cors::list([ORIGIN]))
        .with(limit())
        .with(jwt(false))
        .public(["/api/health"])
        .build()?;
    Ok(stack)
}

/// An app with the five jobs.
fn app(remember: bool) -> Result<App, Failure> {
    let app = App::builder(Work)
        .configure(|settings| settings.probe_rate = 0) // the load comes from one address
        .middleware(SecurityHeaders::modern())
        .middleware(Cors::list([ORIGIN]))
        .middleware(limit().only(["/api/*"])) // a limit that names no path leaves probes alone
        .middleware(jwt(remember))
        .route(Route::get("/api/item", async || Json(item())))
        .all_routes()
        .build()?;
    Ok(app)
}

/// Serves the app; `remember` says whether a token that was verified is remembered.
pub(crate) fn mounted(framework: &str, remember: bool, listener: TcpListener) -> Result<(), Failure> {
    let framework: Framework = framework.parse()?;
    let adapter: Arc<dyn Adapter> = match framework {
        Framework::Actix => Arc::new(neurolink::actix::Actix::new().workers(1)),
        other => other.adapter().map_err(|problem| problem.to_string())?,
    };
    serve(&adapter, app(remember)?, listener)
}

/// Serves an adapter's host behind our loop.
pub(crate) fn looped(adapter: &impl Adapter, listener: TcpListener) -> Result<(), Failure> {
    serve(adapter, app(false)?, listener)
}

fn serve(adapter: &impl Adapter, app: App, listener: TcpListener) -> Result<(), Failure> {
    let (_handle, shutdown) = Shutdown::new();
    let serving = adapter.serve(app, listener.into(), shutdown);
    runtime()?.block_on(serving)?;
    Ok(())
}
