//! Who is limited where, and by which rule.

use std::sync::Arc;
use std::time::Duration;

use neurolink_core::middleware::limit_store::{MemoryStore, StoreHandle};
use neurolink_core::middleware::{
    ApiKey, ApiKeyAuth, BearerAuth, Key, RateLimit, RateLimitHeaders, RequireRoles, StaticToken,
};
use neurolink_core::stack::IntoRegistration as _;
use neurolink_core::{AuthenticatedUser, Context, Error, ManualClock, Next, Response, Route, from_fn};

use crate::fixture::{KEY, PEER, START, TOKEN, app, get, tokens};
use crate::support::{ask, mistakes};

const MINUTE: Duration = Duration::from_secs(60);

// Shows S0-22, S2-11, O-D19.
#[tokio::test]
async fn the_limit_is_told_whatever_the_answer() {
    let auth = format!("Bearer {TOKEN}");
    let known = [("authorization", auth.as_str())];
    let app = app().0.middleware(RateLimit::fixed_window(100, MINUTE)).middleware(tokens()).build().expect("valid");
    let requests = [
        ("/api/x", &known[..], 200),
        ("/api/x", &[], 401),
        ("/api/nope", &known, 404),
        ("/api/boom", &known, 500),
        ("/api/stream", &known, 200),
    ];
    for (left, (path, headers, status)) in (95..100).rev().zip(requests) {
        let answer = get(&app, path, headers).await;
        assert_eq!((answer.status, answer.header("x-ratelimit-limit")), (status, "100"), "{path}");
        assert_eq!(answer.header("x-ratelimit-remaining"), left.to_string(), "{path}");
        assert_eq!(answer.header("x-ratelimit-reset"), (START + MINUTE).as_secs().to_string(), "{path}");
    }
}

#[tokio::test]
async fn the_limit_is_told_also_where_no_handler_runs() {
    let app = app().0.middleware(RateLimit::fixed_window(100, MINUTE)).build().expect("valid");
    let long = format!("/api/x?{}", "x".repeat(20_000));
    let requests = [
        ("GET", "/api/%zz", 400),
        ("GET", long.as_str(), 414),
        ("DELETE", "/api/x", 405),
        ("BREW", "/api/x", 405),
        ("OPTIONS", "/api/x", 204),
        ("HEAD", "/api/x", 200),
    ];
    for (left, (method, path, status)) in (94..100).rev().zip(requests) {
        let answer = ask(&app, method, path, "192.0.2.1:5", &[]).await;
        let told = (answer.header("x-ratelimit-limit"), answer.header("x-ratelimit-remaining").to_owned());
        assert_eq!((answer.status, told), (status, ("100", left.to_string())), "{method} {status}");
    }
}

#[tokio::test]
async fn no_header_is_told_where_none_is_chosen() {
    let limit = RateLimit::fixed_window(1, MINUTE).headers([]);
    let app = app().0.middleware(limit).build().expect("valid");
    for status in [200, 429] {
        let answer = get(&app, "/api/x", &[]).await;
        assert_eq!(answer.status, status);
        let told: Vec<_> = answer.headers.keys().filter(|name| name.as_str().contains("ratelimit")).collect();
        assert!(told.is_empty(), "{told:?}");
        assert_eq!(answer.headers.contains_key("retry-after"), status == 429);
    }
}

#[tokio::test(start_paused = true)]
async fn the_limit_is_told_when_the_deadline_passes_and_when_a_middleware_panics() {
    async fn panics(_: &mut Context, _: Next<'_>) -> Result<Response, Error> {
        panic!("secret")
    }
    let hangs = Route::get("/api/hangs", async || std::future::pending::<&'static str>().await);
    let app = app()
        .0
        .middleware(RateLimit::fixed_window(5, MINUTE).headers([RateLimitHeaders::Legacy, RateLimitHeaders::Draft6]));
    let app = app.middleware(from_fn("panics", panics).only(["/api/x"])).route(hangs).build().expect("valid");
    for (path, status, left) in [("/api/hangs", 504, "4"), ("/api/x", 500, "3")] {
        let answer = get(&app, path, &[]).await;
        assert_eq!((answer.status, answer.header("x-ratelimit-remaining")), (status, left), "{path}");
        assert_eq!(answer.header("ratelimit-limit"), "5", "{path}");
    }
}

#[tokio::test]
async fn a_route_has_its_own_limit_beside_that_of_all() {
    let own = Route::get("/api/own", async || "x").rate_limit(RateLimit::fixed_window(1, MINUTE));
    let app = app().0.middleware(RateLimit::fixed_window(3, MINUTE)).route(own).build().expect("valid");
    let status = async |path: &str| get(&app, path, &[]).await.status;
    assert_eq!((status("/api/own").await, status("/api/own").await), (200, 429));
    assert_eq!((status("/api/x").await, status("/api/x").await), (200, 200), "a refusal is charged nowhere");
    assert_eq!(status("/api/x").await, 429);
}

#[tokio::test]
async fn routes_with_limits_of_their_own_have_counts_of_their_own_in_a_store_too() {
    let store = StoreHandle::new(MemoryStore::new(100));
    let mut app = app().0;
    for path in ["/api/one", "/api/two/{id}"] {
        let own = RateLimit::fixed_window(1, MINUTE).store(&store).headers([RateLimitHeaders::Draft10]);
        app = app.route(Route::get(path, async || "x").rate_limit(own));
    }
    let app = app.build().expect("valid");
    let status = async |path: &str| get(&app, path, &[]).await.status;
    assert_eq!((status("/api/one").await, status("/api/two/1").await), (200, 200));
    assert_eq!((status("/api/one").await, status("/api/two/2").await), (429, 429));
    let policy = get(&app, "/api/two/1", &[]).await.header("ratelimit-policy").to_owned();
    assert_eq!(policy, "\"route-rate-limit GET /api/two/{id}\";q=1;w=60");
}

#[test]
fn limits_that_would_have_one_count_in_a_store_are_a_mistake_and_clones_are_none() {
    let store = StoreHandle::new(MemoryStore::new(100));
    let limit = || RateLimit::fixed_window(1, MINUTE).store(&store);
    let (one, two) = (limit(), limit());
    let with = |first: RateLimit, second: RateLimit| {
        let first = Route::get("/api/one", async || "x").middleware(first);
        app().0.route(first).route(Route::get("/api/two", async || "x").middleware(second)).build()
    };
    let found = mistakes(with(one.clone(), two));
    assert!(found.join("\n").contains("one count in their store; give one of them another name"), "{found:?}");
    with(one.clone(), one).expect("they share it on purpose");
}

#[test]
fn the_name_of_a_limit_that_is_a_tier_of_another_is_a_mistake_in_one_store() {
    let store = StoreHandle::new(MemoryStore::new(100));
    let limit = || RateLimit::fixed_window(1, MINUTE).by(Key::User).store(&store);
    let build = |name: &str| {
        let auth = BearerAuth::tokens([StaticToken::new("token-of-u1-0123456789", AuthenticatedUser::new("u1"))]);
        app()
            .0
            .middleware(auth)
            .middleware(limit().for_tier("pro", 5).named("all"))
            .middleware(limit().named(name))
            .build()
    };
    assert!(mistakes(build("all@pro")).join("\n").contains("one count in their store"));
    build("all@plus").expect("it is no tier of the other");
}

#[tokio::test]
async fn a_tier_that_is_called_users_is_not_all_users_in_a_store() {
    let store = StoreHandle::new(MemoryStore::new(100));
    let tokens = [("token-of-u1-0123456789", Some("users")), ("token-of-u2-0123456789", None)].map(|(token, role)| {
        let user = AuthenticatedUser::new("same");
        StaticToken::new(token, user.with_roles(role))
    });
    let limit = RateLimit::fixed_window(9, MINUTE).by(Key::User).for_tier("users", 1).for_users(1).store(&store);
    let app = app().0.middleware(BearerAuth::tokens(tokens)).middleware(limit).build().expect("valid");
    for (token, status) in [("u1", 200), ("u1", 429), ("u2", 200), ("u2", 429)] {
        let credentials = format!("Bearer token-of-{token}-0123456789");
        assert_eq!(get(&app, "/api/x", &[("authorization", &credentials)]).await.status, status, "{token}");
    }
}

#[tokio::test]
async fn a_limit_whose_clones_stand_at_two_routes_counts_for_each() {
    let limit = RateLimit::fixed_window(1, MINUTE);
    let route = |path| Route::get(path, async || "x").rate_limit(limit.clone());
    let app = app().0.route(route("/api/one")).route(route("/api/two")).build().expect("valid");
    let status = async |path: &str| get(&app, path, &[]).await.status;
    assert_eq!((status("/api/one").await, status("/api/two").await), (200, 200));
    assert_eq!((status("/api/one").await, status("/api/two").await), (429, 429));
}

// Shows V48.
#[tokio::test]
async fn a_function_may_choose_the_key_and_skipped_paths_do_not_count() {
    let tenant: Key = Key::Custom(Arc::new(|ctx| ctx.headers().get("x-tenant")?.to_str().ok().map(str::to_owned)));
    let limit = RateLimit::fixed_window(1, MINUTE).by(tenant).except(["/api/public"]);
    let app = app().0.middleware(limit).build().expect("valid");
    let of = async |path: &str, tenant: &str| get(&app, path, &[("x-tenant", tenant)]).await.status;
    for _ in 0..3 {
        assert_eq!(of("/api/public", "a").await, 200);
        assert_eq!(get(&app, "/api/x", &[]).await.status, 200, "no key, no count");
    }
    assert_eq!((of("/api/x", "a").await, of("/api/x", "a").await), (200, 429));
    assert_eq!(of("/api/x", "b").await, 200);
    assert_eq!(of("/api/public", "a").await, 200);
}

// Shows S0-64, S1-11, S1-45, S1-46, S3-21, O-D10.
#[tokio::test]
async fn two_rules_on_one_path_both_count_and_each_route_may_have_its_own() {
    let (builder, clock) = app();
    let hour = Duration::from_secs(3600);
    let app = builder
        .middleware(RateLimit::fixed_window(8, MINUTE).only(["/api/*"]))
        .middleware(
            RateLimit::fixed_window(2, MINUTE)
                .message("Stream rate limit exceeded")
                .only(["/api/stream"])
                .named("streams"),
        )
        .route(Route::get("/api/keys", async || "k").middleware(RateLimit::fixed_window(5, hour).named("keys")))
        .build()
        .expect("valid");
    for status in [200, 200, 429] {
        assert_eq!(get(&app, "/api/stream", &[]).await.status, status);
    }
    assert!(get(&app, "/api/stream", &[]).await.body.contains("Stream rate limit exceeded"));
    let mut passed = 0;
    while get(&app, "/api/x", &[]).await.status == 200 {
        passed += 1;
        assert!(passed <= 8, "the general rule never refuses");
    }
    assert!(passed < 8, "streams counted in the general rule too, {passed} passed");
    clock.advance(MINUTE);
    let mut keys = Vec::new();
    for _ in 0..6 {
        keys.push(get(&app, "/api/keys", &[]).await.status);
    }
    assert_eq!(keys, [200, 200, 200, 200, 200, 429]);
    clock.advance(MINUTE);
    assert_eq!(get(&app, "/api/keys", &[]).await.status, 429, "its own window is an hour");
    clock.advance(hour);
    assert_eq!(get(&app, "/api/keys", &[]).await.status, 200);
}

// Shows S0-05, S0-08, S0-85.
#[tokio::test]
async fn an_api_key_may_come_in_another_header_and_its_roles_count() {
    let kim = AuthenticatedUser::new("kim").with_roles(["reader", "writer"]);
    let lee = AuthenticatedUser::new("lee").with_roles(["reader"]);
    let keys = ApiKeyAuth::keys([ApiKey::new(KEY, kim), ApiKey::new("key-of-lee-0123456789", lee)]);
    let app = app()
        .0
        .middleware(keys.header("x-service-key"))
        .middleware(RequireRoles::all(["reader", "writer"]).only(["/api/x"]))
        .build()
        .expect("valid");
    let of = async |name: &str, key: &str| get(&app, "/api/x", &[(name, key)]).await.status;
    assert_eq!(of("x-service-key", KEY).await, 200);
    assert_eq!(of("x-api-key", KEY).await, 401);
    assert_eq!(of("x-service-key", "key-of-lee-0123456789").await, 403, "one role of two");
}

// Shows S0-62, O-D10.
#[tokio::test]
async fn a_route_may_ask_for_permissions() {
    let with = |id: &str, permissions: &[&str]| AuthenticatedUser::new(id).with_permissions(permissions.to_vec());
    let keys = ApiKeyAuth::keys([
        ApiKey::new(KEY, with("kim", &["keys:read", "keys:write"])),
        ApiKey::new("key-of-lee-0123456789", with("lee", &["keys:read"])),
    ]);
    let app = app()
        .0
        .middleware(keys)
        .route(Route::get("/api/keys", async || "k").permissions(["keys:read", "keys:write"]))
        .build()
        .expect("valid");
    let of = async |key: &str| get(&app, "/api/keys", &[("x-api-key", key)]).await.status;
    assert_eq!((of(KEY).await, of("key-of-lee-0123456789").await), (200, 403));
    assert_eq!(get(&app, "/api/keys", &[]).await.status, 401);
}

// Shows S0-24, S0-25, V47, V50, P-D8, P-D32.
#[tokio::test]
async fn the_limit_counts_whatever_the_status_and_waiting_helps() {
    let (builder, clock) = app();
    let app = builder.middleware(RateLimit::fixed_window(3, Duration::from_secs(60))).build().expect("valid");
    for (path, method, left) in [("/api/x", "GET", "2"), ("/api/nope", "GET", "1"), ("/api/x", "HEAD", "0")] {
        let answer = ask(&app, method, path, PEER, &[]).await;
        assert_eq!((answer.header("x-ratelimit-limit"), answer.header("x-ratelimit-remaining")), ("3", left));
        assert_eq!(answer.header("x-ratelimit-reset"), (START.as_secs() + 60).to_string());
    }
    clock.advance(Duration::from_millis(18_500));
    let refused = get(&app, "/api/x", &[("x-forwarded-for", "1.2.3.4")]).await;
    assert_eq!((refused.status, refused.header("retry-after")), (429, "42"));
    assert_eq!(refused.header("x-ratelimit-remaining"), "0");
    assert!(refused.body.contains("\"retryAfter\":42"), "{}", refused.body);
    assert_eq!(ask(&app, "GET", "/api/x", "192.0.2.2:5", &[]).await.status, 200);
    clock.advance(Duration::from_secs(42));
    assert_eq!(get(&app, "/api/x", &[]).await.status, 200);
}

// Shows O-D18, P-D7.
#[tokio::test]
async fn an_unknown_address_is_an_error_and_never_a_shared_key() {
    let app = app().0.middleware(RateLimit::fixed_window(3, Duration::from_secs(60))).build().expect("valid");
    assert_eq!(ask(&app, "GET", "/api/x", "", &[]).await.status, 500);
}

#[tokio::test]
async fn an_ipv6_client_cannot_flee_into_its_own_network() {
    let app = app().0.middleware(RateLimit::fixed_window(1, Duration::from_secs(60))).build().expect("valid");
    assert_eq!(ask(&app, "GET", "/api/x", "[2001:db8::1]:5", &[]).await.status, 200);
    assert_eq!(ask(&app, "GET", "/api/x", "[2001:db8::2]:5", &[]).await.status, 429);
    assert_eq!(ask(&app, "GET", "/api/x", "[2001:db8:0:1::1]:5", &[]).await.status, 200);
}

// Shows S0-18, S2-04.
#[tokio::test]
async fn a_limit_by_user_stands_behind_authentication_by_itself() {
    let limit = RateLimit::fixed_window(1, Duration::from_secs(60)).by(Key::User).message("slower");
    let app = app().0.middleware(limit).middleware(tokens()).build().expect("valid");
    let of = async |token: &str| get(&app, "/api/x", &[("authorization", &format!("Bearer {token}"))]).await;
    assert_eq!(of(TOKEN).await.status, 200);
    let refused = of(TOKEN).await;
    assert_eq!(refused.status, 429);
    assert!(refused.body.contains("slower"));
    assert_eq!(of("token-of-u2-0123456789").await.status, 200);
    assert_eq!(get(&app, "/api/x", &[]).await.status, 401);
}

// Shows S2-10.
#[tokio::test]
async fn a_message_may_name_the_seconds() {
    let limit = RateLimit::strict_counter(1, Duration::from_secs(60));
    let limit = limit.message("Rate limit exceeded. Try again in {seconds} seconds.");
    let clock = Arc::new(ManualClock::at(Duration::from_millis(1_706_745_601_500)));
    let app = crate::support::app().clock(clock).middleware(limit).build().expect("valid");
    let get = async || ask(&app, "GET", "/api/x", "192.0.2.1:5", &[]).await;
    let (passed, refused) = (get().await, get().await);
    assert_eq!(passed.status, 404);
    assert_eq!(refused.header("retry-after"), "59");
    assert_eq!(refused.json()["error"]["message"], "Rate limit exceeded. Try again in 59 seconds.");
}
