use std::collections::BTreeMap;
use std::sync::Arc;

use http::StatusCode;
use neurolink_core::engine::Tools;
use neurolink_core::{Context, Engine, Error, FromContext, Json, Reply, Route, RouteGroup};
use serde::Serialize;
use tokio::time::Instant;

use crate::readiness::Readiness;
use crate::timestamp::{iso, millis};

/// What callers without a user read instead of names and versions.
const HIDDEN: &str = "hidden";

/// The routes that say how the server is: for probes, and in detail for users.
///
/// | path | who | answer |
/// |---|---|---|
/// | `/health` | all | `status`, and the original's `uptime` and `version` as 0 and `hidden` |
/// | `/health/live` | all | `status: alive`, also while the server drains |
/// | `/health/ready`, `/ready` | all | `ready`; 503 when the engine is not ready or the server drains |
/// | `/health/startup` | all | `started` |
/// | `/version` | all | `name` and `version`; for who is no user both are `hidden` |
/// | `/health/detailed` | users | everything; without an authenticator it is not there |
///
/// An address is answered 50 of them a second, detail and version apart ([`Settings::probe_rate`](neurolink_core::Settings::probe_rate)).
/// Readiness asks the engine at most once a second for all callers, and gives it one second.
///
/// ```
/// use neurolink_core::App;
/// use neurolink_routes::{OfflineEngine, health};
///
/// let app = App::builder(OfflineEngine::new()).group(health("/api")).build()?;
/// assert!(app.plan().routes.iter().any(|route| route.path == "/api/health/live"));
/// # Ok::<(), neurolink_core::ConfigError>(())
/// ```
#[must_use]
pub fn health(base: &str) -> RouteGroup {
    let readiness = Readiness::default();
    let started = Instant::now();
    let ready = {
        let readiness = readiness.clone();
        move |facts: Facts| {
            let readiness = readiness.clone();
            async move { ready(facts, &readiness).await }
        }
    };
    let detailed = move |facts: Facts| {
        let readiness = readiness.clone();
        async move { detailed(facts, &readiness, started).await }
    };
    RouteGroup::new(base)
        .named("health")
        .route(probe("/health", overview).description("Says that the server answers"))
        .route(probe("/health/live", live).description("Liveness"))
        .route(probe("/health/ready", ready.clone()).description("Readiness"))
        .route(probe("/health/startup", startup).description("Whether the start is over"))
        .route(probe("/ready", ready).description("Readiness"))
        .route(Route::get("/version", version).optional_auth().description("Name and version"))
        .route(Route::get("/health/detailed", detailed).private().description("Health in detail"))
}

fn probe<H: neurolink_core::Handler<M>, M: 'static>(path: &str, handler: H) -> Route {
    Route::get(path, handler).public().probe()
}

/// What the answers are made of.
struct Facts {
    engine: Arc<dyn Engine>,
    timestamp: String,
    draining: bool,
    has_user: bool,
}

impl FromContext for Facts {
    async fn from_context(ctx: &mut Context) -> Result<Self, Error> {
        Ok(Self {
            engine: Arc::clone(ctx.engine()),
            timestamp: iso(ctx.now()),
            draining: ctx.is_draining(),
            has_user: ctx.user().is_some(),
        })
    }
}

impl Facts {
    async fn is_ready(&self, readiness: &Readiness) -> bool {
        !self.draining && readiness.of(&self.engine).await
    }
}

#[derive(Serialize)]
struct Overview {
    status: &'static str,
    timestamp: String,
    uptime: u64,
    version: &'static str,
}

async fn overview(facts: Facts) -> Json<Overview> {
    Json(Overview { status: "ok", timestamp: facts.timestamp, uptime: 0, version: HIDDEN })
}

#[derive(Serialize)]
struct Live {
    status: &'static str,
    timestamp: String,
}

async fn live(facts: Facts) -> Json<Live> {
    Json(Live { status: "alive", timestamp: facts.timestamp })
}

#[derive(Serialize)]
struct Ready {
    ready: bool,
    timestamp: String,
    services: ReadyServices,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct ReadyServices {
    neurolink: bool,
    tools: bool,
    external_servers: bool,
}

async fn ready(facts: Facts, readiness: &Readiness) -> Result<Reply, Error> {
    let ready = facts.is_ready(readiness).await;
    let services = ReadyServices { neurolink: true, tools: facts.engine.tools().is_some(), external_servers: false };
    let status = if ready { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE };
    let answer = Ready { ready, timestamp: facts.timestamp, services };
    Reply::data(&answer).map(|reply| reply.with_status(status))
}

#[derive(Serialize)]
struct Startup {
    started: bool,
    timestamp: String,
    services: StartupServices,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct StartupServices {
    neurolink: bool,
    tools_loaded: usize,
    external_server_manager: bool,
}

async fn startup(facts: Facts) -> Json<Startup> {
    // How many tools there are is for users.
    let services = StartupServices { neurolink: true, tools_loaded: 0, external_server_manager: false };
    Json(Startup { started: true, timestamp: facts.timestamp, services })
}

#[derive(Serialize)]
struct Version {
    name: &'static str,
    version: &'static str,
    timestamp: String,
}

async fn version(facts: Facts) -> Json<Version> {
    let (name, version) = if facts.has_user { ("neurolink", env!("CARGO_PKG_VERSION")) } else { (HIDDEN, HIDDEN) };
    Json(Version { name, version, timestamp: facts.timestamp })
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Detailed {
    status: &'static str,
    timestamp: String,
    uptime: u64,
    version: &'static str,
    engine: String,
    providers: Vec<String>,
    memory: Memory,
    tools: ToolCount,
    external_servers: ExternalServers,
}

#[derive(Serialize)]
struct Memory {
    available: bool,
    #[serde(rename = "type")]
    kind: &'static str,
    process: ProcessMemory,
}

#[derive(Serialize)]
struct ProcessMemory {
    /// MiB; `None` where the system does not tell.
    rss: Option<u64>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct ToolCount {
    total: usize,
    by_source: BTreeMap<String, usize>,
}

#[derive(Serialize)]
struct ExternalServers {
    count: usize,
    servers: [(); 0],
}

async fn detailed(facts: Facts, readiness: &Readiness, started: Instant) -> Json<Detailed> {
    let status = if facts.is_ready(readiness).await { "ok" } else { "unavailable" };
    let tools = facts.engine.tools().map(Tools::list).unwrap_or_default();
    let total = tools.len();
    let mut by_source = BTreeMap::new();
    for tool in tools {
        *by_source.entry(tool.source).or_insert(0) += 1;
    }
    Json(Detailed {
        status,
        timestamp: facts.timestamp,
        uptime: millis(started.elapsed()),
        version: env!("CARGO_PKG_VERSION"),
        engine: facts.engine.name().to_owned(),
        providers: facts.engine.providers(),
        memory: Memory { available: false, kind: "none", process: ProcessMemory { rss: resident_mebibytes() } },
        tools: ToolCount { total, by_source },
        external_servers: ExternalServers { count: 0, servers: [] },
    })
}

/// The memory of this process, where the system has `/proc`.
fn resident_mebibytes() -> Option<u64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"))?;
    let kibibytes: u64 = line.trim().strip_suffix("kB")?.trim().parse().ok()?;
    Some(kibibytes / 1024)
}
