//! The stack around the routes of an axum application, and what it found out in their handlers.
//!
//! `cargo run --example protect_axum`, then
//! `curl -H 'Authorization: Bearer a-token-of-at-least-128-bits' http://127.0.0.1:3000/me`

use axum::{Router, ServiceExt, extract::Request, routing::get};
use neurolink::axum::{Connection, Fact, layer};
use neurolink::middleware::{BearerAuth, StaticToken};
use neurolink::{AuthenticatedUser, Stack};
use tower_layer::Layer as _;

async fn me(Fact(user): Fact<AuthenticatedUser>) -> String {
    user.id
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let user = StaticToken::new("a-token-of-at-least-128-bits", AuthenticatedUser::new("u1"));
    let stack = Stack::builder().with(BearerAuth::tokens([user])).public(["/open"]).build()?;
    let router = Router::new().route("/me", get(me)).route("/open", get(async || "open"));
    // Around the whole router: its 404 is behind the stack too.
    let host = layer(stack)?.layer(router);

    let address = std::env::var("LISTEN").unwrap_or_else(|_| "127.0.0.1:3000".into());
    let listener = tokio::net::TcpListener::bind(address).await?;
    println!("listening on http://{}", listener.local_addr()?);
    let service = ServiceExt::<Request>::into_make_service_with_connect_info::<Connection>(host);
    Ok(axum::serve(listener, service).await?)
}
