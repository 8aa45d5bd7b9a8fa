//! Logins in a real Redis: one token of each, whichever server is asked.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use futures_util::future::join_all;
use http::header;
use http_body_util::BodyExt as _;
use neurolink_core::app::Observer;
use neurolink_core::login::Login;
use neurolink_core::middleware::{BearerAuth, PasswordHash, PasswordUser, Passwords};
use neurolink_core::security::{SecurityEvent, SecurityEventKind};
use neurolink_core::{App, AppBuilder, AuthenticatedUser, ConnInfo, Json, ManualClock, Route};
use neurolink_redis::RedisCredentials;
use neurolink_routes::{OfflineEngine, WithRoutes as _};
use serde_json::{Value, json};

use crate::kit::Redis;
use crate::look::{calls, connection, documented_user, keys};

/// Of `correct horse`.
const HASH: &str = "$argon2id$v=19$m=7168,t=1,p=1$c2FsdC1mb3ItdGVzdHM$/1ZUydr1QQ0gEJrK1BFmOleeZaTC2eEV00YfNJTIKtg";
const SECRET: &str = "a secret of at least thirty-two bytes";
const SECOND: Duration = Duration::from_secs(1);
const DAY: Duration = Duration::from_secs(24 * 60 * 60);

fn store(redis: &Redis) -> RedisCredentials {
    RedisCredentials::new(&redis.url()).expect("a URL").callers_time()
}

fn login() -> Login {
    let user = |name: &str| {
        let hash = PasswordHash::parse(HASH).expect("a hash");
        PasswordUser::new(name, hash, AuthenticatedUser::new(format!("id-of-{name}")))
    };
    Login::new(Passwords::users([user("ada"), user("bob")]), SECRET).per_user(3).store_timeout(10 * SECOND)
}

/// Keeps whose logins were ended.
#[derive(Clone, Default)]
struct Gone(Arc<Mutex<Vec<String>>>);

impl Observer for Gone {
    fn security(&self, event: &SecurityEvent<'_>) {
        if let SecurityEventKind::FamilyRevoked { owner, .. } = &event.kind {
            self.0.lock().expect("no panic").push(owner.to_string());
        }
    }
}

/// One server, of several that share a Redis and a clock.
fn server(login: Login, clock: &Arc<ManualClock>) -> App {
    observed_server(login, clock, None)
}

fn observed_server(login: Login, clock: &Arc<ManualClock>, observer: Option<Gone>) -> App {
    let me = Route::get("/api/me", async |user: AuthenticatedUser| Json(json!({ "id": user.id })));
    let app = App::builder(OfflineEngine::new());
    observer
        .into_iter()
        .fold(app, AppBuilder::observe)
        .clock(Arc::clone(clock) as _)
        .middleware(BearerAuth::jwt(login.keys()).no_failure_limit())
        .state(login)
        .auth_routes()
        .route(me)
        .build()
        .expect("valid")
}

fn two(redis: &Redis) -> ([App; 2], Arc<ManualClock>) {
    let clock = Arc::new(ManualClock::at(Duration::from_secs(1_700_000_000)));
    ([(), ()].map(|()| server(login().store(store(redis)), &clock)), clock)
}

async fn send(app: &App, request: http::request::Builder, body: String) -> (u16, Value) {
    let request = request.header(header::HOST, "localhost").header(header::CONTENT_TYPE, "application/json");
    let request = request.body(body.into()).expect("a request");
    let response = app.handle(request, ConnInfo::new(Some(([192, 0, 2, 1], 9).into()))).await;
    let status = response.status().as_u16();
    let body = response.into_body().collect().await.expect("a body").to_bytes();
    (status, serde_json::from_slice(&body).expect("JSON"))
}

async fn post(app: &App, route: &str, body: Value) -> (u16, Value) {
    send(app, http::Request::post(format!("/api/auth/{route}")), body.to_string()).await
}

fn tokens((status, answer): (u16, Value)) -> (String, String) {
    assert_eq!(status, 200, "{answer}");
    let text = |name: &str| answer["data"][name].as_str().expect("a token").to_owned();
    (text("accessToken"), text("refreshToken"))
}

async fn log_in(app: &App, name: &str) -> (String, String) {
    tokens(post(app, "login", json!({ "username": name, "password": "correct horse" })).await)
}

async fn refresh(app: &App, token: &str) -> (u16, Value) {
    post(app, "refresh", json!({ "refreshToken": token })).await
}

async fn me(app: &App, access: &str) -> u16 {
    let request = http::Request::get("/api/me").header(header::AUTHORIZATION, format!("Bearer {access}"));
    send(app, request, String::new()).await.0
}

// Shows S0-58.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn fifty_refreshes_at_two_servers_are_one_successor_and_end_nothing() {
    let redis = Redis::start();
    let (servers, _) = two(&redis);
    let (access, first) = log_in(&servers[0], "ada").await;
    let asked = (0..50).map(|number| {
        let (app, token) = (servers[number % 2].clone(), first.clone());
        tokio::spawn(async move { refresh(&app, &token).await })
    });
    let answers = join_all(asked).await.into_iter().map(|answer| tokens(answer.expect("an answer")));
    let successors: BTreeSet<String> = answers.map(|(_, refresh)| refresh).collect();
    assert_eq!(successors.len(), 1);
    for app in &servers {
        assert_eq!(me(app, &access).await, 200);
    }
    assert_eq!(refresh(&servers[1], successors.first().expect("one")).await.0, 200);
}

// Shows S0-58.
#[tokio::test]
async fn a_replay_at_one_server_ends_the_login_at_the_other() {
    let redis = Redis::start();
    let ([one, other], clock) = two(&redis);
    let (access, first) = log_in(&one, "ada").await;
    let (beside, _) = log_in(&other, "ada").await;
    let (next_access, second) = tokens(refresh(&other, &first).await);
    clock.advance(10 * SECOND);
    assert_eq!(tokens(refresh(&one, &first).await).1, second);
    clock.advance(Duration::from_millis(1));
    assert_eq!(refresh(&one, &first).await.0, 401);
    for app in [&one, &other] {
        assert_eq!((me(app, &access).await, me(app, &next_access).await, me(app, &beside).await), (401, 401, 200));
        assert_eq!(refresh(app, &second).await.0, 401);
    }
}

#[tokio::test]
async fn a_logout_at_one_server_is_one_at_the_other() {
    let redis = Redis::start();
    let ([one, other], _) = two(&redis);
    let (access, token) = log_in(&one, "ada").await;
    for _ in 0..2 {
        assert_eq!(post(&other, "logout", json!({ "refreshToken": token })).await.0, 200);
    }
    assert_eq!((me(&one, &access).await, refresh(&one, &token).await.0), (401, 401));
    assert!(keys(&redis).is_empty(), "nothing is left of it");
}

#[tokio::test]
async fn a_login_ends_unused_and_at_its_last_day() {
    let redis = Redis::start();
    let ([app, _], clock) = two(&redis);
    let (_, unused) = log_in(&app, "ada").await;
    clock.advance(30 * DAY);
    assert_eq!(refresh(&app, &unused).await.0, 401);
    let (_, mut token) = log_in(&app, "ada").await;
    for _ in 0..3 {
        clock.advance(30 * DAY - SECOND);
        token = tokens(refresh(&app, &token).await).1;
    }
    clock.advance(3 * SECOND);
    assert_eq!(refresh(&app, &token).await.0, 401);
}

#[tokio::test]
async fn a_user_with_too_many_loses_the_oldest_and_what_is_over_counts_no_more() {
    let redis = Redis::start();
    let clock = Arc::new(ManualClock::at(Duration::from_secs(1_700_000_000)));
    let gone = Gone::default();
    let app = observed_server(login().store(store(&redis)), &clock, Some(gone.clone()));
    let (strangers, _) = log_in(&app, "bob").await;
    let mut own = Vec::new();
    for _ in 0..5 {
        own.push(log_in(&app, "ada").await.0);
        clock.advance(SECOND);
    }
    assert_eq!(*gone.0.lock().expect("no panic"), ["id-of-ada"; 2], "each that had to go is an event");
    for (number, access) in own.iter().enumerate() {
        assert_eq!(me(&app, access).await, if number < 2 { 401 } else { 200 }, "{number}");
    }
    assert_eq!(me(&app, &strangers).await, 200);
    clock.advance(31 * DAY);
    log_in(&app, "ada").await;
    let key = keys(&redis).into_iter().map(|key| fields(&redis, &key)).max().expect("a key");
    assert_eq!(key, 1, "the three that were over are gone");
}

fn fields(redis: &Redis, key: &str) -> usize {
    redis::cmd("HLEN").arg(key).query(&mut connection(redis)).expect("a number")
}

#[tokio::test]
async fn what_is_stored_is_hashed_and_lasts_as_long_as_the_login() {
    let redis = Redis::start();
    let ([app, _], _) = two(&redis);
    let (access, first) = log_in(&app, "ada").await;
    let (_, second) = tokens(refresh(&app, &first).await);
    let found = keys(&redis);
    let [key] = &*found else { panic!("one key: {found:?}") };
    let hash = key.strip_prefix("{neurolink:login:").and_then(|rest| rest.strip_suffix('}')).expect("a hash tag");
    assert!(hash.len() == 32 && hash.bytes().all(|byte| byte.is_ascii_hexdigit()), "{key}");
    let stored: Vec<String> = redis::cmd("HGETALL").arg(key).query(&mut connection(&redis)).expect("fields");
    let stored = stored.concat();
    // Of a token: its text, and the bytes behind it, as text and as hexadecimal digits.
    for token in [&first, &second] {
        assert!(!stored.contains(&token[5..]) && !stored.contains(&token[5..30]), "{stored}");
    }
    assert!(!stored.contains(&access) && !stored.contains("correct horse") && !stored.contains("argon2id"));
    let left: i64 = redis::cmd("PTTL").arg(key).query(&mut connection(&redis)).expect("a lifetime");
    let thirty_days = i64::try_from((30 * DAY).as_millis()).expect("few");
    assert!((thirty_days - 60_000..=thirty_days).contains(&left), "{left}");
}

#[tokio::test]
async fn each_operation_is_one_script_and_lost_scripts_are_loaded_again() {
    let redis = Redis::start();
    let ([app, _], _) = two(&redis);
    let (_, token) = log_in(&app, "ada").await;
    let before = calls(&redis, "evalsha");
    let (access, token) = tokens(refresh(&app, &token).await);
    assert_eq!(calls(&redis, "evalsha") - before, 2, "a look and a claim");
    assert_eq!(me(&app, &access).await, 200);
    assert_eq!(calls(&redis, "evalsha") - before, 3);
    let _: () = redis::cmd("SCRIPT").arg("FLUSH").query(&mut connection(&redis)).expect("flushed");
    tokens(refresh(&app, &token).await);
}

#[tokio::test]
async fn a_redis_that_is_gone_is_503_and_one_that_is_empty_has_no_logins() {
    let mut redis = Redis::start();
    let clock = Arc::new(ManualClock::at(Duration::from_secs(1_700_000_000)));
    let app = server(login().store(store(&redis)).store_timeout(SECOND), &clock);
    let (access, token) = log_in(&app, "ada").await;
    redis.kill();
    assert_eq!((refresh(&app, &token).await.0, me(&app, &access).await), (503, 503));
    redis.restart();
    // It connects anew at most ten times in a second.
    let mut last = 503;
    for _ in 0..50 {
        last = me(&app, &access).await;
        if last != 503 {
            break;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    assert_eq!((last, refresh(&app, &token).await.0), (401, 401));
    log_in(&app, "ada").await;
}

/// The clock of Redis decides unless told: a server whose clock is wrong ends no login.
#[tokio::test]
async fn redis_tells_the_time() {
    let redis = Redis::start();
    let clock = Arc::new(ManualClock::at(Duration::from_secs(1_700_000_000)));
    let app = server(login().store(RedisCredentials::new(&redis.url()).expect("a URL")), &clock);
    let (_, token) = log_in(&app, "ada").await;
    clock.advance(365 * DAY);
    let (_, next) = tokens(refresh(&app, &token).await);
    assert_eq!(tokens(refresh(&app, &token).await).1, next);
}

#[tokio::test]
async fn the_documented_user_may_keep_logins() {
    let redis = Redis::start();
    let url = documented_user(&redis, "neurolink");
    let clock = Arc::new(ManualClock::at(Duration::from_secs(1_700_000_000)));
    let app = server(login().store(RedisCredentials::new(&url).expect("a URL")), &clock);
    for _ in 0..4 {
        log_in(&app, "ada").await;
    }
    let (access, token) = log_in(&app, "ada").await;
    let (_, next) = tokens(refresh(&app, &token).await);
    assert_eq!(me(&app, &access).await, 200);
    assert_eq!(post(&app, "logout", json!({ "refreshToken": next })).await.0, 200);
    assert_eq!(me(&app, &access).await, 401);
}

#[tokio::test]
async fn mistakes_are_found_when_the_app_is_built() {
    assert!(RedisCredentials::new("http://127.0.0.1").is_err());
    let store = RedisCredentials::new("redis://127.0.0.1").expect("a URL").prefix("a{b}");
    let problems = login().store(store).problems();
    assert!(problems.iter().any(|problem| problem.contains("1 to 64 letters")), "{problems:?}");
}

#[tokio::test]
async fn a_cluster_keeps_logins_too() {
    let nodes = crate::cluster::nodes().await;
    let store = RedisCredentials::cluster([nodes[0].url().as_str()]).expect("a URL").callers_time();
    let app = server(login().store(store), &Arc::new(ManualClock::at(Duration::from_secs(1_700_000_000))));
    for name in ["ada", "bob"] {
        let (_, first) = log_in(&app, name).await;
        let (_, second) = tokens(refresh(&app, &first).await);
        let (_, third) = tokens(refresh(&app, &second).await);
        assert_eq!(refresh(&app, &first).await.0, 401, "{name}: used before");
        assert_eq!(refresh(&app, &third).await.0, 401, "{name}: so the login has ended");
    }
}
