//! What a limit in Redis does for an app.

use std::time::Duration;

use neurolink_core::App;
use neurolink_core::middleware::RateLimit;
use neurolink_core::middleware::limit_store::{OnStoreFailure, StoreHandle};
use neurolink_core::stack::IntoRegistration as _;
use neurolink_redis::RedisStore;

use crate::kit::Redis;
use crate::look::calls;
use crate::support::{MINUTE, app, get, passing, patient, store};

fn with(limit: RateLimit) -> App {
    app().middleware(limit).build().expect("valid")
}

fn limit(limit: u32, store: &StoreHandle) -> RateLimit {
    RateLimit::fixed_window(limit, MINUTE).store(store)
}

#[tokio::test]
async fn two_servers_share_a_limit_and_addresses_do_not() {
    let redis = Redis::start();
    let one = with(limit(5, &patient(store(&redis.url()))));
    let two = with(limit(5, &patient(store(&redis.url()))));
    assert_eq!(get(&one, "192.0.2.1").await, (200, "4".into(), String::new()));
    assert_eq!(get(&two, "192.0.2.1").await, (200, "3".into(), String::new()));
    assert_eq!(passing(&one, "192.0.2.1", 10).await, 3);
    let (status, left, wait) = get(&two, "192.0.2.1").await;
    assert_eq!((status, &*left), (429, "0"));
    assert!((1..=60).contains(&wait.parse::<u32>().expect("seconds")), "{wait}");
    assert_eq!(passing(&two, "192.0.2.2", 10).await, 5);
}

#[tokio::test]
async fn each_algorithm_counts_there() {
    let redis = Redis::start();
    let handle = patient(store(&redis.url()));
    let all = [
        RateLimit::fixed_window(3, MINUTE),
        RateLimit::sliding_log(3, MINUTE),
        RateLimit::sliding_counter(3, MINUTE * 1440),
        RateLimit::leaky_bucket(1, MINUTE, 2),
        RateLimit::gcra(3, MINUTE * 60),
    ];
    for rule in all {
        let app = with(rule.clone().store(&handle));
        assert_eq!(passing(&app, "192.0.2.1", 9).await, 3, "{rule:?}");
        // The /48 of an IPv6 client has sixteen times the limit.
        assert_eq!(passing(&app, "2001:db8::1", 9).await, 3, "{rule:?}");
        assert_eq!(passing(&app, "2001:db8:0:1::1", 9).await, 3, "{rule:?}");
    }
}

#[tokio::test]
async fn a_check_is_one_script_a_rule_and_a_refusal_gives_back_with_one_more() {
    let redis = Redis::start();
    let handle = patient(store(&redis.url()));
    let (wide, narrow) = (limit(9, &handle).named("wide"), limit(1, &handle).named("narrow"));
    let app = app().middleware(wide).middleware(narrow).build().expect("valid");
    assert_eq!(get(&app, "192.0.2.1").await.0, 200);
    // The first ones found no scripts, and were called again.
    let before = calls(&redis, "evalsha");
    assert_eq!(calls(&redis, "script|load"), 6);
    assert_eq!(get(&app, "192.0.2.2").await.0, 200);
    assert_eq!(calls(&redis, "evalsha") - before, 2);
    assert_eq!(get(&app, "192.0.2.2").await.0, 429);
    assert_eq!(calls(&redis, "evalsha") - before, 5, "two to take, one to give back");
    let one = with(limit(9, &handle));
    let (scripts, inside) =
        (calls(&redis, "evalsha"), calls(&redis, "get") + calls(&redis, "set") + calls(&redis, "time"));
    assert_eq!(passing(&one, "192.0.2.3", 9).await, 9);
    assert_eq!(calls(&redis, "evalsha") - scripts, 9);
    assert_eq!(
        calls(&redis, "get") + calls(&redis, "set") + calls(&redis, "time") - inside,
        27,
        "three inside of each"
    );
}

#[tokio::test]
async fn costs_are_charged_and_given_back_there() {
    let redis = Redis::start();
    let handle = patient(store(&redis.url()));
    let (one, two) = (store(&redis.url()), store(&redis.url()));
    let app_of = |store: RedisStore, rule: fn(RateLimit) -> RateLimit| with(rule(limit(10, &patient(store))));
    let costly = app_of(one, |rule| rule.cost(|_, _| 4));
    assert_eq!(passing(&costly, "192.0.2.1", 9).await, 3);
    let free = app_of(two, |rule| rule.cost(|_, _| 0));
    assert_eq!(passing(&free, "192.0.2.2", 30).await, 30);
    assert_eq!(get(&with(limit(10, &handle)), "192.0.2.1").await.0, 429, "another server sees the cost");
}

#[tokio::test]
async fn parallel_clients_of_two_servers_never_get_more_than_the_limit() {
    let redis = Redis::start();
    let url = redis.url();
    for rule in [RateLimit::fixed_window(25, MINUTE), RateLimit::sliding_log(25, MINUTE)] {
        let servers = [0, 1].map(|_| with(rule.clone().store(patient(store(&url)))));
        let clients = (0..10).map(|client| {
            let app = servers[client % 2].clone();
            tokio::spawn(async move { passing(&app, "192.0.2.1", 10).await })
        });
        let mut passed = 0;
        for client in clients.collect::<Vec<_>>() {
            passed += client.await.expect("a client");
        }
        assert_eq!(passed, 25);
    }
}

#[test]
fn what_redis_cannot_count_is_a_mistake() {
    let handle = || StoreHandle::new(store("redis://127.0.0.1:1/"));
    let named = |prefix: &str| StoreHandle::new(store("redis://127.0.0.1:1/").prefix(prefix));
    let rules = [
        RateLimit::sliding_log(10_001, MINUTE).capacity(1_000_000).store(handle()).named("log"),
        RateLimit::gcra(u32::MAX, Duration::from_secs(86_400)).store(handle()).named("gcra"),
        RateLimit::fixed_window(1, MINUTE).store(named("")).named("empty"),
        RateLimit::fixed_window(1, MINUTE).store(named("a}b")).named("brace"),
    ];
    let built = rules.into_iter().fold(app(), neurolink_core::AppBuilder::middleware).build();
    let found: Vec<String> = built.expect_err("mistakes").problems().iter().map(ToString::to_string).collect();
    let prefix = "the prefix of its keys in Redis needs 1 to 64 letters, digits or `-_.:/`";
    let expected = [
        "middleware.log: a sliding log in Redis keeps at most 10000 times; give a smaller limit, or take a sliding counter",
        "middleware.gcra: so many in so long are more than Redis counts exactly; give a smaller limit or a shorter window",
        &format!("middleware.empty: {prefix}"),
        &format!("middleware.brace: {prefix}"),
    ];
    assert_eq!(found, expected);
}

#[test]
fn a_text_that_is_no_url_is_an_error_that_does_not_show_it() {
    for text in ["", "localhost", "http://:hunter2@localhost/", "redis://:hunter2@localhost/x"] {
        let error = RedisStore::new(text).expect_err(text);
        assert!(error.to_string().contains("redis://user:password@host:port/database"), "{error}");
        assert!(!error.to_string().contains("hunter2") && !format!("{error:?}").contains("hunter2"), "{error:?}");
    }
    let store = RedisStore::new("redis://:hunter2@localhost/1").expect("a URL");
    assert!(!format!("{store:?}").contains("hunter2"));
    let policy = format!("{:?}", limit(1, &StoreHandle::new(store)).on_store_failure(OnStoreFailure::Allow));
    assert!(!policy.contains("hunter2"), "{policy}");
}
