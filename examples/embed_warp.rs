//! The app beside the filters of a warp application.
//!
//! `cargo run --example embed_warp --features warp`, then `curl http://127.0.0.1:3000/mine http://127.0.0.1:3000/api/health`

use neurolink::App;
use neurolink::routes::{OfflineEngine, WithRoutes as _};
use neurolink::warp::filter;
use warp::Filter as _;

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let app = App::builder(OfflineEngine::new()).all_routes().build()?;
    let host = filter(app).or(warp::path!("mine").map(|| "mine"));

    let address = std::env::var("LISTEN").unwrap_or_else(|_| "127.0.0.1:3000".into());
    let listener = tokio::net::TcpListener::bind(address).await?;
    println!("listening on http://{}", listener.local_addr()?);
    warp::serve(host).incoming(listener).run().await;
    Ok(())
}
