//! A limit by a function of the application, with a path that is left out.

use std::sync::Arc;
use std::time::Duration;

use neurolink_core::middleware::{Key, RateLimit};
use neurolink_core::stack::IntoRegistration as _;
use neurolink_core::{AppBuilder, Context, Route, RouteGroup};

fn tenant(ctx: &Context) -> Option<String> {
    ctx.headers().get("x-test-tenant")?.to_str().ok().map(str::to_owned)
}

/// `GET /api/test/keyed/one` and `two`: two in 60 s from an address with the same `x-test-tenant`; without it, and for
/// `/api/test/keyed/free`, nothing counts.
pub(crate) fn with_keyed_limit(builder: AppBuilder) -> AppBuilder {
    let key = Key::Address.and(Key::Custom(Arc::new(tenant)));
    let limit = RateLimit::fixed_window(2, Duration::from_secs(60)).by(key);
    let limit = limit.only(["/api/test/keyed/*"]).except(["/api/test/keyed/free"]).named("by-tenant");
    let group = ["/one", "/two", "/free"].into_iter().fold(RouteGroup::new("/api/test/keyed"), |group, path| {
        group.route(Route::get(path, async || "passed").public())
    });
    builder.middleware(limit).group(group)
}
