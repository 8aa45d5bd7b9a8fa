//! Middleware around routes of its own, whose answers tell what ran, when, and for which paths.

use std::sync::Arc;

use http::{HeaderName, HeaderValue, StatusCode};
use neurolink_core::stack::{IntoRegistration as _, Registration, order};
use neurolink_core::{
    AppBuilder, Body, Context, Error, Next, Reply, Response, Route, RouteGroup, from_fn, from_fn_with,
};

/// A line of it on a request names a middleware that has begun; on an answer, what was done there in turn.
const LAYER: HeaderName = HeaderName::from_static("x-test-layer");
/// The path that a middleware saw.
const PATH: HeaderName = HeaderName::from_static("x-test-path");
const BELOW: &str = "/api/test/layers/*";

struct Name(&'static str);

/// Writes its name on the request, and on the answer that it gets its name and the status that it sees.
async fn mark(name: Arc<Name>, ctx: &mut Context, next: Next<'_>) -> Result<Response, Error> {
    ctx.headers_mut().append(LAYER, HeaderValue::from_static(name.0));
    let mut response = next.run(ctx).await;
    let seen = HeaderValue::from_str(&format!("{} {}", name.0, response.status().as_u16())).map_err(Error::internal)?;
    response.headers_mut().append(LAYER, seen);
    Ok(response)
}

fn marking(name: &'static str) -> Registration {
    from_fn_with(name, Name(name), mark).into()
}

async fn answers(_: &mut Context, _: Next<'_>) -> Result<Response, Error> {
    let mut response = Response::new(Body::from("a middleware"));
    *response.status_mut() = StatusCode::ACCEPTED;
    Ok(response)
}

/// Tells which middleware has begun, and that it is done itself.
async fn trail(ctx: &mut Context) -> Result<Reply, Error> {
    let before: Vec<_> = ctx.headers().get_all(LAYER).iter().filter_map(|value| value.to_str().ok()).collect();
    Ok(Reply::data(&before)?.with_header(LAYER, HeaderValue::from_static("handler")))
}

/// Writes the path that it sees.
async fn path(ctx: &mut Context, next: Next<'_>) -> Result<Response, Error> {
    let seen = HeaderValue::from_str(ctx.path()).map_err(Error::internal)?;
    let mut response = next.run(ctx).await;
    response.headers_mut().insert(PATH, seen);
    Ok(response)
}

async fn fails() -> Result<(), Error> {
    Err(Error::internal("secret db password=hunter2"))
}

fn get(path: &str) -> Route {
    Route::get(path, trail).public()
}

/// Adds routes before and after the middleware around them, which stands in another order than it is added in.
pub(crate) fn with_layers(builder: AppBuilder) -> AppBuilder {
    builder
        .route(get("/api/test/layers/before"))
        .middleware(marking("late").at(order::APP).only([BELOW]))
        .middleware(marking("early").at(order::TRACE + 1).only([BELOW]))
        .middleware(from_fn("answers", answers).at(order::APP + 1).only(["/api/test/layers/closed"]))
        .middleware(
            from_fn("path", path)
                .only(["/api/test/scoped/*"])
                .except(["/api/test/scoped/free", "/api/test/scoped/free/*"]),
        )
        .route(get("/api/test/scoped/seen"))
        .route(get("/api/test/scoped/{id}/below"))
        .route(get("/api/test/scoped/free"))
        .route(get("/api/test/scoped/free/below"))
        .route(get("/api/test/layers"))
        .route(get("/api/test/layers/after"))
        .route(get("/api/test/layers/closed"))
        .route(Route::get("/api/test/layers/fails", fails).public())
        .route(get("/api/test/layersfoo"))
        .group(RouteGroup::new("/api/test/grouped").route(get("/one")).middleware(marking("group")))
        .route(get("/api/test/groupedfoo"))
}
