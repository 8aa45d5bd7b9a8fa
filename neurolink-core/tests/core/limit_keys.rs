//! Whose requests are counted together, whose limit is another one, and what a refusal looks like.

use std::time::Duration;

use http::{HeaderName, StatusCode};
use neurolink_core::middleware::{ApiKey, ApiKeyAuth, BearerAuth, Key, RateLimit, StaticToken};
use neurolink_core::stack::IntoRegistration as _;
use neurolink_core::{App, AuthenticatedUser, Route};
use serde_json::json;

use crate::support::{Answer, app, ask, mistakes};

const MINUTE: Duration = Duration::from_secs(60);
const ONE: &str = "192.0.2.1:5";
const OTHER: &str = "192.0.2.2:5";

fn limit(count: u32) -> RateLimit {
    RateLimit::fixed_window(count, MINUTE)
}

fn tokens() -> BearerAuth {
    let mut gold = AuthenticatedUser::new("u3");
    gold.metadata.insert("tier".into(), "gold".into());
    BearerAuth::tokens([
        StaticToken::new("token-of-u1-0123456789", AuthenticatedUser::new("u1")),
        StaticToken::new("token-of-u2-0123456789", AuthenticatedUser::new("u2").with_roles(["pro"])),
        StaticToken::new("token-of-u3-0123456789", gold),
    ])
}

fn limited(limit: RateLimit) -> App {
    let keys = ["a", "b"].map(|id| ApiKey::new(format!("key-{id}-0123456789abcdef"), AuthenticatedUser::new("k")));
    app()
        .middleware(limit)
        .middleware(tokens())
        .middleware(ApiKeyAuth::keys(keys))
        .route(Route::get("/api/x", async || "x").public())
        .route(Route::get("/api/y/{id}", async || "y").public())
        .route(Route::get("/api/mine", async || "mine"))
        .route(Route::get("/api/any", async || "any").optional_auth())
        .build()
        .expect("valid")
}

/// How many requests pass before one is refused.
async fn passing(app: &App, path: &str, peer: &str, headers: &[(&str, &str)]) -> usize {
    for count in 0..100 {
        match ask(app, "GET", path, peer, headers).await.status {
            200 => {}
            429 => return count,
            other => panic!("{other}"),
        }
    }
    100
}

fn bearer(user: &str) -> String {
    format!("Bearer token-of-{user}-0123456789")
}

// Shows S0-19.
#[tokio::test]
async fn two_keys_of_one_user_count_apart_and_whoever_has_none_by_address() {
    let app = limited(limit(2).by(Key::ApiKey));
    let (a, b) = ([("x-api-key", "key-a-0123456789abcdef")], [("x-api-key", "key-b-0123456789abcdef")]);
    assert_eq!((passing(&app, "/api/mine", ONE, &a).await, passing(&app, "/api/mine", OTHER, &a).await), (2, 0));
    assert_eq!(passing(&app, "/api/mine", ONE, &b).await, 2);
    assert_eq!((passing(&app, "/api/x", ONE, &[]).await, passing(&app, "/api/x", OTHER, &[]).await), (2, 2));
}

#[tokio::test]
async fn a_key_that_is_not_known_is_no_key_to_count_by() {
    let app = limited(limit(2).by(Key::ApiKey));
    for guess in 0..3 {
        let guess = format!("key-guess-{guess}-0123456789");
        assert_eq!(ask(&app, "GET", "/api/mine", ONE, &[("x-api-key", &guess)]).await.status, 401);
    }
    assert_eq!(passing(&app, "/api/x", ONE, &[("x-api-key", "key-new-0123456789")]).await, 2);
    assert_eq!(passing(&app, "/api/x", ONE, &[("x-api-key", "key-newer-0123456789")]).await, 0);
}

#[tokio::test]
async fn values_of_a_header_count_apart_and_without_it_addresses_do() {
    let app = limited(limit(2).by(Key::Header(HeaderName::from_static("x-tenant"))));
    assert_eq!(passing(&app, "/api/x", ONE, &[("x-tenant", "a")]).await, 2);
    assert_eq!(passing(&app, "/api/x", OTHER, &[("x-tenant", "a")]).await, 0);
    assert_eq!(passing(&app, "/api/x", ONE, &[("x-tenant", "b")]).await, 2);
    assert_eq!((passing(&app, "/api/x", ONE, &[]).await, passing(&app, "/api/x", OTHER, &[]).await), (2, 2));
}

#[tokio::test]
async fn routes_count_apart_whoever_asks_and_their_parameters_do_not() {
    let app = limited(limit(2).by(Key::Route));
    assert_eq!(passing(&app, "/api/x", ONE, &[]).await, 2);
    assert_eq!(passing(&app, "/api/x", OTHER, &[]).await, 0);
    assert_eq!(passing(&app, "/api/y/1", ONE, &[]).await, 2);
    assert_eq!(passing(&app, "/api/y/2", ONE, &[]).await, 0);
}

#[tokio::test]
async fn what_is_the_same_in_each_key_counts_together() {
    let app = limited(limit(2).by(Key::Address.and(Key::Route)));
    for path in ["/api/x", "/api/y/1"] {
        assert_eq!((passing(&app, path, ONE, &[]).await, passing(&app, path, OTHER, &[]).await), (2, 2), "{path}");
    }
    let app = limited(limit(1).by(Key::Address.and(Key::Route)));
    let passed = async |peer: &str| passing(&app, "/api/x", peer, &[]).await;
    assert_eq!(passed("[2001:db8:1:1::1]:5").await, 1);
    assert_eq!(passed("[2001:db8:1:1::2]:5").await, 0, "one /64");
    let mut of_the_48 = 0;
    for net in 2..40 {
        of_the_48 += passed(&format!("[2001:db8:1:{net:x}::1]:5")).await;
    }
    assert_eq!(of_the_48, 15, "the /48 has sixteen in all");
}

// Shows S0-66, S2-04.
#[tokio::test]
async fn users_and_tiers_have_limits_of_their_own() {
    let app = limited(limit(1).by(Key::User).for_users(2).for_tier("pro", 3).for_tier("gold", 4));
    for (user, most) in [("u1", 2), ("u2", 3), ("u3", 4)] {
        let headers = [("authorization", &*bearer(user))];
        let first = ask(&app, "GET", "/api/mine", ONE, &headers).await;
        assert_eq!(first.header("x-ratelimit-limit"), most.to_string(), "{user}");
        assert_eq!(passing(&app, "/api/mine", ONE, &headers).await, most - 1, "{user}");
    }
    assert_eq!(passing(&app, "/api/any", ONE, &[]).await, 1);
}

// Shows S2-04.
#[tokio::test]
async fn a_caller_is_a_user_where_there_are_users_and_an_address_elsewhere() {
    let by_caller = || limit(1).by(Key::Caller).for_users(2);
    let app = limited(by_caller());
    for user in ["u1", "u2"] {
        assert_eq!(passing(&app, "/api/mine", ONE, &[("authorization", &*bearer(user))]).await, 2, "{user}");
    }
    assert_eq!((passing(&app, "/api/x", ONE, &[]).await, passing(&app, "/api/x", OTHER, &[]).await), (1, 1));
    assert_eq!(ask(&app, "GET", "/api/%zz", ONE, &[]).await.status, 400, "no user is known there, and none is counted");

    let alone = app_of(by_caller());
    assert_eq!((passing(&alone, "/api/x", ONE, &[]).await, passing(&alone, "/api/x", OTHER, &[]).await), (1, 1));
}

fn app_of(limit: RateLimit) -> App {
    app().middleware(limit).route(Route::get("/api/x", async || "x")).build().expect("no authentication is asked for")
}

#[test]
fn who_prefers_users_stands_behind_every_authenticator() {
    let built = app().middleware(limit(1).by(Key::Caller).at(9)).middleware(tokens());
    let found = mistakes(built.route(Route::get("/api/x", async || "x")).build()).join("\n");
    assert!(
        found.contains("middleware.rate-limit: it needs to know the user, and `bearer-auth` finds that out"),
        "{found}"
    );
}

// Shows S0-20.
#[tokio::test]
async fn a_function_makes_the_whole_body_of_the_refusal() {
    let limit = limit(1).body(|ctx, refusal| {
        json!({ "error": "slow down", "path": ctx.path(), "limit": refusal.state.limit, "retryAfter": refusal.retry_after })
    });
    let app = limited(limit);
    assert_eq!(passing(&app, "/api/x", ONE, &[]).await, 1);
    for accept in ["*/*", "application/problem+json"] {
        let refused = ask(&app, "GET", "/api/x", ONE, &[("accept", accept)]).await;
        let wait: u64 = refused.header("retry-after").parse().expect("seconds");
        let expected = json!({ "error": "slow down", "path": "/api/x", "limit": 1, "retryAfter": wait });
        assert_eq!((refused.status, refused.json()), (429, expected));
        assert_eq!(
            (refused.header("content-type"), refused.header("x-ratelimit-remaining")),
            ("application/json", "0")
        );
    }
}

#[tokio::test]
async fn a_refusal_may_have_another_status() {
    let app = limited(limit(1).status(StatusCode::SERVICE_UNAVAILABLE));
    let status = async || -> Answer { ask(&app, "GET", "/api/x", ONE, &[]).await };
    assert_eq!((status().await.status, status().await.status), (200, 503));
    assert!(!status().await.header("retry-after").is_empty());
}

#[test]
fn impossible_keys_and_tiers_name_their_fix() {
    let built = app()
        .route(Route::get("/api/x", async || "x"))
        .middleware(limit(1).by(Key::ApiKey).named("by-key"))
        .middleware(limit(1).for_users(2).named("for-users"))
        .middleware(limit(1).for_tier("pro", 0).for_tier("pro", 2).named("tiers"))
        .middleware(limit(1).status(StatusCode::OK).named("status"))
        .build();
    let found = mistakes(built).join("\n");
    for part in [
        "middleware.by-key: it needs to know the user, and no authenticator",
        "middleware.for-users: it needs to know the user, and no authenticator",
        "middleware.tiers: pro: a limit of 0 refuses everybody",
        "middleware.tiers: pro have two limits; take one of them away",
        "middleware.status: 200 does not say that a request is refused; take 429 or 503",
    ] {
        assert!(found.contains(part), "{part}: {found}");
    }
}

#[test]
fn the_plan_tells_keys_and_tiers() {
    let app = limited(limit(20).by(Key::User.and(Key::Route)).for_users(200).for_tier("pro", 1000));
    let route = app.plan().routes.iter().find(|route| route.path == "/api/mine").expect("a route");
    let step = route.steps.iter().find(|step| step.name == "rate-limit").expect("a limit");
    assert_eq!(step.summary, "20 in 60s by user and route, 1000 for pro, 200 for users");
}

#[tokio::test]
async fn users_of_one_id_and_two_tenants_are_two_users() {
    let of = |tenant: &str| AuthenticatedUser::new("u1").with_tenant(tenant);
    let tokens = BearerAuth::tokens([
        StaticToken::new("token-of-acme-0123456789", of("acme")),
        StaticToken::new("token-of-none-0123456789", AuthenticatedUser::new("u1")),
    ]);
    let app = app()
        .middleware(limit(2).by(Key::User))
        .middleware(tokens)
        .middleware(ApiKeyAuth::keys([ApiKey::new("key-of-other-0123456789", of("other"))]))
        .route(Route::get("/api/mine", async || "mine"))
        .build()
        .expect("valid");
    let acme = ("authorization", "Bearer token-of-acme-0123456789");
    let other = ("x-api-key", "key-of-other-0123456789");
    for credential in [acme, ("authorization", "Bearer token-of-none-0123456789"), other] {
        assert_eq!(passing(&app, "/api/mine", ONE, &[credential]).await, 2, "{credential:?}");
    }
    let both = ask(&app, "GET", "/api/mine", ONE, &[acme, other]).await;
    assert_eq!((both.status, both.code().as_str()), (401, "AUTH_INVALID"));
}
