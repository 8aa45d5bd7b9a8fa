//! The stack around the routes of a poem application, and what it found out in their handlers.
//!
//! `cargo run --example protect_poem --features poem`, then
//! `curl -H 'Authorization: Bearer a-token-of-at-least-128-bits' http://127.0.0.1:3000/me`

use neurolink::middleware::{BearerAuth, StaticToken};
use neurolink::poem::{Fact, middleware};
use neurolink::{AuthenticatedUser, Stack};
use poem::listener::TcpAcceptor;
use poem::{EndpointExt as _, Route, Server, get, handler};

#[handler]
fn me(Fact(user): Fact<AuthenticatedUser>) -> String {
    user.id
}

#[handler]
fn open() -> &'static str {
    "open"
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let user = StaticToken::new("a-token-of-at-least-128-bits", AuthenticatedUser::new("u1"));
    let stack = Stack::builder().with(BearerAuth::tokens([user])).public(["/open"]).build()?;
    let host = Route::new().at("/me", get(me)).at("/open", get(open)).with(middleware(stack)?);

    let address = std::env::var("LISTEN").unwrap_or_else(|_| "127.0.0.1:3000".into());
    let listener = tokio::net::TcpListener::bind(address).await?;
    println!("listening on http://{}", listener.local_addr()?);
    Ok(Server::new_with_acceptor(TcpAcceptor::from_tokio(listener)?).run(host).await?)
}
