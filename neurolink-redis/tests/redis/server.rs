//! What a Redis sees of it: keys, their lifetimes, scripts, rights, slots.

use neurolink_core::middleware::{Key, RateLimit};
use neurolink_core::stack::IntoRegistration as _;
use redis::Connection;

use crate::kit::Redis;
use crate::look::{calls, connection, documented_user, keys};
use crate::support::{MINUTE, app, get, passing, patient, store};

/// A line of each algorithm, with a client's text as its key.
fn rules(store: &neurolink_core::middleware::limit_store::StoreHandle) -> [(&'static str, RateLimit); 6] {
    let by_text = Key::Custom(std::sync::Arc::new(|_| Some("alice@example.com".into())));
    [
        ("fixed", RateLimit::fixed_window(3, MINUTE)),
        ("log", RateLimit::sliding_log(3, MINUTE)),
        ("counter", RateLimit::sliding_counter(3, MINUTE)),
        ("strict", RateLimit::strict_counter(3, MINUTE)),
        ("bucket", RateLimit::leaky_bucket(1, MINUTE, 2)),
        ("gcra", RateLimit::gcra(3, MINUTE)),
    ]
    .map(|(name, rule)| (name, rule.by(by_text.clone()).store(store)))
}

fn lifetime(connection: &mut Connection, key: &str) -> i64 {
    redis::cmd("PTTL").arg(key).query(connection).expect("a lifetime")
}

#[tokio::test]
async fn every_key_is_hashed_has_a_lifetime_and_one_slot_and_keeps_it_when_refused() {
    let redis = Redis::start();
    let handle = patient(store(&redis.url()).prefix("limits:prod"));
    for (name, rule) in rules(&handle) {
        let app = app().middleware(rule.named(name)).build().expect("valid");
        for requests in [1, 20] {
            passing(&app, "192.0.2.1", requests).await;
            let keys = keys(&redis);
            let key = keys.iter().find(|key| key.starts_with(&format!("{{limits:prod:{name}:"))).expect(name);
            let hash = key.rsplit(':').next().expect("a hash").trim_end_matches('}');
            assert!(
                hash.len() == 32 && hash.bytes().all(|byte| byte.is_ascii_hexdigit()) && key.ends_with('}'),
                "{key}"
            );
            let left = lifetime(&mut connection(&redis), key);
            // A bucket of three that one a minute leaves.
            assert!((1..=181_000).contains(&left), "{key}: {left}");
        }
    }
    assert_eq!(keys(&redis).len(), 6);
    assert!(!keys(&redis).concat().contains("alice"));
}

#[tokio::test]
async fn a_log_keeps_no_more_than_the_limit() {
    let redis = Redis::start();
    let rule = RateLimit::sliding_log(5, MINUTE).store(patient(store(&redis.url()))).cost(|_, _| 1000);
    let app = app().middleware(rule).build().expect("valid");
    assert_eq!(passing(&app, "192.0.2.1", 20).await, 1);
    let key = keys(&redis).pop().expect("a key");
    let length: usize = redis::cmd("LLEN").arg(&key).query(&mut connection(&redis)).expect("a length");
    assert_eq!(length, 5);
}

#[tokio::test]
async fn lost_scripts_are_loaded_once_for_all_who_miss_them() {
    let redis = Redis::start();
    let handle = patient(store(&redis.url()));
    let app = app().middleware(RateLimit::fixed_window(1000, MINUTE).store(&handle)).build().expect("valid");
    for round in 1..=3 {
        let clients: Vec<_> = (0..10)
            .map(|_| {
                let app = app.clone();
                tokio::spawn(async move { get(&app, "192.0.2.1").await.0 })
            })
            .collect();
        for client in clients {
            assert_eq!(client.await.expect("a client"), 200);
        }
        assert_eq!(calls(&redis, "script|load"), 6 * round);
        let _: () = redis::cmd("SCRIPT").arg("FLUSH").query(&mut connection(&redis)).expect("flushed");
    }
}

#[tokio::test]
async fn the_documented_user_may_do_all_that_is_needed_and_nothing_else() {
    let redis = Redis::start();
    let url = documented_user(&redis, "neurolink");
    let handle = patient(store(&url));
    for (name, rule) in rules(&handle) {
        let app = app().middleware(rule.named(name)).build().expect("valid");
        assert_eq!(passing(&app, "192.0.2.1", 9).await, 3, "{name}");
    }
    for (name, rule) in rules(&handle) {
        for (cost, change) in [(0, "free"), (5, "costly")] {
            let rule = rule.clone().cost(move |_, _| cost).named(format!("{name}-{change}"));
            let app = app().middleware(rule).build().expect("valid");
            assert_eq!(passing(&app, "192.0.2.1", 9).await, if cost == 0 { 9 } else { 1 }, "{name} {change}");
        }
    }
    let mut own = redis::Client::open(url).and_then(|client| client.get_connection()).expect("connected");
    let forbidden: [&[&str]; 6] = [
        &["GET", "elsewhere"],
        &["KEYS", "*"],
        &["FLUSHALL"],
        &["CONFIG", "GET", "*"],
        &["EVAL", "return 1", "0"],
        &["SCRIPT", "FLUSH"],
    ];
    for words in forbidden {
        let mut command = redis::cmd(words[0]);
        words[1..].iter().for_each(|word| _ = command.arg(word));
        let error = command.query::<redis::Value>(&mut own).expect_err("it is forbidden");
        assert!(error.to_string().contains("permission"), "{words:?}: {error}");
    }
}

#[tokio::test]
async fn a_redis_in_cluster_mode_accepts_every_call() {
    let redis = Redis::with(&["--cluster-enabled", "yes"]);
    let _: () =
        redis::cmd("CLUSTER").arg("ADDSLOTSRANGE").arg(0).arg(16383).query(&mut connection(&redis)).expect("all slots");
    let handle = patient(store(&redis.url()));
    // The cluster serves as soon as it knows that no slot is missing.
    let ready = || {
        let info: String = redis::cmd("CLUSTER").arg("INFO").query(&mut connection(&redis)).expect("a state");
        info.contains("cluster_state:ok")
    };
    while !ready() {
        tokio::time::sleep(std::time::Duration::from_millis(20)).await;
    }
    let app = rules(&handle).into_iter().fold(app(), |app, (name, rule)| app.middleware(rule.named(name)));
    let app = app.build().expect("valid");
    assert_eq!(passing(&app, "192.0.2.1", 9).await, 3, "six keys in six slots, in one pipeline");
}
