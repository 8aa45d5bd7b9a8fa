//! The app beside the routes of a poem application.
//!
//! `cargo run --example embed_poem --features poem`, then `curl http://127.0.0.1:3000/mine http://127.0.0.1:3000/api/health`

use neurolink::App;
use neurolink::poem::mount;
use neurolink::routes::{OfflineEngine, WithRoutes as _};
use poem::listener::TcpAcceptor;
use poem::{Route, Server, get, handler};

#[handler]
fn mine() -> &'static str {
    "mine"
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let app = App::builder(OfflineEngine::new()).all_routes().build()?;
    let host = mount(Route::new().at("/mine", get(mine)), app);

    let address = std::env::var("LISTEN").unwrap_or_else(|_| "127.0.0.1:3000".into());
    let listener = tokio::net::TcpListener::bind(address).await?;
    println!("listening on http://{}", listener.local_addr()?);
    Ok(Server::new_with_acceptor(TcpAcceptor::from_tokio(listener)?).run(host).await?)
}
