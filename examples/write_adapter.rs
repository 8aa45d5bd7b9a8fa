//! A fifth framework, plain hyper, beside a route of its own: `docs/write-an-adapter.md` writes this adapter.
//!
//! `cargo run --example write_adapter`

use neurolink::{create_server, routes::OfflineEngine};
use neurolink_conformance::hyper_adapter::Hyper;

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let address = std::env::var("LISTEN").unwrap_or_else(|_| "127.0.0.1:3000".into());
    let server = create_server(OfflineEngine::new()).adapter(Hyper::new()).bind(address).build()?;
    server.initialize()?;
    println!("listening on http://{}", server.start().await?);
    Ok(server.wait().await?)
}
