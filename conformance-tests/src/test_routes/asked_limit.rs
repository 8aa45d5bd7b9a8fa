//! A limit that a handler asks.

use std::time::Duration;

use neurolink_core::middleware::{Limiter, RateLimit};
use neurolink_core::{AppBuilder, ConfigError, Context, Error, ResultExt as _, Route};

/// `GET /api/test/asked/{team}`: two of a team and an address in 60 s, by a limit that the handler asks; not for the team
/// `free`.
///
/// # Errors
/// The limit is wrong.
pub(crate) fn with_asked_limit(builder: AppBuilder) -> Result<AppBuilder, ConfigError> {
    let limiter = RateLimit::fixed_window(2, Duration::from_secs(60)).limiter("by-team")?;
    Ok(builder.state(ByTeam(limiter)).route(Route::get("/api/test/asked/{team}", asked).public()))
}

#[derive(Clone)]
struct ByTeam(Limiter);

async fn asked(ctx: &mut Context) -> Result<&'static str, Error> {
    let ByTeam(limiter) = ctx.state::<ByTeam>().cloned().ok_or("it has no limit").or_internal()?;
    let team = ctx.param("team").unwrap_or_default().into_owned();
    if team != "free" {
        let address = ctx.client_address().map(|address| address.to_string()).unwrap_or_default();
        limiter.check_for(ctx, &format!("{address} {team}")).await?;
    }
    Ok("passed")
}
