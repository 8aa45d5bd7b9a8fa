//! The reference routes as warp serves them itself, with a stack around them.

use std::io;
use std::net::TcpListener;
use std::time::Duration;

use bytes::Bytes;
use neurolink_core::server::Shutdown;
use neurolink_core::{AuthenticatedUser, ClientAddress, ConnInfo, Settings, Stack};
use neurolink_serve::ServeConfig;
use neurolink_warp::{fact, protect_with};
use serde_json::{Value, json};
use tower::ServiceExt as _;
use warp::http::StatusCode;
use warp::path::Tail;
use warp::reply::{self, Reply};
use warp::{Filter, Rejection};

/// By the loop of `neurolink-serve`, for what `protect` makes is a service and no filter.
pub(crate) async fn serve(stack: Stack, settings: Settings, listener: TcpListener) -> io::Result<()> {
    let service = protect_with(stack, settings, routes()).map_err(io::Error::other)?;
    let (_running, shutdown) = Shutdown::new();
    let make = move |conn: ConnInfo| {
        service.clone().map_request(move |mut request: http::Request<hyper::body::Incoming>| {
            request.extensions_mut().insert(conn);
            request
        })
    };
    neurolink_serve::serve(listener, ServeConfig::default(), shutdown, make).await.map_err(io::Error::other)
}

fn data(data: Value) -> reply::Json {
    reply::json(&Value::from_iter([("data", data)]))
}

/// GET and, as warp does not by itself, HEAD.
fn get() -> impl Filter<Extract = (), Error = Rejection> + Copy {
    warp::get().or(warp::head()).unify()
}

fn routes() -> impl Filter<Extract = (impl Reply,), Error = Rejection> + Clone + Send + Sync + 'static {
    let health = warp::path!("api" / "health").and(get()).map(|| data(json!({ "status": "ok" })));
    let live = warp::path!("api" / "health" / "live").and(get()).map(|| data(json!({ "status": "alive" })));
    let startup = warp::path!("api" / "health" / "startup").and(get()).map(|| data(json!({ "started": true })));
    health.or(live).or(startup).or(warp::path!("api" / "test" / ..).and(read().or(written())))
}

fn read() -> impl Filter<Extract = (impl Reply,), Error = Rejection> + Clone + Send + Sync + 'static {
    let whoami = warp::path!("whoami").and(get()).and(fact());
    let whoami = whoami.map(|user: AuthenticatedUser| data(json!({ "id": user.id, "roles": user.roles })));
    let admin = warp::path!("admin").and(get()).map(|| data(json!("admin")));
    let panic = warp::path!("panic").and(get()).map(|| -> &'static str { panic!("secret db password=hunter2") });
    let error = warp::path!("error").and(get()).map(|| StatusCode::INTERNAL_SERVER_ERROR);
    let slow = warp::path!("slow").and(get()).then(|| async {
        tokio::time::sleep(Duration::from_secs(5)).await;
        "late"
    });
    let params = warp::path!("params" / String).or(warp::path!("own" / String)).unify();
    let params = params.or(warp::path!("owned" / String)).unify().or(warp::path!("moody" / String)).unify();
    let params = params.and(get()).map(|id: String| data(json!({ "id": id })));
    let files = warp::path!("files" / ..).and(warp::path::tail()).and(get());
    let files = files.map(|rest: Tail| data(json!({ "rest": rest.as_str() })));
    let query = warp::path!("query").and(get()).map(|| data(json!("query")));
    let cookies = warp::path!("set-cookies").and(get()).map(|| {
        let mut answer = "cookies".into_response();
        for cookie in ["a=1", "b=2"] {
            answer.headers_mut().append("set-cookie", http::HeaderValue::from_static(cookie));
        }
        answer
    });
    let client = warp::path!("client").and(get()).and(fact());
    let client = client.map(|ClientAddress(address): ClientAddress| data(json!({ "address": address })));
    let many = warp::path!("many").and(get()).map(|| {
        let own = reply::with_header(data(json!("many")), "x-custom", "mine");
        reply::with_header(own, "x-frame-options", "SAMEORIGIN")
    });
    whoami.or(admin).or(panic).or(error).or(slow).or(params).or(files).or(query).or(cookies).or(client).or(many)
}

fn written() -> impl Filter<Extract = (impl Reply,), Error = Rejection> + Clone + Send + Sync + 'static {
    let own = warp::path!("own" / String).map(|_| ()).untuple_one();
    let echo = warp::path!("admin-echo").or(warp::path!("echo")).unify().or(own).unify();
    let echo = echo.and(warp::post()).and(warp::body::bytes()).map(|body: Bytes| body.to_vec());
    echo.or(warp::path!("unsafe").and(warp::post()).map(|| data(json!("done"))))
}
