//! API keys that are issued into a store: used, expired, revoked, and what happens when the store is down.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

use neurolink_core::engine::EventStream;
use neurolink_core::middleware::{
    ApiKey, ApiKeyAuth, ApiKeyHash, ApiKeyIssuer, ApiKeyStore, MemoryApiKeys, NewApiKey, StoredApiKey, check_secret,
};
use neurolink_core::{App, AuthenticatedUser, BoxError, Json, Route};
use serde_json::json;
use tokio::time::Instant;

use crate::fixture::{KEY, PEER, START, app, get};
use crate::support::{ask, mistakes};

const DAY: Duration = Duration::from_secs(24 * 60 * 60);

/// A store in memory that fails, hangs, or says that it knows every key, when told.
#[derive(Clone)]
struct Flaky {
    keys: Arc<MemoryApiKeys>,
    told: Arc<Told>,
}

#[derive(Default)]
struct Told {
    fails: AtomicBool,
    hangs: AtomicBool,
    /// Gives this key whatever is asked for.
    confuses: std::sync::Mutex<Option<StoredApiKey>>,
    asked: AtomicUsize,
}

impl Flaky {
    fn new() -> Self {
        Self { keys: Arc::new(MemoryApiKeys::new(100)), told: Arc::default() }
    }

    async fn issue(&self, key: NewApiKey) -> (String, String) {
        let issued = ApiKeyIssuer::new(Arc::clone(&self.keys)).issue(key, START).await.expect("room");
        (issued.id(), issued.into_key())
    }
}

#[async_trait::async_trait]
impl ApiKeyStore for Flaky {
    async fn find(&self, hash: &ApiKeyHash) -> Result<Option<StoredApiKey>, BoxError> {
        self.told.asked.fetch_add(1, Ordering::SeqCst);
        if self.told.hangs.load(Ordering::SeqCst) {
            std::future::pending::<()>().await;
        }
        if self.told.fails.load(Ordering::SeqCst) {
            return Err("secret db password=hunter2 is down".into());
        }
        if let Some(key) = &*self.told.confuses.lock().expect("a lock") {
            return Ok(Some(key.clone()));
        }
        // As a store elsewhere: nothing is known at once.
        tokio::task::yield_now().await;
        self.keys.find(hash).await
    }

    async fn insert(&self, key: StoredApiKey, now: Duration) -> Result<(), BoxError> {
        self.keys.insert(key, now).await
    }

    async fn revoke(&self, id: &str) -> Result<bool, BoxError> {
        self.keys.revoke(id).await
    }
}

async fn silent() -> EventStream {
    Box::pin(futures_util::stream::pending())
}

fn serving(auth: ApiKeyAuth) -> App {
    let who =
        async |user: AuthenticatedUser| Json(json!({ "id": user.id, "roles": user.roles, "metadata": user.metadata }));
    let builder = app().0.middleware(auth).route(Route::get("/api/who", who));
    let builder = builder.route(Route::get("/api/write", async || "w").roles(["writer"]));
    builder.route(Route::get("/api/silent", silent)).build().expect("valid")
}

async fn status(app: &App, key: &str) -> u16 {
    get(app, "/api/x", &[("x-api-key", key)]).await.status
}

// Shows S0-08, S1-53.
#[tokio::test]
async fn an_issued_key_is_its_user_with_its_scopes_as_roles_and_its_limit_in_the_metadata() {
    let store = Flaky::new();
    let (id, key) = store.issue(NewApiKey::new("alice").roles(["reader", "writer"]).rate_limit(3)).await;
    let (_, other) = store.issue(NewApiKey::new("bob").roles(["reader"])).await;
    let app = serving(ApiKeyAuth::store(store));
    let answer = get(&app, "/api/who", &[("x-api-key", &key)]).await.json();
    assert_eq!(
        answer["data"],
        json!({ "id": "alice", "roles": ["reader", "writer"], "metadata": { "keyId": id, "rateLimit": 3 } })
    );
    let write = async |key: &str| get(&app, "/api/write", &[("x-api-key", key)]).await.status;
    assert_eq!((write(&key).await, write(&other).await), (200, 403));
    for wrong in [id.as_str(), &key[3..], &key[..key.len() - 1], &format!("{key}a"), "nl_", ""] {
        assert_eq!(status(&app, wrong).await, 401, "{wrong}");
    }
}

// Shows S0-06, S0-07.
#[tokio::test]
async fn an_issued_key_ends_by_the_clock_or_by_its_revocation_and_another_goes_on() {
    let store = Flaky::new();
    let issuer = ApiKeyIssuer::new(store.clone());
    let (id, revoked) = store.issue(NewApiKey::new("alice").never_expires()).await;
    let (_, brief) = store.issue(NewApiKey::new("alice").expires_in_days(1)).await;
    let (_, lasting) = store.issue(NewApiKey::new("alice").never_expires()).await;
    let (builder, clock) = app();
    let app = builder.middleware(ApiKeyAuth::store(store)).build().expect("valid");
    for key in [&revoked, &brief, &lasting] {
        assert_eq!(status(&app, key).await, 200);
    }
    assert!(issuer.revoke(&id).await.expect("memory") && !issuer.revoke(&id).await.expect("memory"));
    assert_eq!((status(&app, &revoked).await, status(&app, &lasting).await), (401, 200));
    clock.advance(DAY - Duration::from_millis(1));
    assert_eq!(status(&app, &brief).await, 200);
    clock.advance(Duration::from_millis(1));
    assert_eq!((status(&app, &brief).await, status(&app, &lasting).await), (401, 200));
}

#[tokio::test]
async fn a_store_that_is_down_is_503_without_its_text_and_neither_401_nor_a_failure_of_the_callers() {
    let store = Flaky::new();
    let (_, key) = store.issue(NewApiKey::new("alice")).await;
    let told = Arc::clone(&store.told);
    let auth = ApiKeyAuth::keys([ApiKey::new(KEY, AuthenticatedUser::new("k1"))]).or_store(store);
    let app = serving(auth.failure_limit(2, Duration::from_secs(60)));
    told.fails.store(true, Ordering::SeqCst);
    for presented in [&*key, "nl_unknown", &*key, "nl_unknown"] {
        let answer = get(&app, "/api/who", &[("x-api-key", presented)]).await;
        assert_eq!((answer.status, answer.code().as_str(), answer.header("retry-after")), (503, "UNAVAILABLE", "1"));
        assert!(!answer.body.contains("hunter2") && answer.challenges().is_empty(), "{}", answer.body);
    }
    assert_eq!(status(&app, KEY).await, 200, "configured keys need no store");
    told.fails.store(false, Ordering::SeqCst);
    assert_eq!((status(&app, &key).await, status(&app, "nl_unknown").await), (200, 401));
}

#[tokio::test(start_paused = true)]
async fn a_store_that_says_nothing_is_503_within_a_second_and_holds_64_requests_at_most() {
    let store = Flaky::new();
    let told = Arc::clone(&store.told);
    told.hangs.store(true, Ordering::SeqCst);
    let app = serving(ApiKeyAuth::store(store).no_failure_limit());
    let begun = Instant::now();
    let statuses = futures_util::future::join_all((0..100).map(|_| status(&app, "nl_x"))).await;
    assert_eq!((statuses, begun.elapsed()), (vec![503; 100], Duration::from_secs(1)));
    assert_eq!(told.asked.load(Ordering::SeqCst), 64);
}

#[tokio::test]
async fn a_store_that_gives_another_key_lets_nobody_in() {
    let store = Flaky::new();
    let (_, key) = store.issue(NewApiKey::new("admin").roles(["writer"])).await;
    let known = store.keys.find(&ApiKeyHash::of(&key)).await.expect("memory");
    *store.told.confuses.lock().expect("a lock") = known;
    let app = serving(ApiKeyAuth::store(store));
    assert_eq!((status(&app, &key).await, status(&app, "nl_guess").await), (200, 401));
}

#[tokio::test]
async fn requests_of_a_good_key_at_one_time_are_no_failures_and_those_of_a_revoked_one_are() {
    let store = Flaky::new();
    let (id, key) = store.issue(NewApiKey::new("alice")).await;
    let issuer = ApiKeyIssuer::new(store.clone());
    let app = serving(ApiKeyAuth::store(store).failure_limit(3, Duration::from_secs(60)));
    assert_eq!(status(&app, &key).await, 200);
    let many = futures_util::future::join_all((0..50).map(|_| status(&app, &key))).await;
    assert_eq!(many, vec![200; 50]);
    issuer.revoke(&id).await.expect("memory");
    let mut statuses = Vec::new();
    for _ in 0..5 {
        statuses.push(status(&app, &key).await);
    }
    assert_eq!(statuses, [401, 401, 401, 429, 429]);
}

#[tokio::test]
async fn guesses_at_a_store_at_one_time_are_not_more_than_the_limit() {
    let store = Flaky::new();
    let told = Arc::clone(&store.told);
    let app = serving(ApiKeyAuth::store(store).failure_limit(5, Duration::from_secs(60)));
    let guesses = (0..50).map(|number| {
        let app = &app;
        async move { status(app, &format!("nl_guess-{number}")).await }
    });
    let statuses = futures_util::future::join_all(guesses).await;
    let count = |status: u16| statuses.iter().filter(|other| **other == status).count();
    assert_eq!((count(401), count(429), told.asked.load(Ordering::SeqCst)), (5, 45, 5));
}

#[tokio::test(start_paused = true)]
async fn a_stream_ends_within_a_minute_of_the_revocation_of_its_key_and_of_an_outage_that_lasts() {
    for outage in [false, true] {
        let store = Flaky::new();
        let (id, key) = store.issue(NewApiKey::new("alice")).await;
        let (issuer, told) = (ApiKeyIssuer::new(store.clone()), Arc::clone(&store.told));
        let app = serving(ApiKeyAuth::store(store));
        let begun = Instant::now();
        let headers = [("x-api-key", &*key)];
        let change = async {
            tokio::time::sleep(Duration::from_secs(26)).await;
            if outage {
                told.fails.store(true, Ordering::SeqCst);
            } else {
                issuer.revoke(&id).await.expect("memory");
            }
        };
        let (answer, ()) = tokio::join!(get(&app, "/api/silent", &headers), change);
        assert!(answer.status == 200 && answer.body.contains("AUTH_EXPIRED"), "{}", answer.body);
        assert!((26..=86).contains(&begun.elapsed().as_secs()), "{:?}", begun.elapsed());
    }
}

#[tokio::test(start_paused = true)]
async fn a_stream_ends_within_a_minute_of_the_revocation_of_a_configured_key() {
    let auth = ApiKeyAuth::keys([ApiKey::new(KEY, AuthenticatedUser::new("k1"))]);
    let keys = auth.handle();
    let app = serving(auth);
    let revoke = async {
        tokio::time::sleep(Duration::from_secs(1)).await;
        assert!(keys.revoke("k1"));
    };
    let begun = Instant::now();
    let (answer, ()) = tokio::join!(get(&app, "/api/silent", &[("x-api-key", KEY)]), revoke);
    assert!(answer.body.contains("AUTH_EXPIRED") && begun.elapsed() <= Duration::from_secs(61), "{}", answer.body);
}

#[tokio::test]
async fn a_key_is_asked_of_head_and_options_as_of_get() {
    let store = Flaky::new();
    let (_, key) = store.issue(NewApiKey::new("alice")).await;
    let app = serving(ApiKeyAuth::store(store));
    for (method, good) in [("HEAD", 200), ("OPTIONS", 204)] {
        let of = async |key: &str| ask(&app, method, "/api/x", PEER, &[("x-api-key", key)]).await.status;
        assert_eq!((of(&key).await, of("nl_wrong").await), (good, 401), "{method}");
        assert_eq!(ask(&app, method, "/api/x", PEER, &[]).await.status, 401, "{method}");
    }
}

#[tokio::test]
async fn a_key_may_be_configured_by_its_hash() {
    let issued = NewApiKey::new("alice").make("nl_", START).expect("valid");
    let hash: ApiKeyHash = issued.stored().hash.to_string().parse().expect("a hash");
    let auth = ApiKeyAuth::keys([ApiKey::hashed(hash, AuthenticatedUser::new("alice"))]);
    let app = serving(auth);
    assert_eq!(status(&app, &hash.to_string()).await, 401, "a hash is no key");
    assert_eq!(status(&app, &issued.into_key()).await, 200);
}

// Shows O-D46.
#[test]
fn keys_that_can_be_guessed_are_mistakes_that_do_not_show_them() {
    let key = |text: &str| ApiKey::new(text, AuthenticatedUser::new(&text[..2]));
    let wrong = ["aaaaaaaaaaaaaaaaaaaaaaaa", "0123456789abcdef", "changeme-changeme-please-2024"];
    let keys = wrong.map(key).into_iter().chain([ApiKey::new(KEY, AuthenticatedUser::new("")).rate_limit(0)]);
    let found = mistakes(app().0.middleware(ApiKeyAuth::keys(keys)).build()).join("\n");
    for part in [
        "middleware.api-key-auth: the key `aa` has at most 96 bits",
        "middleware.api-key-auth: the key `01` has at most 64 bits in its 16 bytes; at least 128 are needed",
        "middleware.api-key-auth: the key `ch` is what stands in examples; take a random one",
        "has a limit of 0, which refuses every request",
        "a key has a user without an id; name the user",
    ] {
        assert!(found.contains(part), "{part}: {found}");
    }
    assert!(wrong.iter().all(|key| !found.contains(key)), "{found}");
    assert!(check_secret(KEY).is_ok());
}
