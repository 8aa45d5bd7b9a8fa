//! Every conformance case against warp's own filters, with the app mounted beside a native route.

#[path = "../kit/native.rs"]
mod native;

use std::io;
use std::net::TcpListener;
use std::process::ExitCode;

use neurolink_conformance::{reference, run_cli};
use neurolink_core::App;
use neurolink_warp::{DIVERGENCES, Warp, filter};
use warp::reply::Reply;
use warp::{Filter, Rejection};

fn host(app: App) -> impl Filter<Extract = (impl Reply,), Error = Rejection> + Clone + Send + Sync + 'static {
    let native = warp::path!("native" / "hello").and(warp::get()).map(|| "hello from warp");
    filter(app).or(native)
}

async fn warp_serve(app: App, listener: TcpListener) -> io::Result<()> {
    let listener = tokio::net::TcpListener::from_std(listener)?;
    warp::serve(host(app)).incoming(listener).run().await;
    Ok(())
}

fn main() -> ExitCode {
    let subject = reference::Served::by(Warp::new().host(host)).own_server(warp_serve).native_server(native::serve);
    run_cli(subject, DIVERGENCES)
}
