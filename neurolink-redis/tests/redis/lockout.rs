//! Names that servers on one Redis lock together.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};
use std::time::Duration;

use http::header::{AUTHORIZATION, HOST};
use neurolink_core::middleware::limit_store::{OnStoreFailure, StoreHandle};
use neurolink_core::middleware::{BasicAuth, PasswordHash, PasswordStore, PasswordUser};
use neurolink_core::{App, AuthenticatedUser, Body, BoxError, ConnInfo, ManualClock, Route};
use neurolink_routes::OfflineEngine;

use crate::kit::Redis;
use crate::look::{calls, connection, documented_user, keys};
use crate::support::{patient, store};

/// Of `correct horse`.
const HASH: &str = "$argon2id$v=19$m=7168,t=1,p=1$c2FsdC1mb3ItdGVzdHM$/1ZUydr1QQ0gEJrK1BFmOleeZaTC2eEV00YfNJTIKtg";
/// `ada:correct horse`, and `ada:wrong`.
const RIGHT: &str = "Basic YWRhOmNvcnJlY3QgaG9yc2U=";
const WRONG: &str = "Basic YWRhOndyb25n";
const HOME: &str = "192.0.2.1";
const ELSEWHERE: &str = "192.0.2.2";
const WINDOW: Duration = Duration::from_secs(15 * 60);
const HOUR: Duration = Duration::from_secs(3600);

fn ada() -> BasicAuth {
    let hash = PasswordHash::parse(HASH).expect("a hash");
    BasicAuth::users([PasswordUser::new("ada", hash, AuthenticatedUser::new("u1"))])
}

fn server(auth: BasicAuth) -> (App, Arc<ManualClock>) {
    let clock = Arc::new(ManualClock::at(Duration::from_secs(1_700_000_000)));
    let app = App::builder(OfflineEngine::new()).clock(Arc::clone(&clock) as _).middleware(auth);
    (app.route(Route::get("/api/x", async |user: AuthenticatedUser| user.id)).build().expect("valid"), clock)
}

/// A server whose lockout counts there, by the clock of Redis.
fn counting(handle: &StoreHandle) -> App {
    server(ada().lockout_store(handle)).0
}

async fn ask(app: &App, peer: &str, credentials: &str) -> u16 {
    let request = http::Request::builder().uri("/api/x").header(HOST, "localhost").header(AUTHORIZATION, credentials);
    let peer: std::net::IpAddr = peer.parse().expect("an address");
    let request = request.body(Body::empty()).expect("a request");
    app.handle(request, ConnInfo::new(Some((peer, 5).into()))).await.status().as_u16()
}

/// How many of ten wrong guesses, at the servers in turn, leave the password one that is looked at: it is locked then.
async fn guesses_until_locked(servers: &[App], peer: &str) -> usize {
    for guesses in 0..10 {
        if ask(&servers[guesses % servers.len()], peer, RIGHT).await == 401 {
            return guesses;
        }
        assert_eq!(ask(&servers[guesses % servers.len()], peer, WRONG).await, 401);
    }
    panic!("it is never locked");
}

#[tokio::test]
async fn two_servers_on_one_redis_let_five_guesses_pass_together() {
    let redis = Redis::start();
    // Each has a connection of its own.
    let servers = [counting(&patient(store(&redis.url()))), counting(&patient(store(&redis.url())))];
    assert_eq!(guesses_until_locked(&servers, HOME).await, 5);
    for app in &servers {
        assert_eq!(ask(app, HOME, RIGHT).await, 401);
        assert_eq!(ask(app, ELSEWHERE, RIGHT).await, 200);
    }
    let apart = counting(&patient(store(&redis.url()).prefix("another")));
    assert_eq!(guesses_until_locked(&[apart], HOME).await, 5, "another prefix is another lockout");
}

/// Nobody has a name here; it counts the decoys, each of which is a guess that is hashed.
#[derive(Clone, Default)]
struct Nobody(Arc<AtomicUsize>);

#[async_trait::async_trait]
impl PasswordStore for Nobody {
    async fn find(&self, _: &str) -> Result<Option<PasswordUser>, BoxError> {
        Ok(None)
    }

    fn decoy(&self) -> PasswordHash {
        self.0.fetch_add(1, SeqCst);
        PasswordHash::parse(HASH).expect("a hash")
    }
}

#[tokio::test]
async fn guesses_at_one_time_at_two_servers_are_five_together() {
    let (redis, nobody) = (Redis::start(), Nobody::default());
    let one = || server(BasicAuth::store(nobody.clone()).lockout_store(patient(store(&redis.url())))).0;
    let servers = [one(), one()];
    // Different ones, for equal ones wait for one another.
    let guesses = (b'a'..=b'p').map(|letter| {
        let (app, guess) = (servers[usize::from(letter) % 2].clone(), format!("{WRONG}{}", four(letter)));
        tokio::spawn(async move { ask(&app, HOME, &guess).await })
    });
    for guess in guesses.collect::<Vec<_>>() {
        assert_eq!(guess.await.expect("a guess"), 401);
    }
    assert_eq!(nobody.0.load(SeqCst), 5);
}

/// Three letters in base64.
fn four(letter: u8) -> String {
    // 0x616161 and so on: the letter three times.
    let bits = u32::from(letter) << 16 | u32::from(letter) << 8 | u32::from(letter);
    let digit = |shift: u32| {
        let alphabet = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
        char::from(alphabet[(bits >> shift & 63) as usize])
    };
    [18, 12, 6, 0].map(digit).iter().collect()
}

/// What the fixed window whose key begins so has counted.
fn count(redis: &Redis, begins: &str) -> u64 {
    let keys = keys(redis);
    let key = keys.iter().find(|key| key.starts_with(begins)).expect("a key");
    let state: String = redis::cmd("GET").arg(key).query(&mut connection(redis)).expect("a state");
    state.split(' ').nth(1).expect("a count").parse().expect("a number")
}

#[tokio::test]
async fn who_came_in_at_one_server_within_a_day_is_not_locked_out_at_the_other() {
    let redis = Redis::start();
    let one = || server(ada().lockout(5, 1, WINDOW).lockout_store(patient(store(&redis.url()).callers_time())));
    let ((first, first_clock), (second, second_clock)) = (one(), one());
    let advance = |time| [&first_clock, &second_clock].iter().for_each(|clock| clock.advance(time));
    for _ in 0..3 {
        assert_eq!(ask(&first, HOME, RIGHT).await, 200);
        advance(23 * HOUR);
    }
    assert_eq!(ask(&first, ELSEWHERE, WRONG).await, 401);
    assert_eq!(ask(&second, "192.0.2.3", RIGHT).await, 401, "the name is locked");
    assert_eq!(ask(&second, HOME, RIGHT).await, 200, "but not at home");
    advance(24 * HOUR);
    assert_eq!(ask(&first, ELSEWHERE, WRONG).await, 401);
    assert_eq!(ask(&second, HOME, RIGHT).await, 401, "a day later it is nobody's home");
}

#[tokio::test]
async fn a_success_gives_back_what_was_reserved_before_it_is_answered() {
    let redis = Redis::start();
    let app = counting(&patient(store(&redis.url())));
    assert_eq!(ask(&app, HOME, RIGHT).await, 200);
    for begins in ["pair", "name", "address"] {
        assert_eq!(count(&redis, &format!("{{neurolink:lockout:{begins}:")), 0, "{begins}");
    }
    assert_eq!(ask(&app, HOME, WRONG).await, 401);
    for begins in ["pair", "name", "address"] {
        assert_eq!(count(&redis, &format!("{{neurolink:lockout:{begins}:")), 1, "{begins}");
    }
}

#[tokio::test]
async fn its_keys_are_hashed_in_a_part_of_their_own_and_have_a_lifetime() {
    let redis = Redis::start();
    let app = counting(&patient(store(&redis.url()).prefix("limits:prod")));
    assert_eq!(ask(&app, HOME, RIGHT).await, 200);
    assert_eq!(ask(&app, HOME, WRONG).await, 401);
    let mut keys = keys(&redis);
    keys.sort_unstable();
    let parts: Vec<_> = keys.iter().map(|key| key.rsplit_once(':').expect("a hash")).collect();
    let all = ["address", "name", "pair", "trust"].map(|part| format!("{{limits:prod:lockout:{part}"));
    assert_eq!(parts.iter().map(|(part, _)| *part).collect::<Vec<_>>(), all);
    for (key, (_, hash)) in keys.iter().zip(&parts) {
        let hash = hash.strip_suffix('}').expect("a tag");
        assert!(hash.len() == 32 && hash.bytes().all(|byte| byte.is_ascii_hexdigit()), "{key}");
        let left: i64 = redis::cmd("PTTL").arg(key).query(&mut connection(&redis)).expect("a lifetime");
        assert!((1..=24 * 3_600_000 + 1000).contains(&left), "{key}: {left}");
    }
}

#[tokio::test]
async fn an_attempt_is_one_pipeline_of_three_scripts_behind_a_look_of_three() {
    let redis = Redis::start();
    let app = counting(&patient(store(&redis.url())));
    assert_eq!(ask(&app, HOME, RIGHT).await, 200); // loads the scripts
    let before = calls(&redis, "evalsha");
    assert_eq!(ask(&app, HOME, WRONG).await, 401);
    assert_eq!(calls(&redis, "evalsha") - before, 6, "a look of three, and one of each is taken");
    let before = calls(&redis, "evalsha");
    assert_eq!(ask(&app, HOME, RIGHT).await, 200);
    assert_eq!(calls(&redis, "evalsha") - before, 3, "it is remembered");
}

#[tokio::test]
async fn the_documented_user_may_do_all_that_a_lockout_needs() {
    let redis = Redis::start();
    let app = counting(&patient(store(&documented_user(&redis, "neurolink-lockout"))));
    assert_eq!(guesses_until_locked(&[app], HOME).await, 5);
    assert_eq!(keys(&redis).len(), 4);
    let url = documented_user(&redis, "neurolink-lockout");
    let mut own = redis::Client::open(url).and_then(|client| client.get_connection()).expect("connected");
    let error = redis::cmd("GET").arg("{neurolink:rate-limit:x}").query::<redis::Value>(&mut own);
    assert!(error.expect_err("a limit's").to_string().contains("permission"));
}

#[tokio::test]
async fn a_redis_in_cluster_mode_accepts_every_call_of_a_lockout() {
    let redis = Redis::with(&["--cluster-enabled", "yes"]);
    let _: () =
        redis::cmd("CLUSTER").arg("ADDSLOTSRANGE").arg(0).arg(16383).query(&mut connection(&redis)).expect("all slots");
    let app = counting(&patient(store(&redis.url())));
    let until_ready = async {
        while ask(&app, HOME, RIGHT).await != 200 {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(20), until_ready).await.expect("all slots are served");
    assert_eq!(ask(&app, HOME, WRONG).await, 401);
}

#[tokio::test]
async fn a_redis_that_is_gone_is_answered_for_by_each_policy_and_found_again() {
    for (policy, right, guesses) in [
        (OnStoreFailure::Deny, 503, vec![503; 3]),
        (OnStoreFailure::Allow, 200, vec![401, 401, 200]),
        (OnStoreFailure::Local { percent: 50 }, 200, vec![401, 401, 401]),
    ] {
        let mut redis = Redis::start();
        let handle = StoreHandle::new(store(&redis.url()));
        let auth = ada().lockout(4, 50, WINDOW).lockout_store(&handle).on_lockout_store_failure(policy);
        let app = server(auth).0;
        let connected = async { while ask(&app, ELSEWHERE, RIGHT).await != 200 {} };
        tokio::time::timeout(Duration::from_secs(20), connected).await.expect("it answers");
        redis.kill();
        assert_eq!(ask(&app, ELSEWHERE, RIGHT).await, right, "{policy:?}: remembered");
        let mut answers = Vec::new();
        for credentials in [WRONG, WRONG, RIGHT] {
            answers.push(ask(&app, HOME, credentials).await);
        }
        assert_eq!(answers, guesses, "{policy:?}: half of four are looked at here, or all, or none");
        redis.restart();
        let again = async {
            while ask(&app, "192.0.2.3", RIGHT).await != 200 || handle.is_open() {
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
        };
        tokio::time::timeout(Duration::from_secs(20), again).await.expect("it is found again");
    }
}
