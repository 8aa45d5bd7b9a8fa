//! Routes whose objects belong to somebody, and policies that know to whom.

use async_trait::async_trait;
use http::Method;
use neurolink_core::middleware::RequirePolicy;
use neurolink_core::policy::{Decision, Policy, policy_fn};
use neurolink_core::{AppBuilder, Context, Error, Json, Path, Registration, Route, RouteGroup};
use serde_json::{Value, json};

/// Objects that bear the id of their user; those of others are not there.
fn own() -> impl Policy {
    policy_fn("own", |ctx: &Context| if is_own(ctx) { Decision::Allow } else { Decision::NotFound })
}

/// The same, but the others are there and forbidden. It thinks of GET alone.
fn owned() -> impl Policy {
    policy_fn("owned", |ctx: &Context| match *ctx.method() {
        Method::GET if !is_own(ctx) => Decision::Deny,
        _ => Decision::Allow,
    })
}

fn is_own(ctx: &Context) -> bool {
    matches!((ctx.user(), ctx.param("id")), (Some(user), Some(id)) if *id == *user.id)
}

/// Decides as the path says, or does not.
struct Moody;

#[async_trait]
impl Policy for Moody {
    fn name(&self) -> &str {
        "moody"
    }

    async fn decide(&self, ctx: &Context) -> Result<Decision, Error> {
        match ctx.param("id").as_deref() {
            Some("calm") => Ok(Decision::Allow),
            Some("down") => Err(Error::not_found("secret db password=hunter2 at 10.0.0.5 is down")),
            Some("panic") => panic!("secret db password=hunter2"),
            Some("late") => std::future::pending().await,
            _ => Ok(Decision::Deny),
        }
    }
}

async fn id(Path(id): Path<String>) -> Json<Value> {
    Json(json!({ "id": id }))
}

async fn echo(Path(_): Path<String>, body: Option<Json<Value>>) -> Json<Value> {
    Json(json!({ "body": body.map(|Json(body)| body) }))
}

/// The routes below `/api/test` that have policies.
pub(crate) fn with_policies(builder: AppBuilder) -> AppBuilder {
    let open = policy_fn("open-shelf", |ctx: &Context| match ctx.param("shelf").as_deref() {
        Some("closed") => Decision::Deny,
        _ => Decision::Allow,
    });
    let shelf = RouteGroup::new("/api/test/shelf")
        .roles(["user"])
        .policy(open)
        .route(Route::get("/{shelf}/{id}", async || "book").policy(own()))
        .route(Route::delete("/{shelf}/{id}", async || "gone").policy(own()).roles(["admin"]));
    let notes = RouteGroup::new("/api/test/notes")
        .route(Route::get("/any", async || "note").any_permission(["notes:read", "notes:write"]))
        .route(Route::get("/all", async || "note").permissions(["notes:read", "notes:write"]))
        .route(Route::get("/any-role", async || "note").roles(["admin", "auditor"]))
        .route(Route::get("/all-roles", async || "note").all_roles(["admin", "user"]));
    builder
        .route(Route::get("/api/test/own/{id}", id).policy(own()))
        .route(Route::post("/api/test/own/{id}", echo).policy(own()))
        .route(Route::get("/api/test/owned/{id}", id).policy(owned()))
        .route(Route::get("/api/test/moody/{id}", id).policy(Moody))
        .group(shelf)
        .group(notes)
}

/// The policies of the routes that a host serves itself.
pub(crate) fn native_policies() -> [Registration; 3] {
    [
        RequirePolicy::on("/api/test/own/{id}", own()),
        RequirePolicy::on("/api/test/owned/{id}", owned()),
        RequirePolicy::on("/api/test/moody/{id}", Moody),
    ]
}
