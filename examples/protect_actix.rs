//! The stack around the routes of an actix-web application, and what it found out in their handlers.
//!
//! `cargo run --example protect_actix --features actix`, then
//! `curl -H 'Authorization: Bearer a-token-of-at-least-128-bits' http://127.0.0.1:3000/me`

use actix_web::{App, HttpServer, web};
use neurolink::actix::{Fact, on_connect, transform};
use neurolink::middleware::{BearerAuth, StaticToken};
use neurolink::{AuthenticatedUser, Stack};

async fn me(Fact(user): Fact<AuthenticatedUser>) -> String {
    user.id
}

#[actix_web::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let user = StaticToken::new("a-token-of-at-least-128-bits", AuthenticatedUser::new("u1"));
    let stack = Stack::builder().with(BearerAuth::tokens([user])).public(["/open"]).build()?;
    // Outside of the factory, so that all workers share it.
    let around = transform(stack)?;
    let host = move || {
        let app = App::new().route("/me", web::get().to(me)).route("/open", web::get().to(async || "open"));
        app.wrap(around.clone())
    };

    let address = std::env::var("LISTEN").unwrap_or_else(|_| "127.0.0.1:3000".into());
    let server = HttpServer::new(host).on_connect(on_connect).bind(address)?;
    println!("listening on http://{}", server.addrs()[0]);
    Ok(server.run().await?)
}
