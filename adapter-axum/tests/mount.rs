//! The app beside native routes, over a real socket.

use std::net::SocketAddr;
use std::time::Duration;

use axum::Router;
use axum::routing::get;
use neurolink_axum::{Axum, router};
use neurolink_core::engine::{Call, EventStream, Generate, Generation};
use neurolink_core::server::{Adapter as _, Phase, Shutdown, ShutdownHandle};
use neurolink_core::{App, Engine, Error, Path, Route};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

struct Quiet;

#[async_trait::async_trait]
impl Engine for Quiet {
    fn name(&self) -> &str {
        "quiet"
    }

    async fn generate(&self, request: Generate, _call: &Call) -> Result<Generation, Error> {
        Ok(Generation::new(request.input.text, "quiet", "quiet-1"))
    }

    async fn stream(&self, _request: Generate, _call: &Call) -> Result<EventStream, Error> {
        Ok(Box::pin(futures_util::stream::pending()))
    }
}

fn app() -> App {
    App::builder(Quiet)
        .route(Route::get("/api/echo/{x}", async |Path(x): Path<String>| x))
        .route(Route::get("/api/peer", async |ctx: &mut neurolink_core::Context| {
            let known = ctx.peer().is_some();
            format!("{known}")
        }))
        .build()
        .expect("valid")
}

async fn send(address: SocketAddr, request: &str) -> String {
    let mut stream = TcpStream::connect(address).await.expect("connects");
    stream.write_all(request.as_bytes()).await.expect("sends");
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).await.expect("answers");
    String::from_utf8_lossy(&answer).into_owned()
}

async fn get_path(address: SocketAddr, path: &str) -> String {
    send(address, &format!("GET {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")).await
}

fn own_server(axum: &Axum) -> (SocketAddr, ShutdownHandle, tokio::task::JoinHandle<()>) {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = listener.local_addr().expect("an address");
    let (handle, shutdown) = Shutdown::new();
    let serving = axum.serve(app(), listener, shutdown);
    (address, handle, tokio::spawn(async move { serving.await.expect("serves") }))
}

#[tokio::test]
async fn what_is_not_below_the_base_path_stays_the_hosts() {
    let host = Router::new()
        .route("/native/hello", get(|| async { "native" }))
        .fallback(|| async { (axum::http::StatusCode::NOT_FOUND, "the host's 404") })
        .merge(router(app()));
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let address = listener.local_addr().expect("an address");
    let server = tokio::spawn(async move {
        axum::serve(listener, host.into_make_service_with_connect_info::<SocketAddr>()).await.expect("serves");
    });
    assert!(get_path(address, "/native/hello").await.ends_with("native"));
    assert!(get_path(address, "/nope").await.ends_with("the host's 404"));
    assert!(get_path(address, "/apix").await.ends_with("the host's 404"));
    assert!(get_path(address, "/api/echo/a%2Fb").await.contains("{\"data\":\"a/b\""));
    assert!(get_path(address, "/api/peer").await.contains("{\"data\":\"true\""));
    for ours in ["/api", "/api/", "/api/nope", "/api//x"] {
        assert!(get_path(address, ours).await.contains("\"code\":\"NOT_FOUND\""), "{ours}");
    }
    server.abort();
}

#[tokio::test]
async fn a_nested_router_still_sees_the_whole_path() {
    let app = App::builder(Quiet)
        .configure(|settings| settings.base_path = "/outer/api".into())
        .route(Route::get("/outer/api/x", async || "x"))
        .build()
        .expect("valid");
    let host = Router::<()>::new().nest_service("/outer", neurolink_axum::Mount::new(app));
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let address = listener.local_addr().expect("an address");
    let server = tokio::spawn(async move { axum::serve(listener, host).await.expect("serves") });
    assert!(get_path(address, "/outer/api/x").await.contains("{\"data\":\"x\""));
    server.abort();
}

#[tokio::test]
async fn the_own_server_gives_every_other_path_to_the_app_and_stops() {
    let axum = Axum::new().configure(|router| router.route("/native/hello", get(|| async { "native" })));
    let (address, handle, serving) = own_server(&axum);
    assert!(get_path(address, "/native/hello").await.ends_with("native"));
    assert!(get_path(address, "/nope").await.contains("\"code\":\"NOT_FOUND\""));
    assert!(get_path(address, "/api/peer").await.contains("{\"data\":\"true\""));
    handle.advance(Phase::Draining);
    tokio::time::timeout(Duration::from_millis(500), serving).await.expect("ends at once").expect("ends well");
}
