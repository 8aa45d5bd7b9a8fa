//! API keys in Redis: issued by one server, used and revoked at another, and what happens when Redis is down.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use http_body_util::BodyExt as _;
use neurolink_core::middleware::{ApiKeyAuth, ApiKeyHash, ApiKeyIssuer, ApiKeyStore as _, NewApiKey, StoredApiKey};
use neurolink_core::{App, Body, ConnInfo};
use neurolink_redis::RedisApiKeys;

use crate::kit::Redis;
use crate::look::{connection, documented_user, keys};
use crate::support::app;

fn now() -> Duration {
    SystemTime::now().duration_since(UNIX_EPOCH).expect("after 1970")
}

fn store(redis: &Redis) -> RedisApiKeys {
    RedisApiKeys::new(&redis.url()).expect("a URL").prefix("keys:prod")
}

fn server(redis: &Redis) -> App {
    app().middleware(ApiKeyAuth::store(store(redis)).no_failure_limit()).build().expect("valid")
}

async fn status(app: &App, key: &str) -> u16 {
    let request = http::Request::get("/api/x").header("host", "localhost").header("x-api-key", key);
    let conn = ConnInfo::new(Some(([192, 0, 2, 1], 5).into()));
    let response = app.handle(request.body(Body::empty()).expect("a request"), conn).await;
    let status = response.status().as_u16();
    let body = response.into_body().collect().await.expect("a body").to_bytes();
    assert!(!String::from_utf8_lossy(&body).contains("edis"), "{body:?}");
    status
}

#[tokio::test]
async fn a_key_that_one_server_issues_counts_at_another_until_either_revokes_it() {
    let redis = Redis::start();
    let (one, other) = (server(&redis), server(&redis));
    let issuer = ApiKeyIssuer::new(store(&redis));
    let issued = issuer.issue(NewApiKey::new("alice").roles(["reader"]).rate_limit(3), now()).await.expect("kept");
    let (id, stored) = (issued.id(), issued.stored().clone());
    assert_eq!(store(&redis).find(&stored.hash).await.expect("found"), Some(stored));
    let key = issued.into_key();
    assert_eq!((status(&one, &key).await, status(&other, &key).await), (200, 200));
    assert_eq!((status(&one, "nl_wrong").await, status(&one, &id).await), (401, 401));
    assert!(issuer.revoke(&id).await.expect("it answers"));
    assert_eq!((status(&one, &key).await, status(&other, &key).await), (401, 401));
    assert!(!issuer.revoke(&id).await.expect("it answers") && keys(&redis).is_empty());
}

#[tokio::test]
async fn an_entry_is_one_slot_holds_no_key_and_lives_as_long_as_its_key() {
    let redis = Redis::start();
    let issuer = ApiKeyIssuer::new(store(&redis));
    let brief = issuer.issue(NewApiKey::new("alice").expires_in_days(1), now()).await.expect("kept");
    let lasting = issuer.issue(NewApiKey::new("alice").never_expires(), now()).await.expect("kept");
    let entry = |id: String| format!("{{keys:prod:key:{id}}}");
    let mut expected = [entry(brief.id()), entry(lasting.id())];
    let mut found = keys(&redis);
    expected.sort();
    found.sort();
    assert_eq!(found, expected);
    let lifetime =
        |id: String| -> i64 { redis::cmd("PTTL").arg(entry(id)).query(&mut connection(&redis)).expect("a lifetime") };
    assert!((86_000_000..=86_400_000).contains(&lifetime(brief.id())) && lifetime(lasting.id()) == -1);
    let record: String = redis::cmd("GET").arg(entry(brief.id())).query(&mut connection(&redis)).expect("a record");
    assert!(!record.contains(&brief.into_key()[3..]), "{record}");
}

#[tokio::test]
async fn a_hash_is_there_once_and_what_has_expired_is_not_kept() {
    let redis = Redis::start();
    let key = StoredApiKey::new(ApiKeyHash::of("imported"), "alice");
    let store = store(&redis);
    store.insert(key.clone(), now()).await.expect("kept");
    let mut other = StoredApiKey::new(key.hash, "mallory");
    assert!(store.insert(other.clone(), now()).await.expect_err("twice").to_string().contains("already"));
    assert_eq!(store.find(&key.hash).await.expect("found").expect("it").user, "alice");
    (other.hash, other.expires) = (ApiKeyHash::of("another"), Some(now()));
    assert!(store.insert(other, now() + Duration::from_secs(1)).await.is_err());
    assert_eq!(keys(&redis).len(), 1);
}

#[tokio::test]
async fn a_redis_that_is_stopped_gone_or_full_of_something_else_is_503_and_never_401_or_a_pass() {
    let mut redis = Redis::start();
    let app = server(&redis);
    let issued = ApiKeyIssuer::new(store(&redis)).issue(NewApiKey::new("alice"), now()).await.expect("kept");
    let (entry, key) = (format!("{{keys:prod:key:{}}}", issued.id()), issued.into_key());
    assert_eq!(status(&app, &key).await, 200);
    let _: () = redis::cmd("SET").arg(&entry).arg("{\"user\":\"root\"}").query(&mut connection(&redis)).expect("set");
    assert_eq!(status(&app, &key).await, 503, "a record that cannot be read");
    redis.stop();
    assert_eq!(status(&app, &key).await, 503);
    redis.go_on();
    redis.kill();
    for _ in 0..3 {
        assert_eq!(status(&app, &key).await, 503);
    }
    redis.restart();
    let begun = std::time::Instant::now();
    // Empty now, so the key is not known; the connection is made anew.
    while status(&app, &key).await != 401 {
        assert!(begun.elapsed() < Duration::from_secs(10), "it does not come back");
    }
}

#[tokio::test]
async fn the_documented_user_of_keys_may_do_all_that_is_needed_and_reaches_no_count() {
    let redis = Redis::start();
    let url = documented_user(&redis, "neurolink-keys");
    let store = RedisApiKeys::new(&url).expect("a URL");
    let issuer = ApiKeyIssuer::new(store.clone());
    let issued = issuer.issue(NewApiKey::new("alice"), now()).await.expect("kept");
    assert!(store.find(&issued.stored().hash).await.expect("found").is_some());
    assert!(issuer.revoke(&issued.id()).await.expect("it answers"));
    let mut own = redis::Client::open(url).and_then(|client| client.get_connection()).expect("connected");
    let forbidden: [&[&str]; 4] =
        [&["GET", "{neurolink:rate-limit:1}"], &["KEYS", "*"], &["SCAN", "0"], &["CONFIG", "GET", "*"]];
    for words in forbidden {
        let mut command = redis::cmd(words[0]);
        words[1..].iter().for_each(|word| _ = command.arg(*word));
        let refused: redis::RedisResult<redis::Value> = command.query(&mut own);
        assert!(refused.expect_err(words[0]).to_string().contains("permission"), "{words:?}");
    }
}
