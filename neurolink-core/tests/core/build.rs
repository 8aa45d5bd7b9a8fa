//! What `build()` refuses, and what handlers may take.

use std::time::Duration;

use neurolink_core::stack::{IntoRegistration as _, Kind, order};
use neurolink_core::{AuthenticatedUser, Body, ClientAddress, Hook, Json, Path, Query, Route, State};
use serde_json::Value;

use crate::support::{Auth, app, ask, mistakes};

struct Named(&'static str, Kind);

impl Hook for Named {
    fn name(&self) -> &str {
        self.0
    }

    fn kind(&self) -> Kind {
        self.1
    }
}

const fn named(name: &'static str) -> Named {
    Named(name, Kind::Other)
}

// Shows V67.
#[test]
fn mistakes_are_reported_all_at_once_and_name_their_fix() {
    async fn two_bodies(_: Json<Value>, _: bytes::Bytes) {}
    async fn body_first(_: Body, _: Query<()>) {}
    let mut found = mistakes(
        app()
            .configure(|settings| {
                settings.base_path = "/api/{x}".into();
                settings.timeout = Duration::ZERO;
                settings.hosts = vec!["http://x".into()];
                settings.trusted_proxies = vec!["10.0.0.0/99".into()];
                settings.trusted_origins = vec!["https://x/".into()];
                settings.request_id_header = "x y".into();
                settings.limits.header_count = 1000;
                settings.limits.body = settings.limits.body_budget + 1;
                settings.errors.code_prefix = "no-".into();
                settings.errors.timeout_status = http::StatusCode::OK;
            })
            .build(),
    );
    found.extend(mistakes(
        app()
            .middleware(named("twice"))
            .middleware(named("twice"))
            .middleware(named("idle").only(["/api/nothing"]))
            .middleware(named("broken").only(["api/x"]))
            .middleware(Named("by-user", Kind::NeedsUser).at(order::TRACE))
            .public(["/api/missing", "/api/part/x"])
            .route(Route::get("x", async || "x"))
            .route(Route::get("/api/x/:id", async || "x"))
            .route(Route::get("/api/x//y", async || "x"))
            .route(Route::get("/api/x/../y", async || "x"))
            .route(Route::get("/api/{a}/m/{a}", async || "x"))
            .route(Route::get("/outside", async || "x"))
            .route(Route::get("/api/same", async || "x"))
            .route(Route::get("/api/same", async || "x"))
            .route(Route::get("/api/{a}/n", async || "x"))
            .route(Route::post("/api/{b}/n", async || "x"))
            .route(Route::get("/api/files/{name}", async || "x"))
            .route(Route::get("/api/files/{*rest}", async || "x"))
            .route(Route::get("/api/part/{name}", async || "x"))
            .route(Route::get("/api/state", async |_: State<u64>| "x"))
            .route(Route::get("/api/path", async |_: Path<String>| "x"))
            .route(Route::post("/api/bodies", two_bodies))
            .route(Route::post("/api/first", body_first))
            .route(Route::get("/api/roles", async || "x").roles(["admin"]))
            .route(Route::get("/api/both", async || "x").roles(["admin"]).public())
            .route(Route::get("/api/maybe", async || "x").permissions(["p"]).optional_auth())
            .route(Route::get("/api/user", async |_: AuthenticatedUser| "x").public())
            .route(Route::get("/api/nobody", async |_: AuthenticatedUser| "x"))
            .route(Route::get("/api/never", async || "x").timeout(Duration::ZERO))
            .route(Route::get("/api/huge", async || "x").body_limit(usize::MAX - 1))
            .route(Route::new(http::Method::OPTIONS, "/api/options", async || "x"))
            .route(Route::get("/api/again", async || "x").middleware(named("twice")))
            .build(),
    ));
    let expected = [
        "timeout: it is zero, so that no request could pass; give more or leave it out",
        "limits.header_count: 1000 is more than some framework or parser bears; give at most 90",
        "limits.body: a single body is larger than limits.body_budget; raise the budget",
        "errors.timeout_status: it says that the work took too long; give 504 or 408",
        "errors.code_prefix: codes are capitals and `_`; write for example `SERVER_ADAPTER_`",
        "trusted_origins: `https://x/`: it is no origin; write for example `https://app.example.com`, in lower case, without a path and without the scheme's own port",
        "base_path: `/api/{x}` is no plain path; write for example `/api`, or `/` for none",
        "hosts: `http://x` is no host name; write `api.example.com` or `*.example.com`, without scheme and port",
        "trusted_proxies: `10.0.0.0/99` is no network; write `10.0.0.0/8` or an address, or `unix` for a Unix socket",
        "request_id_header: `x y` is no header name; write for example `x-request-id`",
        "middleware.twice: two steps have this name; give one of them another with `.named(\"..\")`",
        "middleware.broken: `api/x`: a path begins with a slash; write `/api/x`",
        "GET x: a path begins with a slash; write `/x`",
        "GET /api/x/:id: `:id`: write a parameter as `{id}`",
        "GET /api/x//y: it has an empty segment; write one slash between two segments, as in `/a/b`",
        "GET /api/x/../y: the path contains a dot segment; write a plain path such as `/api/users/{id}`",
        "GET /api/{a}/m/{a}: the parameter `a` is there twice; give one of them another name",
        "GET /outside: it lies outside of the base path, where the host framework would not see it; \
         write `/api/outside` or set base_path to `/`",
        "GET /api/same: this route is there twice; remove one of them",
        "POST /api/{b}/n: the parameters of the same path have other names in `/api/{a}/n`; use one name for each",
        "GET /api/files/{*rest}: it and the route `/api/files/{name}` have paths in common, and neither is the more exact one; \
         change a segment of one of them",
        "GET /api/part/{name}: a public pattern covers only some of its paths; \
         name the whole route, or mark the route `.public()`",
        "GET /api/state: its handler takes State<u64>, which is not registered; add `.state(..)`",
        "GET /api/path: its handler takes path parameters, and the path has none; \
         write one as `{id}`, or leave out the argument",
        "POST /api/bodies: its handler takes the body more than once; take it once, as the last argument",
        "POST /api/first: its handler takes the body before another argument; take it as the last one",
        "GET /api/roles: it asks for roles, permissions or a policy, and no authenticator is registered; add one",
        "GET /api/both: it asks for roles, permissions or a policy, and no authenticator is registered; add one",
        "GET /api/both: it is public and asks for roles, permissions or a policy; take one of them away",
        "GET /api/maybe: it asks for roles, permissions or a policy, and no authenticator is registered; add one",
        "GET /api/maybe: authentication is optional and it asks for roles, permissions or a policy; take one of them away",
        "GET /api/user: its handler takes AuthenticatedUser, which a public route may not have; take Option<AuthenticatedUser>",
        "GET /api/nobody: its handler takes AuthenticatedUser, and no authenticator is registered; \
         add one, or take Option<AuthenticatedUser>",
        "GET /api/never: its timeout is zero, so that no request could pass; give more, or leave it out",
        "GET /api/huge: its body limit is larger than limits.body_budget; raise the budget",
        "OPTIONS /api/options: OPTIONS is answered by the core; use another method",
        "GET /api/again: middleware.twice: a step of this name applies to the route already; \
         give one of them another with `.named(\"..\")`",
        "middleware.by-user: it needs to know the user, and no authenticator is registered; add one, or leave it out",
        "middleware.idle: the scope `/api/nothing` touches no route; mend or remove it",
        "public: `/api/missing` touches no route; mend or remove it",
    ];
    found.sort();
    let mut expected: Vec<String> = expected.map(str::to_owned).to_vec();
    expected.sort();
    assert_eq!(found, expected);
}

#[test]
fn the_last_argument_takes_the_body() {
    let route = Route::post("/api/{id}", async |_: Path<String>, _: Query<Value>, _: Json<Value>| "x");
    assert!(app().route(route).build().is_ok());
}

#[tokio::test]
async fn a_handler_may_take_the_clients_address() {
    let app = app()
        .route(Route::get("/api/must", async |ClientAddress(address): ClientAddress| address.to_string()))
        .route(Route::get("/api/may", async |address: Option<ClientAddress>| address.is_some().to_string()))
        .build()
        .expect("valid");
    let data = async |path: &str, peer: &str| {
        let answer = ask(&app, "GET", path, peer, &[]).await;
        let body: Value = serde_json::from_str(&answer.body).expect("JSON");
        (answer.status, body["data"].as_str().unwrap_or_default().to_owned())
    };
    assert_eq!(data("/api/must", "[::ffff:192.0.2.7]:5").await, (200, "192.0.2.7".into()));
    assert_eq!(data("/api/must", "").await, (500, String::new()));
    assert_eq!(data("/api/may", "").await, (200, "false".into()));
}

#[tokio::test]
async fn a_name_that_dns_rebinding_would_send_is_refused_where_only_the_peer_is_known() {
    let app = app().middleware(Auth).route(Route::get("/api/x", async || "x").public()).build().expect("valid");
    for (peer, status) in [(Some([127, 0, 0, 1]), 400), (Some([192, 0, 2, 1]), 200), (None, 200)] {
        let request = http::Request::builder().uri("/api/x").header("host", "evil.example").body(Body::empty());
        let conn = neurolink_core::ConnInfo::new(peer.map(|peer| (peer, 9).into()));
        let answer = app.handle(request.expect("a request"), conn).await;
        assert_eq!(answer.status().as_u16(), status, "{peer:?}");
    }
}

#[cfg(feature = "cors")]
#[tokio::test]
async fn cors_trusts_an_origin_in_its_own_scope_only() {
    use neurolink_core::middleware::Cors;

    let cors = || Cors::list(["https://a.example"]);
    let app = app()
        .middleware(cors().only(["/api/a/*"]))
        .route(Route::post("/api/a", async || "a"))
        .route(Route::post("/api/a/{id}", async || "a"))
        .route(Route::post("/api/{x}/y", async || "x"))
        .route(Route::post("/api/admin", async || "admin"))
        .route(Route::post("/api/own", async || "own").middleware(cors().named("own-cors")))
        .build()
        .expect("valid");
    for (path, status) in [
        ("/api/a", 200),
        ("/api/a/1", 200),
        ("/api/a/y", 200),
        ("/api/b/y", 403),
        ("/api/admin", 403),
        ("/api/own", 200),
        ("/api/nope", 403),
    ] {
        let answer = ask(&app, "POST", path, "192.0.2.1:5", &[("origin", "https://a.example")]).await;
        assert_eq!(answer.status, status, "{path}");
    }
}
