//! What keeps a server from being built, and says so.

use neurolink_config::{Config, Origins};
use neurolink_core::{AppBuilder, Route};

use crate::function::{Ctx, Failure, ensure};

/// Any origin with credentials would let every site read authenticated answers.
pub(super) fn any_origin_with_credentials(ctx: &Ctx) -> Result<(), Failure> {
    let change = |config: &mut Config| {
        config.cors.origins = Origins::Any;
        config.cors.credentials = true;
    };
    refuses(ctx, "cors for any origin, with credentials", "any origin with credentials", &change, &|app| app)
}

/// One of two routes with one path and method would never be asked.
pub(super) fn route_twice(ctx: &Ctx) -> Result<(), Failure> {
    let change = |config: &mut Config| config.server.base_path = "/twice".into();
    let more = |app: AppBuilder| app.route(Route::post("/twice/agent/execute", async || "mine"));
    refuses(ctx, "a second POST of agent/execute below the base path", "this route is there twice", &change, &more)
}

/// Whether nothing is built, for this reason among others.
fn refuses(
    ctx: &Ctx,
    what: &str,
    reason: &str,
    config: &dyn Fn(&mut Config),
    app: &dyn Fn(AppBuilder) -> AppBuilder,
) -> Result<(), Failure> {
    let built = ctx.control()?.build(config, app);
    ctx.talk().sent(0, format!("build {what}").as_bytes());
    ctx.talk().came(0, format!("{built:?}"));
    ensure(built.is_err_and(|problem| problem.contains(reason)), || format!("expected a mistake: {reason}"))
}
