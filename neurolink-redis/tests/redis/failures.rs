//! A Redis that is gone, stopped, or comes back.

use std::time::{Duration, Instant};

use neurolink_core::App;
use neurolink_core::middleware::RateLimit;
use neurolink_core::middleware::limit_store::{OnStoreFailure, StoreHandle};

use crate::kit::{Redis, free_port, url};
use crate::log::Log;
use crate::look::{calls, connection, connections};
use crate::support::{MINUTE, app, get, passing, patient, store};

const BUDGET: Duration = Duration::from_millis(50);
/// What an answer may take beside the budget. On a quiet machine it is far below 20 ms, which `benches/redis.py` asks
/// for; here many tests run at one time.
const TOLERANCE: Duration = Duration::from_millis(250);
const SECOND: Duration = Duration::from_secs(1);

fn with(handle: &StoreHandle, policy: OnStoreFailure) -> App {
    app().middleware(RateLimit::fixed_window(6, MINUTE).store(handle).on_store_failure(policy)).build().expect("valid")
}

/// Asks until the store is left alone, and gives how many requests that took; each must be in time.
async fn until_open(handle: &StoreHandle, app: &App, status: u16) -> usize {
    for request in 1..=20 {
        let start = Instant::now();
        assert_eq!(get(app, "192.0.2.1").await.0, status);
        assert!(start.elapsed() < BUDGET + TOLERANCE, "request {request}: {:?}", start.elapsed());
        if handle.is_open() {
            return request;
        }
    }
    panic!("it stays closed");
}

/// Waits for a condition.
async fn until(what: &str, is: impl Fn() -> bool) {
    let start = Instant::now();
    while !is() {
        assert!(start.elapsed() < 20 * SECOND, "never: {what}");
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

async fn until_closed(handle: &StoreHandle) -> Duration {
    let start = Instant::now();
    until("it closes", || !handle.is_open()).await;
    start.elapsed()
}

/// Asks many times while the store is left alone: nobody waits.
async fn at_once(app: &App, requests: u32, status: u16) {
    let start = Instant::now();
    for _ in 0..requests {
        assert_eq!(get(app, "192.0.2.1").await.0, status);
    }
    assert!(start.elapsed() < requests * BUDGET / 4, "{requests} requests took {:?}", start.elapsed());
}

/// The lines that tell how the store is.
fn about_stores(log: &Log) -> Vec<String> {
    log.text().lines().filter(|line| line.contains("limit store")).map(str::to_owned).collect()
}

#[tokio::test]
async fn a_stopped_redis_costs_five_requests_the_budget_and_is_back_within_a_second() {
    let redis = Redis::start();
    let handle = StoreHandle::with_budget(store(&redis.url()), BUDGET);
    let (log, _listening) = Log::listen();
    let app = with(&handle, OnStoreFailure::Deny);
    // The first may find no connection yet.
    while get(&app, "192.0.2.9").await.0 != 200 {}
    for tried in [0, 2] {
        let before = connections(&redis);
        redis.stop();
        assert_eq!(until_open(&handle, &app, 503).await, 5);
        at_once(&app, 100, 503).await;
        // So often that the connection is given up, and so are others.
        until("others are tried", || connections(&redis) >= before + tried).await;
        at_once(&app, 20, 503).await;
        redis.go_on();
        let waited = until_closed(&handle).await;
        assert!(waited < SECOND + TOLERANCE, "{waited:?}");
        assert_ne!(get(&app, "192.0.2.1").await.0, 503);
    }
    let lines = about_stores(&log);
    assert_eq!(lines.len(), 4, "a line for each change: {lines:#?}");
    assert!(lines[0].contains("WARN") && lines[0].contains("no answer in 50ms"), "{lines:#?}");
    assert!(lines[1].contains("INFO") && lines[1].contains("answers again"), "{lines:#?}");
}

#[tokio::test]
async fn a_killed_redis_is_answered_for_by_each_policy_and_found_again() {
    let mut redis = Redis::start();
    for policy in [OnStoreFailure::Deny, OnStoreFailure::Allow, OnStoreFailure::Local { percent: 50 }] {
        let handle = StoreHandle::with_budget(store(&redis.url()), BUDGET);
        let app = with(&handle, policy);
        while !matches!(get(&app, "192.0.2.9").await.0, 200 | 429) {}
        redis.kill();
        match policy {
            OnStoreFailure::Deny => assert!(until_open(&handle, &app, 503).await >= 5),
            OnStoreFailure::Allow => {
                assert!(until_open(&handle, &app, 200).await >= 5);
                at_once(&app, 50, 200).await;
            }
            _ => assert_eq!(passing(&app, "192.0.2.1", 50).await, 3, "half of six"),
        }
        redis.restart();
        let waited = until_closed(&handle).await;
        assert!(waited < SECOND + TOLERANCE, "{waited:?}");
        let patiently = with(&patient(store(&redis.url())), policy);
        assert_eq!(passing(&patiently, "192.0.2.1", 10).await, 6, "{policy:?}: what it counted is gone with it");
    }
}

#[tokio::test]
async fn a_redis_that_was_never_there_is_found_when_it_comes() {
    let port = free_port();
    let handle = StoreHandle::with_budget(store(&url(port)), BUDGET);
    let app = with(&handle, OnStoreFailure::Allow);
    assert_eq!(until_open(&handle, &app, 200).await, 5);
    let denied = with(&handle, OnStoreFailure::Deny);
    at_once(&denied, 50, 503).await;
    let _redis = Redis::on(port);
    let waited = until_closed(&handle).await;
    assert!(waited < SECOND + TOLERANCE, "{waited:?}");
    assert_eq!(get(&denied, "192.0.2.1").await, (200, "5".into(), String::new()));
}

#[tokio::test]
async fn a_redis_that_only_reads_is_a_failure() {
    let redis = Redis::start();
    let handle = StoreHandle::with_budget(store(&redis.url()), 10 * SECOND);
    let app = with(&handle, OnStoreFailure::Deny);
    assert_eq!(get(&app, "192.0.2.1").await.0, 200);
    let mut connection = connection(&redis);
    let _: () = redis::cmd("REPLICAOF").arg("127.0.0.1").arg(1).query(&mut connection).expect("a replica");
    for _ in 0..5 {
        assert_eq!(get(&app, "192.0.2.1").await.0, 503);
    }
    assert!(handle.is_open());
    // It says PONG all the time; what matters is that it counts.
    let probed = calls(&redis, "evalsha");
    until("it is probed", || calls(&redis, "evalsha") >= probed + 3).await;
    assert!(handle.is_open());
    let _: () = redis::cmd("REPLICAOF").arg("NO").arg("ONE").query(&mut connection).expect("a master");
    until_closed(&handle).await;
    assert_eq!(get(&app, "192.0.2.1").await.0, 200);
}
