//! One app on four frameworks in one process: the same answers.
//!
//! `cargo run --example four_frameworks --features all-frameworks`, then ask each of the addresses for `/api/hello`

use neurolink::routes::{OfflineEngine, WithRoutes as _};
use neurolink::{App, Framework, Route, Server, WithFramework as _};

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let app = App::builder(OfflineEngine::new())
        .all_routes()
        .route(Route::get("/api/hello", async || "hello").public())
        .build()?;
    let mut servers = Vec::new();
    for framework in Framework::ALL {
        let server = Server::builder(app.clone()).framework(framework).bind("127.0.0.1:0").build()?;
        server.initialize()?;
        println!("{framework} is listening on http://{}", server.start().await?);
        servers.push(server);
    }
    for server in servers {
        server.wait().await?; // SIGTERM drains
    }
    Ok(())
}
