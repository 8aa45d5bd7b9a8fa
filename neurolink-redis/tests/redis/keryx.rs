//! Counts that Keryx's servers share.

use std::sync::Arc;
use std::time::{Duration, SystemTime};

use neurolink_core::middleware::limit_store::{Algorithm, LimitKey, LimitStore as _, Quota};
use neurolink_core::middleware::{BearerAuth, Key, RateLimit, StaticToken};
use neurolink_core::stack::IntoRegistration as _;
use neurolink_core::{AppBuilder, AuthenticatedUser, Body, ConnInfo, ManualClock};
use neurolink_redis::RedisStore;
use redis::Connection;

use crate::kit::Redis;
use crate::look::{connection, keys};
use crate::support::{self, MINUTE, get, passing, patient, store};

fn keryx(redis: &Redis) -> RedisStore {
    store(&redis.url()).prefix("ratelimit").keryx_keys().callers_time()
}

/// The number of the window in which all these tests are, by the app's clock.
const WINDOW: u64 = 28_445_760;

/// An app in the middle of that window.
fn app() -> AppBuilder {
    support::app().clock(Arc::new(ManualClock::at(Duration::from_secs(WINDOW * 60 + 30))))
}

/// What a server of Keryx does for one request: its count, and when the key ends.
fn as_keryx(connection: &mut Connection, key: &str) -> u64 {
    let (count, _, _): (u64, u64, Option<u64>) = redis::pipe()
        .cmd("INCR")
        .arg(key)
        .cmd("EXPIRE")
        .arg(key)
        .arg(120)
        .cmd("GET")
        .arg("of the window before")
        .query(connection)
        .expect("an answer");
    count
}

// Shows S2-09.
#[tokio::test]
async fn servers_of_both_count_together_at_one_key() {
    let redis = Redis::start();
    let mut theirs = connection(&redis);
    let app = app().middleware(RateLimit::strict_counter(5, MINUTE).store(patient(keryx(&redis)))).build();
    let app = app.expect("valid");
    let key = format!("ratelimit:ip:192.0.2.1:{WINDOW}");
    assert_eq!((as_keryx(&mut theirs, &key), as_keryx(&mut theirs, &key)), (1, 2));
    assert_eq!(passing(&app, "192.0.2.1", 5).await, 3);
    assert_eq!(as_keryx(&mut theirs, &key), 8, "refused requests count");
    assert_eq!(keys(&redis), std::slice::from_ref(&key));
    let left: i64 = redis::cmd("TTL").arg(&key).query(&mut theirs).expect("a lifetime");
    assert!((100..=120).contains(&left), "{left}");
}

#[tokio::test]
async fn redis_tells_the_window_unless_told() {
    let redis = Redis::start();
    let told_by_redis = store(&redis.url()).prefix("ratelimit").keryx_keys();
    let limit = RateLimit::strict_counter(5, MINUTE).store(patient(told_by_redis));
    let minutes = || SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).expect("after 1970").as_secs() / 60;
    let before = minutes();
    assert_eq!(passing(&app().middleware(limit).build().expect("valid"), "192.0.2.1", 1).await, 1);
    let key = keys(&redis).pop().expect("a key");
    let window: u64 = key.rsplit(':').next().and_then(|window| window.parse().ok()).expect("a window");
    assert!((before..=minutes()).contains(&window), "{key}");
}

#[tokio::test]
async fn users_and_rules_with_names_have_keys_of_their_own() {
    let redis = Redis::start();
    let handle = patient(keryx(&redis));
    let token = |name: &str, token: &str| StaticToken::new(token, AuthenticatedUser::new(name));
    let tokens = [token("u1", "token-of-u1-0123456789"), token(&"x".repeat(4000), "token-of-xx-0123456789")];
    let app = app()
        .middleware(BearerAuth::tokens(tokens))
        .middleware(RateLimit::strict_counter(20, MINUTE).by(Key::User).for_users(200).store(&handle))
        .middleware(RateLimit::strict_counter(5, MINUTE).store(&handle).named("oauth-register"));
    let app = app.build().expect("valid");
    for token in ["token-of-u1-0123456789", "token-of-xx-0123456789"] {
        let request = http::Request::get("/api/x").header("host", "localhost");
        let request = request.header("authorization", format!("Bearer {token}")).body(Body::empty());
        let peer = ConnInfo::new(Some(([192, 0, 2, 1], 5).into()));
        assert_eq!(app.handle(request.expect("a request"), peer).await.status(), 200);
    }
    let mut keys = keys(&redis);
    keys.sort();
    let (long, short) = (
        keys.remove(0),
        [format!("ratelimit:oauth-register:ip:192.0.2.1:{WINDOW}"), format!("ratelimit:user:u1:{WINDOW}")],
    );
    assert_eq!(keys, short);
    assert!(long.starts_with("ratelimit:key:") && long.len() < 64, "{long}");
}

#[tokio::test]
async fn the_maths_is_keryxs() {
    let redis = Redis::start();
    let store = keryx(&redis);
    let mut theirs = connection(&redis);
    // Now, the window, the limit, the count of the window before and of this one, what is left, and the wait in ms.
    let vectors = [
        (1_706_745_600_000, 60_000, 20, 0, 1, Some(19), 60_000),
        (1_706_745_600_000, 60_000, 20, 20, 1, None, 60_000),
        (1_706_745_630_000, 60_000, 20, 20, 10, Some(0), 30_000),
        (1_706_745_630_000, 60_000, 20, 20, 11, None, 30_000),
        (1_706_745_659_999, 60_000, 20, 20, 20, Some(0), 1),
        (1_706_745_659_999, 60_000, 20, 20, 21, None, 1),
        (1_706_745_615_000, 60_000, 200, 137, 98, Some(0), 45_000),
        (1_706_745_601_500, 60_000, 5, 5, 1, Some(0), 58_500),
        (1_706_747_399_001, 3_600_000, 5, 0, 6, None, 1_800_999),
    ];
    for (number, (now, window, limit, previous, count, left, wait)) in vectors.into_iter().enumerate() {
        let now: u64 = now;
        let key = LimitKey::new(format!("vector-{number}"), b"u1", 1, {
            Quota::new(limit, Duration::from_millis(window), Algorithm::StrictCounter)
        });
        let base = format!("ratelimit:vector-{number}:{}", key.caller().expect("a caller"));
        for (index, count) in [(now / window - 1, previous), (now / window, count - 1)] {
            let _: () = redis::cmd("SET").arg(format!("{base}:{index}")).arg(count).query(&mut theirs).expect("set");
        }
        let taken = store.take(&[key], Duration::from_millis(now)).await.expect("an answer")[0];
        assert_eq!(taken.charge.map(|_| taken.remaining), left, "vector {number}");
        assert_eq!(taken.wait, Duration::from_millis(wait), "vector {number}");
    }
}

#[tokio::test]
async fn a_refusal_of_another_rule_gives_back() {
    let redis = Redis::start();
    let handle = patient(keryx(&redis));
    let wide = RateLimit::strict_counter(9, MINUTE).store(&handle).named("wide");
    let narrow = RateLimit::strict_counter(1, MINUTE).store(&handle).named("narrow");
    let app = app().middleware(wide).middleware(narrow).build().expect("valid");
    assert_eq!(passing(&app, "192.0.2.1", 4).await, 1);
    let count = |name: &str| -> u64 {
        let key = format!("ratelimit:{name}:ip:192.0.2.1:{WINDOW}");
        redis::cmd("GET").arg(key).query(&mut connection(&redis)).expect("a count")
    };
    assert_eq!((count("wide"), count("narrow")), (1, 4));
}

#[tokio::test]
async fn an_ipv6_client_is_its_networks_and_a_text_of_a_client_is_hashed() {
    let redis = Redis::start();
    let handle = patient(keryx(&redis));
    let by_text = Key::Custom(Arc::new(|_| Some("alice@example.com:1".into())));
    let app = app()
        .middleware(RateLimit::strict_counter(5, MINUTE).store(&handle))
        .middleware(RateLimit::strict_counter(5, MINUTE).by(by_text).store(&handle).named("text"));
    let app = app.build().expect("valid");
    assert_eq!(get(&app, "2001:db8:1:2::1").await.0, 200);
    let mut keys = keys(&redis);
    keys.sort();
    let networks = ["2001:db8:1:2::/64", "2001:db8:1::/48"];
    assert_eq!(keys[..2], networks.map(|network| format!("ratelimit:ip:{network}:{WINDOW}")));
    assert!(keys[2].starts_with("ratelimit:text:key:") && !keys[2].contains("alice"), "{}", keys[2]);
}

#[test]
fn other_algorithms_and_clusters_are_mistakes() {
    let url = "redis://127.0.0.1:1/";
    let cluster = RedisStore::cluster([url]).expect("a URL").keryx_keys();
    let built = app()
        .middleware(RateLimit::strict_counter(5, MINUTE).store(patient(cluster)).named("cluster"))
        .middleware(RateLimit::gcra(5, MINUTE).store(patient(store(url).keryx_keys())).named("gcra"))
        .build();
    let found: Vec<String> = built.expect_err("mistakes").problems().iter().map(ToString::to_string).collect();
    let expected = [
        "middleware.cluster: Keryx's keys are not known before their script runs, which no cluster allows; leave `keryx_keys` away, or take one Redis",
        "middleware.gcra: Keryx's keys hold strict counters only; take `RateLimit::strict_counter`",
    ];
    assert_eq!(found, expected);
}
