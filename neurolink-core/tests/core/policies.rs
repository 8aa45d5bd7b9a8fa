//! Policies of routes, of groups and of scopes.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};
use std::time::Duration;

use http::{HeaderName, HeaderValue, header};
use neurolink_core::middleware::{RequirePolicy, RequireRoles};
use neurolink_core::policy::{Decision, async_policy_fn, policy_fn};
use neurolink_core::stack::IntoRegistration as _;
use neurolink_core::{
    App, AuthenticatedUser, Body, ConnInfo, Context, Error, Reply, Response, Route, RouteGroup, Settings, Stack,
};

use crate::support::{Answer, Auth, app, mistakes, send, to};

/// The user whose name is in the path; for others it is not there.
fn own(ctx: &Context) -> Decision {
    match (ctx.user(), ctx.param("id")) {
        (Some(user), Some(id)) if *id == *user.id => Decision::Allow,
        _ => Decision::NotFound,
    }
}

async fn ask(app: &App, method: &str, path: &str, user: &str) -> Answer {
    let mut request = to(path).method(method);
    if !user.is_empty() {
        request = request.header(header::AUTHORIZATION, user);
    }
    send(app, request, Body::empty()).await
}

async fn status(app: &App, method: &str, path: &str, user: &str) -> u16 {
    ask(app, method, path, user).await.status
}

#[tokio::test]
async fn a_policy_decides_by_user_and_parameters_for_get_and_head() {
    let route = Route::get("/api/of/{id}", async || "x").policy(policy_fn("own", own));
    let app = app().middleware(Auth).route(route).build().expect("valid");
    for method in ["GET", "HEAD"] {
        for (path, user, expected) in [
            ("/api/of/ada", "ada", 200),
            ("/api/of/%61da", "ada", 200),
            ("/api/of/ada", "bob", 404),
            ("/api/of/ada%2Fx", "ada", 404),
            ("/api/of/ada", "", 401),
            ("/api/of/ada", "bad", 401),
        ] {
            assert_eq!(status(&app, method, path, user).await, expected, "{method} {path} {user}");
        }
    }
    let foreign = ask(&app, "GET", "/api/of/ada", "bob").await;
    let missing = ask(&app, "GET", "/api/of/nobody", "bob").await;
    assert_eq!(foreign.json()["error"], missing.json()["error"]);
}

#[tokio::test]
async fn head_comes_to_a_policy_as_get_and_goes_on_as_head() {
    let only_get = policy_fn("get", |ctx: &Context| match ctx.method().as_str() {
        "GET" => Decision::Deny,
        _ => Decision::Allow,
    });
    let seen = async |ctx: &mut Context| {
        let method = HeaderValue::from_str(ctx.method().as_str()).expect("a header value");
        Reply::data("x").map(|reply| reply.with_header(HeaderName::from_static("x-method"), method))
    };
    let app = app()
        .middleware(Auth)
        .route(Route::get("/api/x", async || "x").policy(only_get))
        .route(Route::get("/api/seen", seen).policy(policy_fn("all", |_: &Context| Decision::Allow)))
        .build()
        .expect("valid");
    assert_eq!((status(&app, "HEAD", "/api/x", "ada").await, status(&app, "GET", "/api/x", "ada").await), (403, 403));
    let head = ask(&app, "HEAD", "/api/seen", "ada").await;
    assert_eq!((head.status, head.body.as_str(), head.header("x-method")), (200, "", "HEAD"));
}

#[tokio::test]
async fn what_is_no_allowing_is_a_refusal() {
    let failing = async_policy_fn("failing", |_: &Context| {
        Box::pin(async { Err(Error::not_found("password=hunter2 is what the store says")) })
    });
    let panicking = policy_fn("panicking", |_: &Context| panic!("password=hunter2"));
    let app = app()
        .middleware(Auth)
        .route(Route::get("/api/fails", async || "x").policy(failing))
        .route(Route::get("/api/panics", async || "x").policy(panicking))
        .route(Route::get("/api/denies", async || "x").policy(policy_fn("no", |_: &Context| Decision::Deny)))
        .route(Route::get("/api/allows", async || "x").policy(policy_fn("yes", |_: &Context| Decision::Allow)))
        .build()
        .expect("valid");
    for (path, expected) in [("/api/fails", 503), ("/api/panics", 500), ("/api/denies", 403), ("/api/allows", 200)] {
        let answer = ask(&app, "GET", path, "ada").await;
        assert_eq!(answer.status, expected, "{path}");
        assert!(!answer.body.contains("hunter2"), "{path}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_policy_that_does_not_end_is_a_504() {
    let endless = async_policy_fn("endless", |_: &Context| Box::pin(std::future::pending()));
    let route = Route::get("/api/x", async || "x").policy(endless).timeout(Duration::from_secs(1));
    let app = app().middleware(Auth).route(route).build().expect("valid");
    let head = ask(&app, "HEAD", "/api/x", "ada").await;
    assert_eq!((head.status, head.body.as_str()), (504, ""), "and what it had changed has come back");
}

#[tokio::test]
async fn all_policies_of_group_and_route_apply_and_the_first_that_refuses_answers() {
    let asked = Arc::new(AtomicUsize::new(0));
    let counting = {
        let asked = Arc::clone(&asked);
        policy_fn("counting", move |ctx: &Context| {
            asked.fetch_add(1, SeqCst);
            own(ctx)
        })
    };
    let open = policy_fn("open", |ctx: &Context| {
        if ctx.param("shelf").as_deref() == Some("closed") { Decision::Deny } else { Decision::Allow }
    });
    let group = RouteGroup::new("/api/shelf")
        .policy(open)
        .roles(["ada", "bob"])
        .route(Route::get("/{shelf}/{id}", async || "x").policy(counting))
        .route(Route::delete("/{shelf}/{id}", async || "x").policy(policy_fn("own", own)).roles(["ada"]));
    let app = app().middleware(Auth).group(group).build().expect("valid");
    for (method, path, user, expected, asks) in [
        ("GET", "/api/shelf/a/ada", "ada", 200, 1),
        ("GET", "/api/shelf/a/ada", "bob", 404, 1),
        ("GET", "/api/shelf/closed/ada", "ada", 403, 0),
        ("GET", "/api/shelf/closed/ada", "bob", 403, 0),
        ("GET", "/api/shelf/a/eve", "eve", 403, 0),
        ("DELETE", "/api/shelf/a/bob", "bob", 403, 0),
        ("DELETE", "/api/shelf/a/ada", "ada", 200, 0),
    ] {
        asked.store(0, SeqCst);
        assert_eq!(status(&app, method, path, user).await, expected, "{method} {path} {user}");
        assert_eq!(asked.load(SeqCst), asks, "{method} {path} {user}");
    }
}

#[tokio::test]
async fn roles_of_a_group_apply_beside_those_of_its_routes() {
    let with = |id: &str, roles: &[&str]| AuthenticatedUser::new(id).with_roles(roles.to_vec());
    let token =
        |user| neurolink_core::middleware::StaticToken::new(format!("a-token-of-sixteen-{user}"), user_of(with, user));
    fn user_of(with: impl Fn(&str, &[&str]) -> AuthenticatedUser, name: &str) -> AuthenticatedUser {
        with(name, &name.split('-').collect::<Vec<_>>())
            .with_permissions(name.split('-').map(|role| format!("may-{role}")))
    }
    let auth = neurolink_core::middleware::BearerAuth::tokens(["a", "b", "a-b", "a-b-c"].map(token));
    let group = RouteGroup::new("/api")
        .roles(["a"])
        .route(Route::get("/any", async || "x").roles(["b", "c"]))
        .route(Route::get("/all", async || "x").all_roles(["b", "c"]))
        .route(Route::get("/permission", async || "x").any_permission(["may-b", "may-c"]))
        .route(Route::get("/permissions", async || "x").permissions(["may-b", "may-c"]));
    let app = app().middleware(auth).group(group).build().expect("valid");
    for (path, allowed) in [
        ("/api/any", &["a-b", "a-b-c"][..]),
        ("/api/all", &["a-b-c"]),
        ("/api/permission", &["a-b", "a-b-c"]),
        ("/api/permissions", &["a-b-c"]),
    ] {
        for user in ["a", "b", "a-b", "a-b-c"] {
            let expected = if allowed.contains(&user) { 200 } else { 403 };
            let token = format!("Bearer a-token-of-sixteen-{user}");
            assert_eq!(status(&app, "GET", path, &token).await, expected, "{path} {user}");
        }
    }
}

#[tokio::test]
async fn policies_stand_behind_roles_and_in_front_of_the_body() {
    let asked = Arc::new(AtomicUsize::new(0));
    let counting = {
        let asked = Arc::clone(&asked);
        policy_fn("counting", move |_: &Context| {
            asked.fetch_add(1, SeqCst);
            Decision::NotFound
        })
    };
    let app = app()
        .middleware(RequirePolicy::new(counting).only(["/api/x"]))
        .middleware(RequireRoles::any(["ada"]).only(["/api/x"]))
        .middleware(Auth)
        .route(Route::post("/api/x", async |_: neurolink_core::Json<u8>| "x"))
        .build()
        .expect("valid");
    assert_eq!((status(&app, "POST", "/api/x", "bob").await, asked.load(SeqCst)), (403, 0));
    let request = to("/api/x").method("POST").header("authorization", "ada").header("content-type", "application/json");
    assert_eq!(send(&app, request, Body::from("{")).await.status, 404);
    // A scope holds for whatever is asked of its paths.
    assert_eq!((status(&app, "PUT", "/api/x", "ada").await, asked.load(SeqCst)), (404, 2));
}

#[tokio::test]
async fn the_plan_names_policies_and_what_else_is_asked_for() {
    let group = RouteGroup::new("/api/g")
        .any_permission(["p", "q"])
        .policy(policy_fn("first", own))
        .route(Route::get("/{id}", async || "x").policy(policy_fn("second", own)).roles(["r"]).all_roles(["s", "t"]));
    let scoped = RequirePolicy::on("/api/g/{id}", policy_fn("third", own));
    let app = app().middleware(Auth).middleware(scoped).group(group).build().expect("valid");
    let route = &app.plan().routes[0];
    assert_eq!(
        (route.policies.clone(), route.roles.clone()),
        (vec!["first".into(), "second".into()], vec!["r".into()])
    );
    assert_eq!(route.required, ["any permission of p, q", "all roles of s, t"]);
    let steps: Vec<_> = route.steps.iter().map(|step| (step.name.as_str(), step.summary.as_str())).collect();
    let last = &steps[steps.len() - 3..];
    assert_eq!(
        last,
        [
            ("authorization", "user; any permission of p, q; any role of r; all roles of s, t"),
            ("policy third", "on /api/g/{id}"),
            ("policy", "first, second"),
        ]
    );
    assert!(app.plan().to_string().contains("policy first&second"));
}

#[test]
fn a_policy_without_an_authenticator_is_a_build_error() {
    let policy = || policy_fn("own", own);
    let route = |path: &str| Route::get(path, async || "x");
    let group = RouteGroup::new("/api/g").policy(policy()).route(route("/open").public());
    let mut found = mistakes(
        app()
            .route(route("/api/a").policy(policy()))
            .route(route("/api/private").private().policy(policy()))
            .group(group)
            .build(),
    );
    found.sort_unstable();
    assert_eq!(
        found,
        [
            "GET /api/a: it asks for roles, permissions or a policy, and no authenticator is registered; add one",
            "GET /api/g/open: it asks for roles, permissions or a policy, and no authenticator is registered; add one",
            "GET /api/g/open: it is public and asks for roles, permissions or a policy; take one of them away",
            "GET /api/private: it asks for roles, permissions or a policy, and no authenticator is registered; add one",
        ]
    );
    let scoped = mistakes(app().middleware(RequirePolicy::new(policy())).route(route("/api/a")).build());
    assert_eq!(
        scoped,
        [
            "middleware.policy own: it needs to know the user, and no authenticator is registered; add one, or leave it out"
        ]
    );
    let open = RequirePolicy::new(policy()).only(["/api/open"]);
    let found = mistakes(app().middleware(Auth).middleware(open).route(route("/api/open").public()).build());
    assert_eq!(
        found,
        ["GET /api/open: it is public, and `policy own` needs to know the user; take the route out of its scope"]
    );
}

/// What the stack makes of a request to a host's own route.
async fn native(stack: Stack, method: &str, path: &str, user: &str) -> u16 {
    let protected = stack.protect(Settings::default()).expect("valid");
    let request = to(path).method(method).header(header::HOST, "localhost").header(header::AUTHORIZATION, user);
    let request = request.body(Body::unavailable()).expect("a request");
    let host = async |_| Response::new(Body::unavailable());
    protected.wrap(request, ConnInfo::default(), host).await.status().as_u16()
}

#[tokio::test]
async fn a_policy_in_front_of_a_hosts_routes_sees_the_parameters_of_its_scope() {
    let stack = || {
        let one = RequirePolicy::on("/of/{id}", policy_fn("one", own));
        let rest =
            RequirePolicy::on(
                "/files/{id}/{*rest}",
                policy_fn("rest", |ctx: &Context| {
                    if ctx.param("rest").as_deref() == Some("a/b c") { own(ctx) } else { Decision::Deny }
                }),
            );
        Stack::builder().with(Auth).with(one).with(rest).build().expect("valid")
    };
    for (method, path, expected) in [
        ("GET", "/of/ada", 200),
        ("GET", "/of/ada/", 200),
        ("GET", "/of/bob", 404),
        ("GET", "/of/bob/", 404),
        ("HEAD", "/of/bob", 404),
        ("OPTIONS", "/of/bob", 404),
        ("BREW", "/of/bob", 404),
        ("GET", "/of/%61da", 400),
        ("GET", "/of/ada%2F", 404),
        ("GET", "/of", 200),
        ("GET", "/files/ada/a/b%20c", 200),
        ("GET", "/files/bob/a/b%20c", 404),
        ("GET", "/files/ada/a/b", 403),
    ] {
        assert_eq!(native(stack(), method, path, "ada").await, expected, "{method} {path}");
    }
}

#[test]
fn a_policy_where_no_authenticator_stands_in_front_of_a_hosts_routes_is_a_build_error() {
    let policy = RequirePolicy::on("/of/{id}", policy_fn("own", own));
    let stack = Stack::builder().with(Auth.only(["/other"])).with(policy).build().expect("valid");
    let found = mistakes(stack.protect(Settings::default()));
    assert!(
        found.len() == 1 && found[0].contains("no authenticator stands in front of all of `/of/{id}`"),
        "{found:?}"
    );
    for (pattern, problem) in [
        ("of/{id}", "`of/{id}`: a path begins with a slash; write `/of/{id}`"),
        ("/of/*", "`/of/*`: `*`: write `{*rest}` for the rest of a path"),
    ] {
        let wrong = Stack::builder().with(RequirePolicy::on(pattern, policy_fn("own", own))).build();
        assert_eq!(mistakes(wrong), [format!("middleware.policy own: {problem}")]);
    }
}
