//! The app beside the routes of an axum application.
//!
//! `cargo run --example embed_axum`, then `curl http://127.0.0.1:3000/mine http://127.0.0.1:3000/api/health`

use axum::{Router, routing::get};
use neurolink::App;
use neurolink::axum::{Connection, router};
use neurolink::routes::{OfflineEngine, WithRoutes as _};

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let app = App::builder(OfflineEngine::new()).all_routes().build()?;
    let host = Router::new().route("/mine", get(async || "mine")).merge(router(app));

    let address = std::env::var("LISTEN").unwrap_or_else(|_| "127.0.0.1:3000".into());
    let listener = tokio::net::TcpListener::bind(address).await?;
    println!("listening on http://{}", listener.local_addr()?);
    Ok(axum::serve(listener, host.into_make_service_with_connect_info::<Connection>()).await?)
}
