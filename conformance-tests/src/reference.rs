//! The server that cases run against: `reference.toml` and a few routes that show what a request became.

use std::collections::BTreeMap;
use std::io;
use std::net::TcpListener;
use std::sync::Arc;
use std::time::Duration;

use futures_util::StreamExt as _;
use http::{HeaderName, HeaderValue, Method};
use neurolink_config::{Config, Loader};
use neurolink_core::engine::{EventStream, StreamEvent};
use neurolink_core::middleware::RequireRoles;
use neurolink_core::server::{Adapter, Server};
use neurolink_core::stack::{IntoRegistration as _, StackBuilder};
use neurolink_core::{
    App, AppBuilder, AuthenticatedUser, BoxFuture, Code, Context, Engine, Error, Json, Path, Reply, Route, RouteGroup,
    Settings, Stack,
};
use neurolink_routes::{OfflineEngine, WithRoutes as _};
use serde_json::{Value, json};
use tokio::runtime::Runtime;

use crate::control::{Bound, Changed, Control, ManualClock};
use crate::layers::with_layers;
use crate::test_routes::{
    native_policies, with_asked_limit, with_form, with_held, with_issued_keys, with_keyed_limit, with_keys_outage,
    with_lockouts, with_meeting, with_outage, with_pieces, with_policies, with_refusals,
};
use crate::watched::{Counters, Watched, Watching};
use crate::{Running, Subject, configuration, failing_store};

type Serve = dyn Fn(App, TcpListener) -> BoxFuture<'static, io::Result<()>> + Send + Sync;
type ServeNative = dyn Fn(Stack, Settings, TcpListener) -> BoxFuture<'static, io::Result<()>> + Send + Sync;

/// A framework's adapter, serving the reference app: what the cases are sent to.
pub struct Served<A> {
    adapter: Arc<A>,
    own: Option<Arc<Serve>>,
    native: Option<Arc<ServeNative>>,
    changes: Changes,
}

/// What is not as in the reference: nothing, unless told.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Changes {
    /// Changes the configuration.
    pub(crate) config: fn(&mut Config),
    /// Changes the app before it is built.
    pub(crate) app: fn(AppBuilder) -> AppBuilder,
}

impl Default for Changes {
    fn default() -> Self {
        Self { config: |_| (), app: |builder| builder }
    }
}

impl<A: Adapter> Served<A> {
    /// Serves by this adapter.
    pub fn by(adapter: A) -> Self {
        Self { adapter: Arc::new(adapter), own: None, native: None, changes: Changes::default() }
    }

    /// Serves another app than the reference.
    pub(crate) fn changed(mut self, changes: Changes) -> Self {
        self.changes = changes;
        self
    }

    /// Adds the framework's own server, behind which the areas of [`OWN_SERVER_AREAS`](crate::OWN_SERVER_AREAS), and
    /// conversations that a server decides, run a second time.
    #[must_use]
    pub fn own_server<F, Fut>(mut self, serve: F) -> Self
    where
        F: Fn(App, TcpListener) -> Fut + Send + Sync + 'static,
        Fut: Future<Output = io::Result<()>> + Send + 'static,
    {
        self.own = Some(Arc::new(move |app, listener| Box::pin(serve(app, listener))));
        self
    }

    /// Adds a server of the framework's own routes with a stack around them: the test routes that `native.toml` names.
    #[must_use]
    pub fn native_server<F, Fut>(mut self, serve: F) -> Self
    where
        F: Fn(Stack, Settings, TcpListener) -> Fut + Send + Sync + 'static,
        Fut: Future<Output = io::Result<()>> + Send + 'static,
    {
        self.native = Some(Arc::new(move |stack, settings, listener| Box::pin(serve(stack, settings, listener))));
        self
    }
}

impl<A: Adapter> Served<A> {
    /// The inside of a server with this configuration that is not started, and a runtime for it.
    fn inside(&self, needs: &str) -> io::Result<(Control, Runtime)> {
        let mut config = config(needs).map_err(io::Error::other)?;
        (self.changes.config)(&mut config);
        let (engine, clock) = (Arc::<Counters>::default(), Arc::<ManualClock>::default());
        let builder = builder(&config, Watched::new(OfflineEngine::new(), Arc::clone(&engine)));
        let builder = (self.changes.app)(builder.map_err(io::Error::other)?);
        let builder = builder.observe(Watching(Arc::clone(&engine))).clock(clock.clone());
        let app = builder.build().map_err(io::Error::other)?;
        let (adapter, served) = (Arc::clone(&self.adapter), app.clone());
        let bound: Arc<Bound> = Arc::new(move |address| {
            Server::builder(app.clone())
                .adapter(Arc::clone(&adapter))
                .bind(address)
                .drain_delay(config.server.drain_delay)
                .grace(config.server.grace)
                .build()
                .expect("it has an adapter")
        });
        let changed = changed(needs.to_owned(), self.changes);
        let (server, runtime) = (bound("127.0.0.1:0"), runtime()?);
        Ok((Control::new(engine, clock, served, server, bound, changed, runtime.handle().clone()), runtime))
    }
}

impl<A: Adapter> std::fmt::Debug for Served<A> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Served").field("adapter", &self.adapter.name()).finish_non_exhaustive()
    }
}

impl<A: Adapter> Subject for Served<A> {
    fn name(&self) -> &str {
        self.adapter.name()
    }

    fn start(&self, needs: &str) -> io::Result<Running> {
        let (control, runtime) = self.inside(needs)?;
        let server = control.server().clone();
        server.initialize().map_err(io::Error::other)?;
        let addr = runtime.block_on(server.start()).map_err(io::Error::other)?;
        let running = Running::new(addr, move || {
            server.force();
            runtime.shutdown_background();
        });
        Ok(running.with_control(control).with_http2(self.adapter.capabilities().http2_prior_knowledge))
    }

    fn start_own(&self, needs: &str) -> Option<io::Result<Running>> {
        let serve = Arc::clone(self.own.as_ref()?);
        Some(self.inside(needs).and_then(|(control, runtime)| {
            let app = control.app().clone();
            Ok(behind(runtime, move |listener| serve(app, listener))?.with_control(control))
        }))
    }

    fn start_native(&self, needs: &str) -> Option<io::Result<Running>> {
        let serve = Arc::clone(self.native.as_ref()?);
        let stack = stack(needs).map_err(io::Error::other);
        Some(stack.and_then(|(stack, settings)| behind(runtime()?, move |listener| serve(stack, settings, listener))))
    }
}

/// Builds apps that a case changes first, and a mutant after it.
fn changed(needs: String, changes: Changes) -> Arc<Changed> {
    Arc::new(move |own_config, own_app| {
        let build = || -> Result<App, Problem> {
            let mut config = config(&needs)?;
            own_config(&mut config);
            (changes.config)(&mut config);
            let builder = own_app(builder(&config, OfflineEngine::new())?);
            Ok((changes.app)(builder).build()?)
        };
        build().map(drop).map_err(|problem| problem.to_string())
    })
}

fn runtime() -> io::Result<Runtime> {
    tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build()
}

/// A server that ends with its runtime.
fn behind(
    runtime: Runtime,
    serve: impl FnOnce(TcpListener) -> BoxFuture<'static, io::Result<()>>,
) -> io::Result<Running> {
    // The standard library's queue of 128 is too short for the crowd of one case.
    let listener = {
        let _inside = runtime.enter();
        let socket = tokio::net::TcpSocket::new_v4()?;
        socket.bind(([127, 0, 0, 1], 0).into())?;
        socket.listen(2048)?.into_std()?
    };
    let addr = listener.local_addr()?;
    let serving = serve(listener);
    runtime.spawn(async move {
        if let Err(error) = serving.await {
            eprintln!("the server at {addr} ended: {error}");
        }
    });
    Ok(Running::new(addr, || runtime.shutdown_background()))
}

/// Builds the app that the cases of this configuration run against.
///
/// # Errors
/// What is wrong with the configuration; for `needs` that are not known, that.
pub fn app(needs: &str) -> Result<App, Problem> {
    Ok(builder(&config(needs)?, OfflineEngine::new())?.build()?)
}

/// The stack of this configuration for routes that a framework serves itself, with what our routes say by themselves:
/// who may call them.
///
/// # Errors
/// What is wrong with the configuration; for `needs` that are not known, that.
pub fn stack(needs: &str) -> Result<(Stack, Settings), Problem> {
    const PUBLIC: [&str; 10] = [
        "/api/health/live",
        "/api/health/startup",
        "/api/test/client",
        "/api/test/echo",
        "/api/test/files/*",
        "/api/test/many",
        "/api/test/params/*",
        "/api/test/query",
        "/api/test/set-cookies",
        "/api/test/unsafe",
    ];
    let config = config(needs)?;
    let admins = RequireRoles::any(["admin"]).only(["/api/test/admin", "/api/test/admin-echo"]);
    let stack = config.stack()?.public(PUBLIC).with(admins);
    Ok((native_policies().into_iter().fold(stack, StackBuilder::with).build()?, config.settings()))
}

/// The configuration of this name.
///
/// # Errors
/// There is none, or it is wrong.
pub fn config(needs: &str) -> Result<Config, Problem> {
    let text = configuration(needs).ok_or_else(|| format!("no configuration is called `{needs}`"))?;
    Ok(Loader::new().text(needs, text).load()?.config)
}

/// The reference app, still open to changes.
///
/// # Errors
/// What is wrong with the configuration.
pub fn builder(config: &Config, engine: impl Engine) -> Result<AppBuilder, Problem> {
    let builder = config.apply(App::builder(engine))?.all_routes();
    let builder = with_keys_outage(with_issued_keys(builder));
    let builder = with_policies(with_layers(builder.group(test_routes()).group(failing_store::routes())));
    let builder = with_keyed_limit(with_refusals(with_pieces(with_form(with_meeting(with_held(builder))))));
    Ok(with_lockouts(with_outage(with_asked_limit(builder)?)?)?)
}

/// Why there is no reference app.
pub type Problem = Box<dyn std::error::Error + Send + Sync>;

fn test_routes() -> RouteGroup {
    let any_method = [Method::GET, Method::POST, Method::PUT, Method::PATCH, Method::DELETE];
    let group = RouteGroup::new("/api/test");
    any_method
        .into_iter()
        .fold(group, |group, method| group.route(Route::new(method, "/any-method", echo).public()))
        .route(Route::get("/admin", async || "admin").roles(["admin"]))
        .route(Route::post("/admin-echo", echo).roles(["admin"]))
        .route(Route::get("/optional", optional).optional_auth())
        .route(Route::get("/whoami", async |user: AuthenticatedUser| {
            Json(json!({ "id": user.id, "roles": user.roles }))
        }))
        .route(Route::get("/panic", panic))
        .route(Route::get("/error", error))
        .route(Route::get("/slow", slow))
        .route(Route::post("/echo", echo).public())
        .route(Route::post("/upload", upload).public())
        .route(Route::put("/none", async || "none").public())
        .route(Route::delete("/none", async || "none").public())
        .route(Route::get("/params/{id}", async |Path(id): Path<String>| Json(json!({ "id": id }))).public())
        .route(Route::get("/files/{*rest}", async |Path(rest): Path<String>| Json(json!({ "rest": rest }))).public())
        .route(Route::get("/query", query).public())
        .route(Route::get("/headers", headers).public())
        .route(Route::get("/client", client).public())
        .route(Route::get("/set-cookies", set_cookies).public())
        .route(Route::get("/panic-stream", panic_stream).public())
        .route(Route::get("/stream-error", stream_error).public())
        .route(Route::get("/stream-headers", stream_headers).public())
        .route(Route::get("/fails/{code}", fails).public())
        .route(Route::get("/header", header).public())
        .route(Route::get("/many", many).public())
        .route(Route::post("/unsafe", async || "done").public())
}

async fn optional(user: Option<AuthenticatedUser>) -> Json<Value> {
    Json(json!({ "user": user.map(|user| user.id) }))
}

async fn echo(body: Option<Json<Value>>) -> Json<Value> {
    Json(json!({ "body": body.map(|Json(body)| body) }))
}

async fn panic(_: &mut Context) -> &'static str {
    panic!("secret db password=hunter2")
}

async fn error() -> Result<(), Error> {
    Err(Error::internal("secret db password=hunter2"))
}

async fn slow() -> &'static str {
    tokio::time::sleep(Duration::from_secs(5)).await;
    "late"
}

async fn upload(body: bytes::Bytes) -> Json<Value> {
    Json(json!({ "bytes": body.len() }))
}

async fn query(ctx: &mut Context) -> Json<Value> {
    let mut all: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for (name, value) in ctx.query_pairs() {
        all.entry(name).or_default().push(value);
    }
    let last: BTreeMap<_, _> = all.iter().map(|(name, values)| (name.clone(), values.last().cloned())).collect();
    Json(json!({ "last": last, "all": all }))
}

/// The `x-test` headers as the handler sees them: by name, the lines of a name in order.
async fn headers(ctx: &mut Context) -> Json<Value> {
    let mut seen: Vec<_> = ctx.headers().iter().filter(|(name, _)| name.as_str().starts_with("x-test")).collect();
    seen.sort_by_key(|(name, _)| name.as_str());
    let line =
        |(name, value): (&HeaderName, &HeaderValue)| json!([name.as_str(), String::from_utf8_lossy(value.as_bytes())]);
    Json(seen.into_iter().map(line).collect())
}

/// Who the client is, how it reached the server, and which of the headers that tell so the handler sees.
async fn client(ctx: &mut Context) -> Json<Value> {
    let is_one = |name: &str| name.contains("forwarded") || name.ends_with("-ip");
    let mut seen: Vec<_> = ctx.headers().keys().map(HeaderName::as_str).filter(|name| is_one(name)).collect();
    seen.sort_unstable();
    let (address, host, headers) = (ctx.client_address(), ctx.host(), ctx.headers());
    let own = headers.get(http::header::HOST).and_then(|value| value.to_str().ok());
    let (is_peer, is_own_host) = (address == ctx.conn().peer_address(), host == own);
    // The peer's own address and port are others at each server.
    Json(json!({
        "address": if is_peer { json!("peer") } else { json!(address) },
        "isPeer": is_peer,
        "https": ctx.is_https(),
        "host": if is_own_host { json!("own") } else { json!(host) },
        "isOwnHost": is_own_host,
        "headers": seen,
    }))
}

async fn set_cookies() -> Result<Reply, Error> {
    Ok(Reply::data("cookies")?
        .with_header(http::header::SET_COOKIE, HeaderValue::from_static("a=1"))
        .with_header(http::header::SET_COOKIE, HeaderValue::from_static("b=2")))
}

async fn panic_stream() -> EventStream {
    Box::pin(futures_util::stream::iter(0..3).map(|n| {
        assert!(n < 2, "secret db password=hunter2");
        Ok(StreamEvent::text(format!("event {n}")))
    }))
}

async fn stream_error() -> EventStream {
    let events =
        [Ok(StreamEvent::text("event 0")), Err(Error::internal("provider key sk-123 invalid, password=hunter2"))];
    Box::pin(futures_util::stream::iter(events))
}

async fn stream_headers() -> Result<Reply, Error> {
    let events = Box::pin(futures_util::stream::iter([Ok(StreamEvent::text("event 0"))]));
    Ok(Reply::events(events).with_header(HeaderName::from_static("x-custom"), HeaderValue::from_static("mine")))
}

/// An error of the application's own choice, with a header.
async fn fails(Path(name): Path<String>) -> Result<(), Error> {
    let code = Code::ALL.iter().find(|code| code.as_str() == name);
    let code = code.ok_or_else(|| Error::not_found("No such code"))?;
    Err(Error::new(*code)
        .with_message("told by the handler")
        .with_header(HeaderName::from_static("x-custom"), HeaderValue::from_static("mine")))
}

/// A header made of what the client sent.
async fn header(ctx: &mut Context) -> Result<Reply, Error> {
    let value = ctx.query("value").unwrap_or_default();
    let value = HeaderValue::from_str(&value).map_err(Error::internal)?;
    Ok(Reply::data("header")?.with_header(HeaderName::from_static("x-custom"), value))
}

async fn many() -> Result<Reply, Error> {
    Ok(Reply::data("many")?
        .with_header(HeaderName::from_static("x-custom"), HeaderValue::from_static("mine"))
        .with_header(http::header::X_FRAME_OPTIONS, HeaderValue::from_static("SAMEORIGIN")))
}
