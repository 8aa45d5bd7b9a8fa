//! Three ways to write a middleware: a hook, a type, a function.
//!
//! `cargo run --example write_middleware`, then `curl -i -H 'X-Tenant: t1' http://127.0.0.1:3000/api/tenant`

use async_trait::async_trait;
use http::HeaderValue;
use neurolink::routes::OfflineEngine;
use neurolink::stack::IntoRegistration as _;
use neurolink::{Context, Error, Hook, Middleware, Next, Response, Route, create_server, from_fn, order};

/// A hook needs no future: a step before, a step after. Neighbouring hooks run as one step.
struct Served;

impl Hook for Served {
    fn name(&self) -> &str {
        "served"
    }

    fn after(&self, _ctx: &Context, response: &mut Response) {
        response.headers_mut().insert("x-served-by", HeaderValue::from_static("example"));
    }
}

/// A fact that a middleware adds and handlers read.
#[derive(Clone)]
struct Tenant(String);

/// A middleware may wait, and answer by itself: an error becomes its response, with everything from further outside.
struct Tenants;

#[async_trait]
impl Middleware for Tenants {
    fn name(&self) -> &str {
        "tenants"
    }

    fn order(&self) -> i16 {
        order::VALIDATION
    }

    async fn handle(&self, ctx: &mut Context, next: Next<'_>) -> Result<Response, Error> {
        let tenant = ctx.headers().get("x-tenant").and_then(|value| value.to_str().ok());
        let tenant = Tenant(tenant.ok_or_else(|| Error::bad_request("Name your tenant in X-Tenant"))?.to_owned());
        ctx.insert(tenant);
        Ok(next.run(ctx).await)
    }
}

/// A function is enough where there is nothing to keep.
async fn tell(ctx: &mut Context, next: Next<'_>) -> Result<Response, Error> {
    let response = next.run(ctx).await; // never fails: an error inside is a response here
    eprintln!("{} {} {}", ctx.method(), ctx.path(), response.status());
    Ok(response)
}

async fn tenant(ctx: &mut Context) -> Result<String, Error> {
    let tenant = ctx.fact::<Tenant>().ok_or_else(|| Error::internal("`tenants` does not cover this route"))?;
    Ok(tenant.0.clone())
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let server = create_server(OfflineEngine::new())
        .middleware(Served.at(order::HEADERS))
        .middleware(Tenants.only(["/api/tenant"]))
        .middleware(from_fn("tell", tell))
        .route(Route::get("/api/tenant", tenant))
        .bind(std::env::var("LISTEN").unwrap_or_else(|_| "127.0.0.1:3000".into()))
        .build()?;
    server.initialize()?;
    println!("listening on http://{}", server.start().await?);
    Ok(server.wait().await?)
}
