//! Each framework's own router, with the app mounted beside a native route: what the conformance cases ask.

use neurolink::{App, Framework};
use neurolink_conformance::{Subject, reference};

pub(crate) fn mounted(framework: Framework) -> Box<dyn Subject> {
    match framework {
        Framework::Axum => Box::new(reference::Served::by(neurolink::axum::Axum::new().host(axum_host))),
        Framework::Actix => Box::new(reference::Served::by(neurolink::actix::Actix::new().workers(2).host(actix_host))),
        Framework::Warp => Box::new(reference::Served::by(neurolink::warp::Warp::new().host(|app| {
            use warp::Filter as _;
            let native = warp::path!("native" / "hello").and(warp::get()).map(|| "hello from warp");
            neurolink::warp::filter(app).or(native)
        }))),
        Framework::Poem => Box::new(reference::Served::by(neurolink::poem::Poem::new().host(poem_host))),
        other => unreachable!("{other} has no host here"),
    }
}

fn axum_host(app: App) -> axum::Router {
    let native = axum::routing::get(|| async { "hello from axum" });
    axum::Router::new().route("/native/hello", native).merge(neurolink::axum::router(app))
}

fn actix_host(app: App, config: &mut actix_web::web::ServiceConfig) {
    config.route("/native/hello", actix_web::web::get().to(async || "hello from actix"));
    neurolink::actix::configure(app)(config);
}

fn poem_host(app: App) -> poem::Route {
    let native = poem::get(poem::endpoint::make_sync(|_| "hello from poem"));
    neurolink::poem::mount(poem::Route::new().at("/native/hello", native), app)
}
