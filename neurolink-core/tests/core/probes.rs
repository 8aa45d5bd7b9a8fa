//! Probes beside limits, and how often they may be asked.

use std::sync::Arc;
use std::time::Duration;

use neurolink_core::middleware::{Key, RateLimit, Timing};
use neurolink_core::stack::IntoRegistration as _;
use neurolink_core::{App, ManualClock, Registration, Route};

use crate::fixture::{app, tokens};
use crate::support::ask;

/// An app with a limit for everything and a probe.
fn probed(limit: impl Into<Registration>) -> (App, Arc<ManualClock>) {
    let (builder, clock) = app();
    let builder = builder.route(Route::get("/api/live", async || "alive").public().probe()).middleware(limit);
    (builder.build().expect("valid"), clock)
}

async fn statuses(app: &App, peer: &str, count: usize) -> Vec<u16> {
    let mut statuses = Vec::new();
    for _ in 0..count {
        statuses.push(ask(app, "GET", "/api/live", peer, &[]).await.status);
    }
    statuses
}

#[tokio::test]
async fn probes_are_spared_by_limits_that_do_not_name_them() {
    let limit = || RateLimit::fixed_window(2, Duration::from_secs(60));
    for spared in [limit().into(), limit().by(Key::User).into(), limit().except(["/api/live/none"])] {
        let spared: Registration = spared;
        let (builder, _) = app();
        let app = builder
            .route(Route::get("/api/live", async || "alive").public().probe())
            .route(Route::get("/api/live/none", async || "x").public())
            .middleware(tokens())
            .middleware(spared)
            .build()
            .expect("valid");
        assert_eq!(statuses(&app, "192.0.2.1:1", 5).await, [200; 5]);
    }
    let (app, _) = probed(limit().only(["/api/live"]));
    assert_eq!(statuses(&app, "192.0.2.1:1", 3).await, [200, 200, 429]);
}

#[tokio::test]
async fn an_address_may_ask_all_probes_fifty_times_a_second() {
    let (app, clock) = probed(Timing::new());
    assert_eq!(statuses(&app, "192.0.2.1:1", 50).await, [200; 50]);
    let refused = ask(&app, "HEAD", "/api/live", "192.0.2.1:1", &[]).await;
    assert_eq!((refused.status, refused.header("retry-after")), (429, "1"));
    assert_eq!(statuses(&app, "192.0.2.2:1", 1).await, [200], "another address");
    clock.advance(Duration::from_secs(1));
    assert_eq!(statuses(&app, "192.0.2.1:1", 1).await, [200], "waiting helps");
}
