//! The app beside the routes of an actix-web application.
//!
//! `cargo run --example embed_actix --features actix`, then `curl http://127.0.0.1:3000/mine http://127.0.0.1:3000/api/health`

use actix_web::{App, HttpServer, web};
use neurolink::actix::{configure, on_connect};
use neurolink::routes::{OfflineEngine, WithRoutes as _};

#[actix_web::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    // Outside of the factory, so that all workers share it.
    let app = neurolink::App::builder(OfflineEngine::new()).all_routes().build()?;
    let host = move || App::new().route("/mine", web::get().to(async || "mine")).configure(configure(app.clone()));

    let address = std::env::var("LISTEN").unwrap_or_else(|_| "127.0.0.1:3000".into());
    let server = HttpServer::new(host).on_connect(on_connect).bind(address)?;
    println!("listening on http://{}", server.addrs()[0]);
    Ok(server.run().await?)
}
