//! Limits that refuse as other systems do.

use std::time::Duration;

use neurolink_core::middleware::{RateLimit, RefusalBody};
use neurolink_core::{AppBuilder, Route};

const HOUR: Duration = Duration::from_secs(3600);

/// `GET /api/test/refused/express`, `slowapi` and `text`: two in an hour from an address, and the body of each.
///
/// `POST /api/test/register` as Keryx limits it: five in an hour.
pub(crate) fn with_refusals(builder: AppBuilder) -> AppBuilder {
    let two = |body| RateLimit::fixed_window(2, HOUR).message("Too many requests from this IP").body_as(body);
    let bodies = [("express", RefusalBody::Express), ("slowapi", RefusalBody::Slowapi), ("text", RefusalBody::Text)];
    let register = RateLimit::fixed_window(5, HOUR).body_as(RefusalBody::Express);
    let register = Route::post("/api/test/register", async || "registered").public().rate_limit(register);
    bodies.into_iter().fold(builder.route(register), |builder, (name, body)| {
        let route = Route::get(format!("/api/test/refused/{name}"), async || "passed");
        builder.route(route.public().rate_limit(two(body)))
    })
}
