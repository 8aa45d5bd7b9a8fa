//! Each framework by itself, as its documentation shows it.

use std::convert::Infallible;
use std::net::TcpListener;

use bytes::Bytes;
use futures_util::Stream;
use serde_json::{Value, json};

use crate::{Failure, runtime};

const EVENTS: usize = 50;

pub(crate) fn serve(framework: &str, listener: TcpListener) -> Result<(), Failure> {
    listener.set_nonblocking(true)?;
    match framework {
        "axum" => axum(listener),
        "actix" => actix(listener),
        "warp" => warp(listener),
        "poem" => poem(listener),
        other => Err(format!("`{other}` is no framework").into()),
    }
}

fn health() -> Value {
    json!({ "data": { "status": "ok" }, "metadata": { "requestId": "r", "timestamp": "t", "duration": 0 } })
}

/// What the handler makes of a parsed request.
fn answer(request: &Value) -> Value {
    let words = request["input"]["text"].as_str().unwrap_or_default().split(' ').count();
    json!({ "data": { "content": request["input"]["text"], "usage": { "input": words, "output": words } } })
}

fn events() -> impl Stream<Item = Result<Bytes, Infallible>> + Send + Sync + 'static {
    async_stream::stream! {
        for n in 0..EVENTS {
            let event = json!({ "type": "text", "content": format!("chunk {n} "), "timestamp": 0 });
            yield Ok(Bytes::from(format!("data: {event}\n\n")));
        }
        yield Ok(Bytes::from_static(b"data: [DONE]\n\n"));
    }
}

fn axum(listener: TcpListener) -> Result<(), Failure> {
    use axum::routing::{get, post};
    use axum::{Json, Router, body::Body};
    let router = Router::new()
        .route("/api/health", get(|| async { Json(health()) }))
        .route("/api/agent/execute", post(|Json(request): Json<Value>| async move { Json(answer(&request)) }))
        .route(
            "/api/agent/stream",
            post(|Json(_): Json<Value>| async {
                ([("content-type", "text/event-stream")], Body::from_stream(events()))
            }),
        );
    runtime()?.block_on(async move {
        axum::serve(tokio::net::TcpListener::from_std(listener)?, router).await?;
        Ok(())
    })
}

fn actix(listener: TcpListener) -> Result<(), Failure> {
    use actix_web::{App, HttpResponse, HttpServer, web};
    let server = HttpServer::new(|| {
        App::new()
            .route("/api/health", web::get().to(|| async { HttpResponse::Ok().json(health()) }))
            .route(
                "/api/agent/execute",
                web::post().to(|request: web::Json<Value>| async move { HttpResponse::Ok().json(answer(&request)) }),
            )
            .route(
                "/api/agent/stream",
                web::post().to(|_: web::Json<Value>| async {
                    HttpResponse::Ok().content_type("text/event-stream").streaming(events())
                }),
            )
    })
    .workers(1)
    .listen(listener)?
    .run();
    actix_web::rt::System::new().block_on(server)?;
    Ok(())
}

fn warp(listener: TcpListener) -> Result<(), Failure> {
    use warp::{Filter, Reply as _};
    let health = warp::get().and(warp::path!("api" / "health")).map(|| warp::reply::json(&health()));
    let execute = warp::post()
        .and(warp::path!("api" / "agent" / "execute"))
        .and(warp::body::json())
        .map(|request: Value| warp::reply::json(&answer(&request)));
    let stream = warp::post().and(warp::path!("api" / "agent" / "stream")).and(warp::body::json()).map(|_: Value| {
        warp::reply::with_header(warp::reply::stream(events()), "content-type", "text/event-stream").into_response()
    });
    runtime()?.block_on(async move {
        let listener = tokio::net::TcpListener::from_std(listener)?;
        warp::serve(health.or(execute).or(stream)).incoming(listener).run().await;
        Ok(())
    })
}

fn poem(listener: TcpListener) -> Result<(), Failure> {
    use poem::listener::TcpAcceptor;
    use poem::web::Json;
    use poem::{Body, Route, Server, get, handler, post};
    #[handler]
    async fn health_endpoint() -> Json<Value> {
        Json(health())
    }
    #[handler]
    async fn execute(Json(request): Json<Value>) -> Json<Value> {
        Json(answer(&request))
    }
    #[handler]
    async fn stream(Json(_): Json<Value>) -> poem::Response {
        use futures_util::StreamExt as _;
        let bytes = events().map(|event| event.map_err(|never| match never {}));
        let bytes: std::pin::Pin<Box<dyn Stream<Item = Result<Bytes, std::io::Error>> + Send>> = Box::pin(bytes);
        poem::Response::builder().content_type("text/event-stream").body(Body::from_bytes_stream(bytes))
    }
    let route = Route::new()
        .at("/api/health", get(health_endpoint))
        .at("/api/agent/execute", post(execute))
        .at("/api/agent/stream", post(stream));
    runtime()?.block_on(async move {
        Server::new_with_acceptor(TcpAcceptor::from_std(listener)?).run(route).await?;
        Ok(())
    })
}
