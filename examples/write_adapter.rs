//! A fifth framework, plain hyper: its whole adapter is the module, and `docs/write-an-adapter.md` goes through it.
//!
//! `cargo run --example write_adapter`

#[path = "../conformance-tests/src/hyper_adapter.rs"]
mod hyper_adapter;

use hyper_adapter::Hyper;
use neurolink::{create_server, routes::OfflineEngine};

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let address = std::env::var("LISTEN").unwrap_or_else(|_| "127.0.0.1:3000".into());
    let server = create_server(OfflineEngine::new()).adapter(Hyper::new()).bind(address).build()?;
    server.initialize()?;
    println!("listening on http://{}", server.start().await?);
    Ok(server.wait().await?)
}
