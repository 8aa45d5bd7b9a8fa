//! The stack around the filters of a warp application, and what it found out in them.
//!
//! `cargo run --example protect_warp --features warp`, then
//! `curl -H 'Authorization: Bearer a-token-of-at-least-128-bits' http://127.0.0.1:3000/me`

use neurolink::middleware::{BearerAuth, StaticToken};
use neurolink::server::Shutdown;
use neurolink::warp::{fact, protect};
use neurolink::{AuthenticatedUser, ConnInfo, Stack};
use neurolink_serve::{ServeConfig, serve};
use tower::ServiceExt as _;
use warp::Filter as _;

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let user = StaticToken::new("a-token-of-at-least-128-bits", AuthenticatedUser::new("u1"));
    let stack = Stack::builder().with(BearerAuth::tokens([user])).public(["/open"]).build()?;
    let me = warp::path!("me").and(fact()).map(|user: AuthenticatedUser| user.id);
    // A service, not a filter: the stack stands outside of warp, whose filters hand no facts to those inside of them.
    let host = protect(stack, me.or(warp::path!("open").map(|| "open")))?;

    let address = std::env::var("LISTEN").unwrap_or_else(|_| "127.0.0.1:3000".into());
    let listener = std::net::TcpListener::bind(address)?;
    println!("listening on http://{}", listener.local_addr()?);
    let (_stop, shutdown) = Shutdown::new();
    let service = move |conn: ConnInfo| {
        host.clone().map_request(move |mut request: http::Request<_>| {
            request.extensions_mut().insert(conn);
            request
        })
    };
    Ok(serve(listener, ServeConfig::default(), shutdown, service).await?)
}
