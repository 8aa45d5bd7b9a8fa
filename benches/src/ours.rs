//! Our app on each framework, with the jobs that are measured.

use std::net::TcpListener;
use std::sync::Arc;
use std::time::Duration;

use neurolink::middleware::{BearerAuth, Cors, RateLimit, SecurityHeaders, StaticToken};
use neurolink::routes::{OfflineEngine, WithRoutes as _};
use neurolink::server::{Adapter, Shutdown};
use neurolink::{App, AuthenticatedUser, Framework};

use crate::{Failure, runtime};

/// The token that the load sends.
const TOKEN: &str = "bench-token-0123456789abcdef-0123456789";

fn app() -> Result<App, Failure> {
    let app = App::builder(OfflineEngine::new())
        .middleware(SecurityHeaders::modern())
        .middleware(Cors::list(["https://app.example.com"]))
        .middleware(RateLimit::fixed_window(u32::MAX, Duration::from_secs(60)))
        .middleware(BearerAuth::tokens([StaticToken::new(TOKEN, AuthenticatedUser::new("bench"))]))
        .configure(|settings| settings.probe_rate = 0)
        .all_routes()
        .build()?;
    Ok(app)
}

pub(crate) fn serve(framework: &str, listener: TcpListener) -> Result<(), Failure> {
    let framework: Framework = framework.parse()?;
    let adapter: Arc<dyn Adapter> = match framework {
        Framework::Actix => Arc::new(neurolink::actix::Actix::new().workers(1)),
        other => other.adapter().map_err(|problem| problem.to_string())?,
    };
    let (_handle, shutdown) = Shutdown::new();
    let serving = adapter.serve(app()?, listener, shutdown);
    runtime()?.block_on(serving)?;
    Ok(())
}
