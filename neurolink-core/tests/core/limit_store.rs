//! Limits that count in a store, which may fail.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

use neurolink_core::middleware::limit_store::{
    LimitKey, LimitStore, MemoryStore, OnStoreFailure, Quota, Settlement, StoreHandle, Taken,
};
use neurolink_core::middleware::{BearerAuth, Key, RateLimit, StaticToken};
use neurolink_core::stack::IntoRegistration as _;
use neurolink_core::{App, AppBuilder, AuthenticatedUser, BoxError, Code, Context, Error, Route};
use tokio::time::{Instant, sleep, timeout};

use crate::support::{Quiet, ask, mistakes};

const MINUTE: Duration = Duration::from_secs(60);
const BUDGET: Duration = Duration::from_millis(50);

/// A store in memory that fails or hangs when told, and counts what it is asked.
struct Flaky {
    memory: MemoryStore,
    told: Arc<Told>,
}

#[derive(Default)]
pub(crate) struct Told {
    pub(crate) fails: AtomicBool,
    hangs: AtomicBool,
    forgets: AtomicBool,
    /// It takes 20 ms to be told, or for ever.
    dawdles: AtomicBool,
    hangs_when_told: AtomicBool,
    pub(crate) looks: AtomicUsize,
    pub(crate) takes: AtomicUsize,
    pub(crate) settles: AtomicUsize,
    probes: AtomicUsize,
}

impl Told {
    /// Calls to take and to settle, and probes.
    fn calls(&self) -> (usize, usize, usize) {
        let count = |count: &AtomicUsize| count.load(Ordering::SeqCst);
        (count(&self.takes), count(&self.settles), count(&self.probes))
    }

    async fn answer(&self) -> Result<(), BoxError> {
        if self.hangs.load(Ordering::SeqCst) {
            std::future::pending::<()>().await;
        }
        if self.fails.load(Ordering::SeqCst) { Err("told to fail".into()) } else { Ok(()) }
    }
}

#[async_trait::async_trait]
impl LimitStore for Flaky {
    fn name(&self) -> &str {
        "flaky"
    }

    fn problems(&self, quota: &Quota) -> Vec<String> {
        if quota.limit == 13 { vec!["13 is too much for it".into()] } else { Vec::new() }
    }

    async fn take(&self, keys: &[LimitKey], now: Duration) -> Result<Vec<Taken>, BoxError> {
        self.told.takes.fetch_add(1, Ordering::SeqCst);
        self.told.answer().await?;
        let mut taken = self.memory.take(keys, now).await?;
        if self.told.forgets.load(Ordering::SeqCst) {
            taken.pop();
        }
        Ok(taken)
    }

    async fn look(&self, keys: &[LimitKey], now: Duration) -> Result<Vec<Taken>, BoxError> {
        self.told.looks.fetch_add(1, Ordering::SeqCst);
        self.told.answer().await?;
        self.memory.look(keys, now).await
    }

    async fn settle(&self, settlements: &[Settlement], now: Duration) -> Result<(), BoxError> {
        self.told.settles.fetch_add(1, Ordering::SeqCst);
        if self.told.dawdles.load(Ordering::SeqCst) {
            sleep(Duration::from_millis(20)).await;
        }
        if self.told.hangs_when_told.load(Ordering::SeqCst) {
            std::future::pending::<()>().await;
        }
        self.told.answer().await?;
        self.memory.settle(settlements, now).await
    }

    async fn probe(&self) -> Result<(), BoxError> {
        self.told.probes.fetch_add(1, Ordering::SeqCst);
        self.told.answer().await
    }
}

pub(crate) fn store() -> (StoreHandle, Arc<Told>) {
    let told = Arc::<Told>::default();
    (StoreHandle::new(Flaky { memory: MemoryStore::new(1000), told: Arc::clone(&told) }), told)
}

fn app() -> AppBuilder {
    App::builder(Quiet)
        .route(Route::get("/api/x", async || "x"))
        .route(Route::get("/api/y", async || "y"))
        .route(Route::get("/api/fails", async || Err::<&str, _>(Error::new(Code::BadRequest))))
}

fn limit(limit: u32, store: &StoreHandle) -> RateLimit {
    RateLimit::fixed_window(limit, MINUTE).store(store)
}

/// The status, and what is left by the headers.
async fn get(app: &App, path: &str) -> (u16, String) {
    let answer = ask(app, "GET", path, "192.0.2.1:5", &[]).await;
    (answer.status, answer.header("x-ratelimit-remaining").into())
}

fn is(status: u16, left: &str) -> (u16, String) {
    (status, left.into())
}

#[tokio::test]
async fn all_rules_of_a_request_are_asked_in_one_call_and_a_refusal_gives_back_in_a_second() {
    let (store, told) = store();
    let wide = limit(5, &store).named("wide");
    let narrow = limit(1, &store).only(["/api/x"]).named("narrow");
    let app = app().middleware(wide).middleware(narrow).build().expect("valid");
    assert_eq!(get(&app, "/api/x").await, is(200, "0"));
    assert_eq!(told.calls(), (1, 0, 0));
    for refusal in 1..=3 {
        assert_eq!(get(&app, "/api/x").await.0, 429);
        assert_eq!(told.calls(), (1 + refusal, refusal, 0));
    }
    assert_eq!(get(&app, "/api/y").await, is(200, "3"), "the refused ones have not been counted");
}

#[tokio::test]
async fn two_apps_with_one_store_share_a_limit() {
    let (store, _) = store();
    let build = || app().middleware(limit(3, &store)).build().expect("valid");
    let (one, two) = (build(), build());
    assert_eq!(get(&one, "/api/x").await, is(200, "2"));
    assert_eq!(get(&two, "/api/x").await, is(200, "1"));
    assert_eq!(get(&one, "/api/x").await, is(200, "0"));
    assert_eq!(get(&two, "/api/x").await, is(429, "0"));
}

#[tokio::test]
async fn rules_with_and_without_a_store_decide_together() {
    let (store, _) = store();
    let here = RateLimit::fixed_window(1, MINUTE).only(["/api/x"]).named("here");
    let app = app().middleware(limit(3, &store).named("there")).middleware(here).build().expect("valid");
    assert_eq!(get(&app, "/api/x").await, is(200, "0"));
    assert_eq!(get(&app, "/api/x").await.0, 429);
    assert_eq!(get(&app, "/api/y").await, is(200, "1"), "what the store took has been given back");
}

#[tokio::test]
async fn costs_are_settled_in_the_store() {
    let (store, told) = store();
    let failures = limit(2, &store).skip_successful();
    let tokens = limit(10, &store).cost(|_: &Context, _| 4).only(["/api/y"]).named("tokens");
    let app = app().middleware(failures).middleware(tokens).build().expect("valid");
    for _ in 0..4 {
        assert_eq!(get(&app, "/api/x").await, is(200, "1"));
    }
    assert_eq!(told.calls(), (4, 4, 0));
    for status in [400, 400, 429, 429] {
        assert_eq!(get(&app, "/api/fails").await.0, status);
    }
    let other = ask(&app, "GET", "/api/y", "192.0.2.2:5", &[]).await;
    assert_eq!(other.status, 200);
    assert_eq!(told.calls().1, 5, "both of its rules are settled in one call");
    for status in [200, 200, 429] {
        assert_eq!(ask(&app, "GET", "/api/y", "192.0.2.2:5", &[]).await.status, status, "4 of 10 each");
    }
}

#[tokio::test(start_paused = true)]
async fn what_a_request_cost_is_settled_also_if_its_client_leaves_meanwhile() {
    let (store, told) = store();
    let failures = limit(2, &store).skip_successful();
    let app = app().middleware(failures).build().expect("valid");
    told.dawdles.store(true, Ordering::SeqCst);
    for _ in 0..4 {
        let given_up = timeout(Duration::from_millis(5), ask(&app, "GET", "/api/x", "192.0.2.1:5", &[])).await;
        assert!(given_up.is_err(), "the store is being told");
        app.settled().await;
    }
    assert_eq!(get(&app, "/api/x").await, is(200, "1"), "each success was given back");
}

#[tokio::test(start_paused = true)]
async fn nobody_waits_longer_than_a_second_for_a_store_to_be_told() {
    let told = Arc::<Told>::default();
    let slow = Flaky { memory: MemoryStore::new(1000), told: Arc::clone(&told) };
    let slow = StoreHandle::with_budget(slow, MINUTE);
    let app = app().middleware(limit(2, &slow).skip_successful()).build().expect("valid");
    let asks = timeout(Duration::from_millis(5), async {
        told.hangs_when_told.store(true, Ordering::SeqCst);
        get(&app, "/api/x").await
    });
    assert!(asks.await.is_err());
    let begun = Instant::now();
    app.settled().await;
    assert_eq!(begun.elapsed().as_secs(), 1);
}

#[tokio::test]
async fn a_refusal_further_inside_gives_back_what_a_store_took_outside() {
    let (store, _) = store();
    let (one, two) = ("token-of-u1-0123456789", "token-of-u2-0123456789");
    let tokens = [(one, "u1"), (two, "u2")].map(|(token, user)| StaticToken::new(token, AuthenticatedUser::new(user)));
    let by_user = RateLimit::fixed_window(1, MINUTE).by(Key::User);
    for (by_user, peer) in [(by_user.clone(), "192.0.2.1:5"), (by_user.store(&store), "192.0.2.2:5")] {
        let outside = limit(3, &store).named("by-address");
        let auth = BearerAuth::tokens(tokens.clone());
        let app = app().middleware(outside).middleware(auth).middleware(by_user).build().expect("valid");
        let get = async |token: &str| {
            let token = format!("Bearer {token}");
            ask(&app, "GET", "/api/x", peer, &[("authorization", &token)]).await.status
        };
        assert_eq!(get(one).await, 200);
        for _ in 0..5 {
            assert_eq!(get(one).await, 429);
        }
        assert_eq!(get(two).await, 200, "the address has been charged for one only");
    }
}

#[tokio::test]
async fn a_failing_store_denies_allows_or_counts_here_as_told() {
    let (store, told) = store();
    told.fails.store(true, Ordering::SeqCst);
    let deny = app().middleware(limit(4, &store)).build().expect("valid");
    let denied = ask(&deny, "GET", "/api/x", "192.0.2.1:5", &[]).await;
    assert_eq!((denied.status, denied.code(), denied.header("retry-after")), (503, "UNAVAILABLE".into(), "1"));
    let with = |policy| app().middleware(limit(4, &store).on_store_failure(policy)).build().expect("valid");
    let (allow, local) = (with(OnStoreFailure::Allow), with(OnStoreFailure::Local { percent: 50 }));
    for _ in 0..8 {
        assert_eq!(get(&allow, "/api/x").await, is(200, ""));
    }
    assert_eq!(get(&local, "/api/x").await, is(200, "1"));
    assert_eq!(get(&local, "/api/x").await, is(200, "0"));
    assert_eq!(get(&local, "/api/x").await, is(429, "0"));
}

#[tokio::test]
async fn a_rule_that_denies_gives_back_what_the_others_took() {
    let ((bad, told), (good, _)) = (store(), store());
    let there = limit(1, &bad).only(["/api/x"]).named("bad");
    let app = app().middleware(limit(2, &good).named("good")).middleware(there).build().expect("valid");
    told.fails.store(true, Ordering::SeqCst);
    for _ in 0..3 {
        assert_eq!(get(&app, "/api/x").await.0, 503);
    }
    assert_eq!(get(&app, "/api/y").await, is(200, "1"));
}

#[tokio::test(start_paused = true)]
async fn a_store_that_hangs_costs_five_requests_the_budget_and_no_other_anything() {
    let (store, told) = store();
    let app = app().middleware(limit(4, &store).on_store_failure(OnStoreFailure::Allow)).build().expect("valid");
    told.hangs.store(true, Ordering::SeqCst);
    for request in 0..50 {
        let start = Instant::now();
        assert_eq!(get(&app, "/api/x").await.0, 200);
        let waited = start.elapsed();
        let most = if request < 5 { BUDGET + Duration::from_millis(1) } else { Duration::ZERO };
        assert!(waited <= most, "request {request} waited {waited:?}");
        assert_eq!(store.is_open(), request >= 4);
    }
    assert_eq!(told.calls().0, 5);
    // Nobody asks while it hangs, but one probe at a time.
    tokio::time::sleep(Duration::from_secs(10)).await;
    let probes = told.calls().2;
    assert!((30..=51).contains(&probes), "{probes} probes");
    told.hangs.store(false, Ordering::SeqCst);
    let start = Instant::now();
    while store.is_open() {
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    assert!(start.elapsed() < Duration::from_secs(1));
    assert_eq!(get(&app, "/api/x").await, is(200, "3"));
}

#[tokio::test(start_paused = true)]
async fn a_request_waits_in_vain_for_a_store_only_once() {
    let (store, told) = store();
    let auth = BearerAuth::tokens([StaticToken::new("token-of-u1-0123456789", AuthenticatedUser::new("u1"))]);
    let allow = |rule: RateLimit| rule.on_store_failure(OnStoreFailure::Allow);
    let app = app()
        .middleware(allow(limit(4, &store)).named("by-address"))
        .middleware(auth)
        .middleware(allow(limit(4, &store)).by(Key::User))
        .build()
        .expect("valid");
    told.hangs.store(true, Ordering::SeqCst);
    let start = Instant::now();
    let answer = ask(&app, "GET", "/api/x", "192.0.2.1:5", &[("authorization", "Bearer token-of-u1-0123456789")]).await;
    assert_eq!(answer.status, 200);
    assert!(start.elapsed() <= BUDGET + Duration::from_millis(1), "{:?}", start.elapsed());
}

#[tokio::test]
async fn an_answer_of_the_wrong_length_is_a_failure() {
    let (store, told) = store();
    let app = app().middleware(limit(4, &store)).build().expect("valid");
    told.forgets.store(true, Ordering::SeqCst);
    assert_eq!(get(&app, "/api/x").await.0, 503);
}

#[tokio::test]
async fn what_cannot_work_is_a_mistake() {
    let (store, _) = store();
    let local = |percent| limit(1, &store).on_store_failure(OnStoreFailure::Local { percent });
    let no_time = StoreHandle::with_budget(MemoryStore::new(1), Duration::ZERO);
    let user = StaticToken::new("token-of-u1-0123456789", AuthenticatedUser::new("u1"));
    let app = app()
        .middleware(BearerAuth::tokens([user]))
        .middleware(RateLimit::gcra(1, MINUTE).on_store_failure(OnStoreFailure::Allow).named("nowhere"))
        .middleware(local(0).named("nothing"))
        .middleware(local(101).named("more"))
        .middleware(limit(13, &store).named("unlucky"))
        .middleware(limit(12, &store).for_users(13).named("unlucky-users"))
        .middleware(limit(1, &no_time).named("hurried"));
    let found = mistakes(app.build());
    let expected = [
        "middleware.nowhere: it counts in no store that could fail; name one by `.store(..)`",
        "middleware.nothing: 0 percent of the limit cannot be counted; give 1 to 100",
        "middleware.more: 101 percent of the limit cannot be counted; give 1 to 100",
        "middleware.unlucky: 13 is too much for it",
        "middleware.unlucky-users: 13 is too much for it",
        "middleware.hurried: a store that may take no time never answers; give for example 50ms",
    ];
    assert_eq!(found, expected);
}

#[tokio::test]
async fn the_plan_tells_the_store() {
    let (store, _) = store();
    let app = app().middleware(limit(4, &store)).build().expect("valid");
    let plan = app.plan();
    let summaries: Vec<_> = plan.routes[0].steps.iter().map(|step| &*step.summary).collect();
    assert!(summaries.contains(&"4 in 60s by address in flaky"), "{summaries:?}");
}
