//! The plan says what really applies.

use neurolink_core::stack::{IntoRegistration as _, Kind, order};
use neurolink_core::{App, Context, Hook, Response, Route};

use crate::support::{Auth, Quiet};

struct Named(&'static str, Kind);

impl Hook for Named {
    fn name(&self) -> &str {
        self.0
    }

    fn order(&self) -> i16 {
        order::ROLES
    }

    fn kind(&self) -> Kind {
        self.1
    }

    fn after(&self, _: &Context, _: &mut Response) {}
}

fn names(steps: &[neurolink_core::app::PlannedStep]) -> Vec<&str> {
    steps.iter().map(|step| step.name.as_str()).collect()
}

#[test]
fn it_holds_the_chains_of_everything_that_answers() {
    let app = App::builder(Quiet)
        .configure(|settings| {
            settings.trusted_proxies = vec!["10.0.0.0/8".into()];
            settings.hosts = vec!["api.example.com".into()];
        })
        .middleware(Auth)
        .middleware(Named("everywhere", Kind::Other))
        .middleware(Named("here", Kind::Other).only(["/api/x"]))
        .route(Route::get("/api/x", async || "x"))
        .route(Route::get("/api/p", async || "p").public())
        .build()
        .expect("valid");
    let plan = app.plan();
    assert_eq!(names(&plan.refused), ["cross-site", "everywhere"]);
    assert_eq!(names(&plan.unmatched), ["cross-site", "auth", "authorization", "everywhere", "here"]);
    let paths: Vec<_> = plan.paths.iter().map(|path| (&*path.path, &*path.allow, names(&path.steps))).collect();
    assert_eq!(
        paths,
        [
            ("/api/x", "GET, HEAD, OPTIONS", vec!["cross-site", "auth", "authorization", "everywhere", "here"]),
            ("/api/p", "GET, HEAD, OPTIONS", vec!["cross-site", "everywhere"]),
        ]
    );
    let checks: Vec<_> = plan.checks.iter().map(|check| format!("{}: {}", check.name, check.summary)).collect();
    assert_eq!(checks[0], "request-id: x-request-id, made here, or taken over from 10.0.0.0/8");
    assert_eq!(checks[1], "client: the peer's address, or x-forwarded-for from 10.0.0.0/8");
    assert_eq!(checks[4], "host: api.example.com; on loopback localhost, 127.0.0.1, [::1]");
}

#[test]
fn access_follows_the_steps() {
    let access = |builder: neurolink_core::AppBuilder| {
        let plan = builder.build().expect("valid").plan().clone();
        plan.routes.iter().map(|route| route.access.clone()).collect::<Vec<_>>()
    };
    let routes = || {
        App::builder(Quiet)
            .route(Route::get("/api/default", async || "x"))
            .route(Route::get("/api/optional", async || "x").optional_auth())
            .route(Route::get("/api/public", async || "x").public())
    };
    assert_eq!(access(routes()), ["anyone", "anyone", "public"]);
    assert_eq!(access(routes().middleware(Auth)), ["user", "optional", "public"]);
    assert_eq!(access(routes().middleware(Auth).middleware(Named("n", Kind::NeedsUser))), ["user", "user", "public"]);
}
