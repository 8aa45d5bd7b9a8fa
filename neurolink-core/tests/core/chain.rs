//! In which order middleware runs, and on which paths.

use http::HeaderValue;
use neurolink_core::stack::IntoRegistration as _;
use neurolink_core::{Code, Context, Error, Middleware, Next, Response, Route, RouteGroup, from_fn};

use crate::support::{Answer, Mark, app, get};

// Shows S0-84, V32, O-D44.
#[tokio::test]
async fn middleware_runs_by_order_as_an_onion_and_an_error_becomes_a_response_inside() {
    fn step(name: &'static str) -> impl Middleware {
        struct Step(&'static str);
        #[async_trait::async_trait]
        impl Middleware for Step {
            fn name(&self) -> &str {
                self.0
            }
            async fn handle(&self, ctx: &mut Context, next: Next<'_>) -> Result<Response, Error> {
                let mut response = next.run(ctx).await;
                response.headers_mut().append("x-out", HeaderValue::from_static(self.0));
                Ok(response)
            }
        }
        Step(name)
    }
    async fn refuse(_: &mut Context, _: Next<'_>) -> Result<Response, Error> {
        Err(Error::new(Code::Forbidden))
    }
    let app = app()
        .middleware(step("late").at(90))
        .middleware(step("early").at(1))
        .middleware(from_fn("refuse", refuse).only(["/api/no"]))
        .route(Route::get("/api/x", async || "x").middleware(step("own").at(200)))
        .route(Route::get("/api/no", async || "no"))
        .build()
        .expect("valid");
    let out = |answer: &Answer| {
        answer.headers.get_all("x-out").iter().map(|v| v.to_str().expect("text").to_owned()).collect::<Vec<_>>()
    };
    assert_eq!(out(&get(&app, "/api/x").await), ["own", "late", "early"]);
    let refused = get(&app, "/api/no").await;
    assert_eq!(refused.status, 403);
    assert_eq!(out(&refused), ["late", "early"]);
}

// Shows S0-84, V34, V35, V37, O-D11.
#[tokio::test]
async fn a_scope_covers_parameters_group_routes_and_unmatched_paths() {
    let app = app()
        .middleware(Mark.only(["/api/a/*"]))
        .route(Route::get("/api/{x}/one", async || "x"))
        .group(RouteGroup::new("/api/a").route(Route::get("/two", async || "x")).route(Route::get("/", async || "a")))
        .build()
        .expect("valid");
    for (path, expected) in [
        ("/api/a/one", true),
        ("/api/%61/one", true),
        ("/api/b/one", false),
        ("/api/ab/one", false),
        ("/api/a/two", true),
        ("/api/a", true),
        ("/api/a/nope", true),
        ("/api/b/nope", false),
    ] {
        assert_eq!(get(&app, path).await.headers.contains_key("x-mark"), expected, "{path}");
    }
}
