//! Which routes ask who is calling, and what cannot be meant.

use std::time::Duration;

use neurolink_core::middleware::{ApiKey, ApiKeyAuth, BearerAuth, Key, RateLimit, RequireRoles, StaticToken};
use neurolink_core::stack::{IntoRegistration as _, StackBuilder};
use neurolink_core::{
    App, AppBuilder, AuthenticatedUser, Body, ConnInfo, Registration, Response, Route, RouteGroup, Settings, Stack,
};

use crate::support::{Answer, Quiet, ask, mistakes};

const TOKEN: &str = "Bearer token-of-u1-0123456789";

fn bearer() -> BearerAuth {
    let user = AuthenticatedUser::new("u1").with_roles(["user"]);
    BearerAuth::tokens([StaticToken::new("token-of-u1-0123456789", user)])
}

fn keys() -> ApiKeyAuth {
    ApiKeyAuth::keys([ApiKey::new("key-of-k1-0123456789", AuthenticatedUser::new("k1"))])
}

fn by_user() -> RateLimit {
    RateLimit::fixed_window(1, Duration::from_secs(60)).by(Key::User)
}

/// `/api/a` and `/api/b`, undeclared, and `/api/p`, public.
fn app() -> AppBuilder {
    App::builder(Quiet)
        .route(Route::get("/api/a", async || "a"))
        .route(Route::get("/api/b", async || "b"))
        .route(Route::get("/api/p", async || "p").public())
}

async fn get(app: &App, path: &str, authorization: Option<&str>) -> Answer {
    let headers: Vec<_> = authorization.into_iter().map(|value| ("authorization", value)).collect();
    ask(app, "GET", path, "192.0.2.1:5", &headers).await
}

fn access(app: &App, path: &str) -> String {
    app.plan().routes.iter().find(|route| route.path == path).expect("a route").access.clone()
}

#[tokio::test]
async fn what_an_authenticator_leaves_out_is_public() {
    let app = app().middleware(bearer().except(["/api/b"])).build().expect("valid");
    for (path, authorization, status) in [
        ("/api/a", None, 401),
        ("/api/a", Some(TOKEN), 200),
        ("/api/b", None, 200),
        ("/api/b", Some(TOKEN), 200),
        ("/api/b", Some("Bearer wrong"), 200),
        ("/api/nope", None, 401),
    ] {
        assert_eq!(get(&app, path, authorization).await.status, status, "{path} {authorization:?}");
    }
    assert_eq!((access(&app, "/api/a"), access(&app, "/api/b")), ("user".into(), "public".into()));
    assert_eq!(ask(&app, "PUT", "/api/b", "192.0.2.1:5", &[]).await.status, 405);
}

#[tokio::test]
async fn what_one_authenticator_leaves_out_another_still_asks() {
    let app = app().middleware(bearer().except(["/api/b"])).middleware(keys()).build().expect("valid");
    let refused = get(&app, "/api/b", Some(TOKEN)).await;
    assert_eq!((refused.status, refused.challenges().len()), (401, 1));
    assert_eq!(ask(&app, "GET", "/api/b", "192.0.2.1:5", &[("x-api-key", "key-of-k1-0123456789")]).await.status, 200);
}

#[test]
fn a_route_that_needs_a_user_cannot_be_left_out() {
    let route = || Route::get("/api/admin", async || "x");
    for route in [route().roles(["admin"]), route().permissions(["p"]), route().private()] {
        let found = mistakes(app().route(route).middleware(bearer().except(["/api/admin"])).build());
        assert!(
            found[0].contains("needs a user, and the scope of `bearer-auth` leaves it out; take one of them away"),
            "{found:?}"
        );
    }
    let found = mistakes(app().middleware(bearer().except(["/api/helth"])).build());
    assert_eq!(found, ["middleware.bearer-auth: the scope `/api/helth` touches no route; mend or remove it"]);
}

#[test]
fn an_authenticator_stands_in_front_of_a_whole_route() {
    for auth in [bearer().only(["/api/t/x", "/api/a", "/api/b"]), bearer().except(["/api/t/x"])] {
        let found = mistakes(app().route(Route::get("/api/t/{name}", async || "x")).middleware(auth).build());
        assert_eq!(
            found,
            ["GET /api/t/{name}: `bearer-auth` stands in front of only some of its paths; \
              let the scope name the whole route, or mark the route `.public()`"]
        );
    }
}

#[tokio::test]
async fn an_authenticator_of_one_route_is_not_asked_elsewhere() {
    let undeclared = mistakes(app().route(Route::get("/api/own", async || "x").middleware(bearer())).build());
    let problem = "it needs a user, and no authenticator stands in front of it; \
                   register one for it, or mark it `.public()`";
    assert_eq!(undeclared, [format!("GET /api/a: {problem}"), format!("GET /api/b: {problem}")]);

    let app = App::builder(Quiet)
        .route(Route::get("/api/p", async || "p").public())
        .route(Route::get("/api/own", async || "x").middleware(bearer()))
        .build()
        .expect("valid");
    assert_eq!(get(&app, "/api/p", None).await.status, 200);
    assert_eq!(get(&app, "/api/own", Some(TOKEN)).await.status, 200);
    let refused = get(&app, "/api/own", None).await;
    assert_eq!((refused.status, refused.challenges()), (401, vec!["Bearer realm=\"neurolink\""]));
    assert_eq!(get(&app, "/api/nope", None).await.status, 404);
    for (method, status) in [("PUT", 405), ("OPTIONS", 204)] {
        assert_eq!(ask(&app, method, "/api/own", "192.0.2.1:5", &[]).await.status, status, "{method}");
    }
}

#[tokio::test]
async fn unmatched_paths_are_hidden_only_where_an_authenticator_stands() {
    let app = App::builder(Quiet)
        .route(Route::get("/api/p", async || "p").public())
        .route(Route::get("/api/admin/x", async || "x"))
        .middleware(bearer().only(["/api/admin/*"]))
        .build()
        .expect("valid");
    for (path, status) in [("/api/nope", 404), ("/api/admin/nope", 401), ("/api/admin/x", 401), ("/api/p", 200)] {
        assert_eq!(get(&app, path, None).await.status, status, "{path}");
    }
    assert_eq!(ask(&app, "PUT", "/api/admin/x", "192.0.2.1:5", &[]).await.status, 401);
}

#[test]
fn what_needs_a_user_needs_an_authenticator() {
    let needs = "it needs to know the user, and no authenticator is registered; add one, or leave it out";
    let uses = "it needs to know the user, and no authenticator stands in front of any of its routes; \
                add one, or take another key";
    let roles = || RequireRoles::any(["admin"]);
    let route = || Route::get("/api/own", async || "x");
    for (found, expected) in [
        (app().middleware(roles()).build(), format!("middleware.roles: {needs}")),
        (app().middleware(roles().only(["/api/a"])).build(), format!("middleware.roles: {needs}")),
        (app().route(route().middleware(roles())).build(), format!("GET /api/own: middleware.roles: {needs}")),
        (app().middleware(by_user()).build(), format!("middleware.rate-limit: {uses}")),
        (
            app().middleware(bearer()).middleware(by_user().only(["/api/p"])).build(),
            format!("middleware.rate-limit: {uses}"),
        ),
        (
            app().middleware(bearer()).route(route().public().middleware(by_user())).build(),
            format!("GET /api/own: middleware.rate-limit: {uses}"),
        ),
        (
            app().group(RouteGroup::new("/api/g").middleware(by_user()).route(Route::get("/x", async || "x"))).build(),
            format!("group g: middleware.rate-limit: {uses}"),
        ),
    ] {
        assert_eq!(mistakes(found), [expected]);
    }
    for stack in [Stack::builder().with(roles()), Stack::builder().with(by_user())] {
        let protected = stack.build().expect("valid").protect(Settings::default());
        let error = protected.map(drop).expect_err("nobody is known");
        assert!(error.to_string().contains(needs), "{error}");
    }
}

#[tokio::test]
async fn a_limit_by_user_counts_public_routes_by_address() {
    let app = app().middleware(bearer()).middleware(by_user()).build().expect("valid");
    assert_eq!((get(&app, "/api/p", None).await.status, get(&app, "/api/p", None).await.status), (200, 429));
    assert_eq!(get(&app, "/api/a", Some(TOKEN)).await.status, 200);
}

#[test]
fn places_are_compared_with_where_authenticators_really_stand() {
    let found = mistakes(app().middleware(bearer().at(50)).build());
    assert_eq!(
        found,
        [
            "middleware.bearer-auth: at order 50 it stands behind the authorisation of routes, so that nobody could come in; \
          leave out `.at(..)` or choose less than 11"
        ]
    );
    let found = mistakes(app().middleware(bearer()).middleware(by_user().at(8)).build());
    assert_eq!(
        found,
        ["middleware.rate-limit: it needs to know the user, and `bearer-auth` finds that out behind it, at order 10; \
          leave out `.at(..)` or choose more than 10"]
    );
    for built in [
        app().middleware(bearer().at(6)).middleware(by_user().at(8)).build(),
        app().middleware(bearer()).middleware(by_user().at(10)).build(),
    ] {
        assert!(built.is_ok(), "{built:?}");
    }
}

#[tokio::test]
async fn roles_for_everywhere_stay_away_from_public_routes_and_the_plan_says_so() {
    let roles = || RequireRoles::any(["admin"]);
    let built = app().middleware(bearer()).middleware(roles()).build().expect("valid");
    assert_eq!((get(&built, "/api/p", None).await.status, get(&built, "/api/a", Some(TOKEN)).await.status), (200, 403));
    let public = built.plan().routes.iter().find(|route| route.path == "/api/p").expect("a route");
    assert!(public.access == "public" && public.steps.iter().all(|step| step.name != "roles"));
    assert_eq!(access(&built, "/api/a"), "user");

    let found = mistakes(app().middleware(bearer()).middleware(roles().only(["/api/p"])).build());
    assert_eq!(
        found,
        ["GET /api/p: it is public, and `roles` needs to know the user; take the route out of its scope"]
    );
}

#[test]
fn a_scope_of_a_route_or_a_group_touches_one_of_its_routes() {
    let route = Route::get("/api/own", async || "x").middleware(keys().only(["/api/other"])).middleware(bearer());
    let found = mistakes(App::builder(Quiet).route(route).build());
    assert_eq!(
        found,
        ["GET /api/own: middleware.api-key-auth: the scope `/api/other` touches no route; mend or remove it"]
    );
    let group = |scope: &str| {
        RouteGroup::new("/api/g")
            .middleware(RateLimit::fixed_window(1, Duration::from_secs(1)).only([scope]))
            .route(Route::get("/x", async || "x"))
            .route(Route::get("/y", async || "y"))
    };
    assert!(App::builder(Quiet).group(group("/api/g/y")).build().is_ok());
    assert_eq!(
        mistakes(App::builder(Quiet).group(group("/api/g/z")).build()),
        ["group g: middleware.rate-limit: the scope `/api/g/z` touches no route; mend or remove it"]
    );
}

#[tokio::test]
async fn around_native_routes_a_scope_decides_who_is_asked() {
    let of = async |stack: Stack, path: &str| {
        let protected = stack.protect(Settings::default()).expect("valid");
        let request = http::Request::builder().uri(path).header("host", "localhost").body(Body::empty());
        let conn = ConnInfo::new(Some(([192, 0, 2, 1], 5).into()));
        let answer = protected.wrap(request.expect("a request"), conn, async |_| Response::new(Body::empty())).await;
        answer.status().as_u16()
    };
    let roles = || RequireRoles::any(["admin"]);
    for (path, status) in [("/login", 200), ("/login/", 401), ("/x", 401)] {
        let stack = Stack::builder().with(bearer().except(["/login"])).with(roles()).build().expect("valid");
        assert_eq!(of(stack, path).await, status, "{path}");
    }
    for (path, status) in [("/admin", 401), ("/admin/", 401), ("/x", 200)] {
        let stack = Stack::builder().with(bearer().only(["/admin/*"])).build().expect("valid");
        assert_eq!(of(stack, path).await, status, "{path}");
    }
    let stack = Stack::builder().with(bearer()).with(roles().only(["/a/*"])).public(["/a/login"]).build();
    let error = stack.expect("valid").protect(Settings::default()).map(drop).expect_err("a mistake");
    assert!(error.to_string().contains("`/a/login` is public; take it out of the scope"), "{error}");
}

#[test]
fn around_native_routes_what_needs_a_user_must_stand_behind_an_authenticator() {
    let mistake = |stack: StackBuilder| {
        let protected = stack.build().expect("valid").protect(Settings::default());
        protected.map(drop).map_err(|error| error.to_string())
    };
    let with = |one: Registration| Stack::builder().with(one);
    let roles = || RequireRoles::any(["admin"]);
    let unprotected = |path: &str| format!("no authenticator stands in front of all of `{path}`");
    for (stack, path) in [
        (with(bearer().only(["/api/*"])).with(roles().only(["/admin/*"])), "/admin/{*rest}"),
        (with(bearer().only(["/api/*"])).with(roles()), "/{*rest}"),
        (with(bearer().only(["/api/*"])).with(roles().except(["/login"])), "/{*rest}"),
        (with(bearer().only(["/admin/users"])).with(roles().only(["/admin/*"])), "/admin"),
        (with(bearer().except(["/admin/*"])).with(roles().only(["/admin/*"])), "/admin"),
        (with(bearer().except(["/admin/login"])).with(roles().only(["/admin/*"])), "/admin/{*rest}"),
        (with(bearer().only(["/admin/{id}"])).with(roles().only(["/admin/{id}/{*rest}"])), "/admin/{id}/{*rest}"),
    ] {
        let error = mistake(stack).expect_err(path);
        assert!(error.contains(&unprotected(path)), "{error}");
    }
    for stack in [
        with(bearer().into()).with(roles().only(["/admin/*"])),
        with(bearer().only(["/admin/*"])).with(roles().only(["/admin/users", "/admin/{id}/x"])),
        with(bearer().except(["/login"])).with(roles()),
        with(bearer().except(["/admin/login"])).with(roles().only(["/admin/*"]).except(["/admin/login"])),
        with(bearer().only(["/a/*"])).with(keys().only(["/b/*"])).with(roles().only(["/a/*", "/b/*"])),
    ] {
        assert_eq!(mistake(stack), Ok(()));
    }
    let error = mistake(with(bearer().only(["/api/*"])).with(by_user().only(["/other"]))).expect_err("nobody is known");
    assert!(error.contains("no authenticator stands in front of `/other`"), "{error}");
}
