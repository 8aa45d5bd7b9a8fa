//! Limits and API keys in a cluster of three nodes.

use std::time::{Duration, Instant};

use neurolink_core::middleware::{ApiKeyHash, ApiKeyStore as _, RateLimit, StoredApiKey};
use neurolink_core::stack::IntoRegistration as _;
use neurolink_redis::{RedisApiKeys, RedisStore};

use crate::kit::{Redis, free_port};
use crate::look::{calls, connection, keys};
use crate::support::{MINUTE, app, get, passing, patient};

/// Three nodes, each with a third of the slots.
pub(crate) async fn nodes() -> [Redis; 3] {
    let nodes = [(); 3].map(|()| {
        let bus = free_port().to_string();
        Redis::with(&["--cluster-enabled", "yes", "--cluster-port", &bus, "--cluster-require-full-coverage", "no"])
    });
    let first = &nodes[0];
    for (node, slots) in nodes.iter().zip([(0, 5461), (5462, 10922), (10923, 16383)]) {
        let mut connection = connection(node);
        let _: () =
            redis::cmd("CLUSTER").arg("ADDSLOTSRANGE").arg(slots.0).arg(slots.1).query(&mut connection).expect("slots");
        let _: () = redis::cmd("CLUSTER")
            .arg("MEET")
            .arg("127.0.0.1")
            .arg(first.port)
            .arg(&first.settings[3])
            .query(&mut connection)
            .expect("a meeting");
    }
    let start = Instant::now();
    let knows_all = |node: &Redis| {
        let info: String = redis::cmd("CLUSTER").arg("INFO").query(&mut connection(node)).expect("a state");
        info.contains("cluster_state:ok") && info.contains("cluster_slots_ok:16384")
    };
    while !nodes.iter().all(knows_all) {
        assert!(start.elapsed() < Duration::from_secs(20), "the nodes do not meet");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    nodes
}

#[tokio::test]
async fn each_key_is_counted_by_its_node_and_each_node_has_the_scripts() {
    let nodes = nodes().await;
    let handle = patient(RedisStore::cluster([nodes[1].url().as_str()]).expect("a URL"));
    let wide = RateLimit::sliding_counter(3, MINUTE).store(&handle).named("wide");
    let narrow = RateLimit::gcra(2, MINUTE).store(&handle).named("narrow");
    let app = app().middleware(wide).middleware(narrow).build().expect("valid");
    for client in 1..=40 {
        assert_eq!(passing(&app, &format!("192.0.2.{client}"), 4).await, 2, "client {client}");
    }
    for node in &nodes {
        assert!(keys(node).len() > 10, "a node has next to no keys");
        assert_eq!(calls(node, "script|load"), 6);
    }
    assert_eq!(nodes.iter().map(|node| keys(node).len()).sum::<usize>(), 80);
}

#[tokio::test]
async fn a_node_that_is_gone_fails_the_requests_that_have_a_key_there() {
    let mut nodes = nodes().await;
    let urls = nodes.each_ref().map(Redis::url);
    let store = RedisStore::cluster(urls.iter().map(String::as_str)).expect("URLs");
    let app = app().middleware(RateLimit::fixed_window(9, MINUTE).store(patient(store))).build().expect("valid");
    let clients: Vec<String> = (1..=20).map(|client| format!("192.0.2.{client}")).collect();
    for client in &clients {
        assert_eq!(get(&app, client).await.0, 200);
    }
    let lost: usize = keys(&nodes[2]).len();
    nodes[2].kill();
    let mut failed = 0;
    for client in &clients {
        failed += usize::from(get(&app, client).await.0 == 503);
    }
    assert!(lost > 0 && failed >= 1 && failed <= lost, "{failed} of {lost}");
}

#[test]
fn nodes_that_differ_or_are_none_are_an_error_that_does_not_show_them() {
    for urls in [
        &[][..],
        &["redis://:hunter2@localhost/", "redis://:other@localhost/"],
        &["redis+unix:///tmp/hunter2"],
        &["redis://:hunter2@localhost/", "http://localhost"],
    ] {
        let error = RedisStore::cluster(urls.iter().copied()).expect_err("no cluster");
        assert!(!error.to_string().contains("hunter2") && !format!("{error:?}").contains("hunter2"), "{error:?}");
    }
}

#[tokio::test]
async fn each_api_key_is_on_its_node_until_it_is_revoked() {
    let nodes = nodes().await;
    let store = RedisApiKeys::cluster([nodes[1].url().as_str()]).expect("a URL");
    let all: Vec<_> = (0..60).map(|number| StoredApiKey::new(ApiKeyHash::of(&format!("{number}")), "alice")).collect();
    for key in &all {
        store.insert(key.clone(), Duration::ZERO).await.expect("kept");
        assert_eq!(store.find(&key.hash).await.expect("found").as_ref(), Some(key));
    }
    assert!(nodes.iter().all(|node| keys(node).len() > 5), "a node has next to no keys");
    assert!(store.revoke(&all[0].id()).await.expect("it answers"));
    assert_eq!(store.find(&all[0].hash).await.expect("it answers"), None);
    assert_eq!(nodes.iter().map(|node| keys(node).len()).sum::<usize>(), 59);
}
