//! Every algorithm on the wire, what a request costs, and the headers that tell it.

use std::sync::Arc;
use std::time::Duration;

use neurolink_core::middleware::limit_store::{MemoryStore, StoreHandle};
use neurolink_core::middleware::{Key, RateLimit, RateLimitHeaders};
use neurolink_core::stack::IntoRegistration as _;
use neurolink_core::{App, Code, Context, Error, ManualClock, Next, Response, Route, from_fn};

use crate::fixture::{START, app, get, tokens};
use crate::support::Answer;

const SECOND: Duration = Duration::from_secs(1);
const MINUTE: Duration = Duration::from_secs(60);
const QUARTER: Duration = Duration::from_secs(15 * 60);

fn limited(limit: RateLimit) -> (App, Arc<ManualClock>) {
    let (builder, clock) = app();
    (builder.middleware(limit).build().expect("valid"), clock)
}

async fn passing(app: &App, path: &str) -> usize {
    let mut passed = 0;
    while get(app, path, &[]).await.status == 200 {
        passed += 1;
        assert!(passed < 1000, "nothing is limited");
    }
    passed
}

fn seconds(answer: &Answer, name: &str) -> u64 {
    answer.header(name).parse().unwrap_or_else(|_| panic!("{name} is {:?}", answer.header(name)))
}

#[tokio::test]
async fn whoever_waits_as_told_passes_under_every_algorithm() {
    for limit in [
        RateLimit::fixed_window(3, MINUTE),
        RateLimit::sliding_log(3, MINUTE),
        RateLimit::sliding_counter(3, MINUTE),
        RateLimit::leaky_bucket(3, MINUTE, 2),
        RateLimit::gcra(3, MINUTE),
    ] {
        let name = format!("{limit:?}");
        let (app, clock) = limited(limit);
        for left in [2, 1, 0] {
            let answer = get(&app, "/api/x", &[]).await;
            assert_eq!((answer.status, seconds(&answer, "x-ratelimit-limit")), (200, 3), "{name}");
            assert_eq!(seconds(&answer, "x-ratelimit-remaining"), left, "{name}");
        }
        for _ in 0..20 {
            clock.advance(Duration::from_millis(700));
            let refused = get(&app, "/api/x", &[]).await;
            if refused.status == 200 {
                continue;
            }
            assert_eq!((refused.status, refused.header("x-ratelimit-remaining")), (429, "0"), "{name}");
            let wait = seconds(&refused, "retry-after");
            assert!((1..=61).contains(&wait), "{name}: {wait}");
            clock.advance(SECOND * u32::try_from(wait).expect("a minute"));
            assert_eq!(get(&app, "/api/x", &[]).await.status, 200, "{name}: after {wait} s");
        }
    }
}

// Shows S0-65.
#[tokio::test]
async fn a_route_may_have_a_sliding_window() {
    let (builder, clock) = app();
    let route = Route::get("/api/slides", async || "x").middleware(RateLimit::sliding_log(100, MINUTE));
    let app = builder.route(route).build().expect("valid");
    assert_eq!(passing(&app, "/api/slides").await, 100);
    clock.advance(Duration::from_millis(59_900));
    let refused = get(&app, "/api/slides", &[]).await;
    assert_eq!((refused.status, refused.header("retry-after")), (429, "1"));
    clock.advance(Duration::from_millis(200));
    assert_eq!(passing(&app, "/api/slides").await, 100);
    assert_eq!(get(&app, "/api/x", &[]).await.status, 200, "another route");
}

// Shows S1-57, S1-58, S1-60, S3-44.
#[tokio::test]
async fn a_leaky_bucket_passes_its_burst_and_then_its_rate() {
    let minute_in_seconds = 60;
    for (limit, window, burst, at_once, in_a_second) in
        [(10, 1, 0, 1, 1), (1, 1, 5, 6, 1), (10, 1, 20, 21, 10), (100, minute_in_seconds, 20, 21, 1)]
    {
        let (app, clock) = limited(RateLimit::leaky_bucket(limit, SECOND * window, burst));
        let first = get(&app, "/api/x", &[]).await;
        assert_eq!(seconds(&first, "x-ratelimit-limit"), u64::from(burst) + 1);
        assert_eq!(passing(&app, "/api/x").await, at_once - 1, "{limit} in {window} s, {burst}");
        clock.advance(SECOND);
        assert_eq!(passing(&app, "/api/x").await, in_a_second, "{limit} in {window} s, {burst}");
    }
}

// Shows S1-07, S1-09, S3-18.
#[tokio::test]
async fn limits_of_both_dialects_show_both() {
    let (builder, clock) = app();
    let general = RateLimit::fixed_window(100, QUARTER).headers([RateLimitHeaders::Draft6]);
    let login = RateLimit::fixed_window(5, QUARTER).headers([RateLimitHeaders::Legacy, RateLimitHeaders::Draft6]);
    let app = builder
        .middleware(general)
        .route(Route::get("/api/login", async || "x").middleware(login.named("login")))
        .build()
        .expect("valid");
    clock.advance(Duration::from_millis(500));
    let answer = get(&app, "/api/x", &[]).await;
    for (name, value) in [
        ("ratelimit-policy", "100;w=900"),
        ("ratelimit-limit", "100"),
        ("ratelimit-remaining", "99"),
        ("ratelimit-reset", "900"),
        ("x-ratelimit-limit", ""),
    ] {
        assert_eq!(answer.header(name), value, "{name}");
    }
    clock.advance(SECOND * 100);
    let answer = get(&app, "/api/login", &[]).await;
    let reset = (START.as_secs() + 1001).to_string();
    for (name, value) in [
        ("ratelimit-policy", "100;w=900, 5;w=900"),
        ("ratelimit-limit", "5"),
        ("ratelimit-remaining", "4"),
        ("ratelimit-reset", "900"),
        ("x-ratelimit-limit", "5"),
        ("x-ratelimit-remaining", "4"),
        ("x-ratelimit-reset", &reset),
    ] {
        assert_eq!(answer.header(name), value, "{name}");
    }
}

#[tokio::test]
async fn every_limit_is_listed_by_its_name_and_the_refusal_names_one_instant() {
    let (builder, _) = app();
    let structured = [RateLimitHeaders::Draft10];
    let app = builder
        .middleware(tokens())
        .middleware(RateLimit::fixed_window(10, MINUTE).headers(structured).named("address"))
        .middleware(RateLimit::gcra(1, SECOND * 30).by(Key::User).headers(structured).named("user"))
        .build()
        .expect("valid");
    let header = [("authorization", "Bearer token-of-u1-0123456789")];
    let answer = get(&app, "/api/x", &header).await;
    assert_eq!(answer.header("ratelimit-policy"), r#""address";q=10;w=60, "user";q=1;w=30"#);
    assert_eq!(answer.header("ratelimit"), r#""address";r=9;t=60, "user";r=0;t=30"#);
    assert_eq!(answer.header("x-ratelimit-limit"), "");
    let refused = get(&app, "/api/x", &header).await;
    assert_eq!((refused.status, refused.header("retry-after")), (429, "30"));
    assert_eq!(refused.header("ratelimit"), r#""address";r=9;t=60, "user";r=0;t=30"#, "one is given back");
}

// Shows S1-10.
#[tokio::test]
async fn a_limit_that_skips_success_counts_failures_only_and_reserves_for_those_that_run() {
    let (app, _) = limited(RateLimit::fixed_window(5, QUARTER).skip_successful());
    for _ in 0..20 {
        assert_eq!(get(&app, "/api/x", &[]).await.status, 200);
    }
    for left in ["4", "3", "2", "1", "0"] {
        let failed = get(&app, "/api/boom", &[]).await;
        assert_eq!((failed.status, failed.header("x-ratelimit-remaining")), (500, left));
    }
    assert_eq!((get(&app, "/api/x", &[]).await.status, get(&app, "/api/boom", &[]).await.status), (429, 429));
}

// Shows S1-10.
#[tokio::test]
async fn failures_at_one_time_are_not_more_than_those_one_by_one() {
    let limits = [
        RateLimit::fixed_window(5, QUARTER),
        RateLimit::sliding_log(5, QUARTER),
        RateLimit::sliding_counter(5, QUARTER),
        RateLimit::strict_counter(5, QUARTER),
        RateLimit::leaky_bucket(5, QUARTER, 4),
        RateLimit::gcra(5, QUARTER),
    ];
    let in_a_store = |limit: RateLimit| limit.store(StoreHandle::new(MemoryStore::new(1000)));
    for limit in limits.into_iter().flat_map(|limit| [limit.clone(), in_a_store(limit)]) {
        let shown = format!("{limit:?}");
        let all_are_here = Arc::new(tokio::sync::Barrier::new(5));
        let fail = move || {
            let all_are_here = Arc::clone(&all_are_here);
            async move {
                all_are_here.wait().await;
                Err::<(), _>(Error::new(Code::AuthInvalid))
            }
        };
        let (builder, _) = app();
        let app = builder.middleware(limit.skip_successful()).route(Route::get("/api/login", fail));
        let app = app.build().expect("valid");
        let answers = futures_util::future::join_all((0..20).map(|_| get(&app, "/api/login", &[]))).await;
        let count = |status| answers.iter().filter(|answer| answer.status == status).count();
        assert_eq!((count(401), count(429)), (5, 15), "{shown}");
    }
}

/// Charges what `x-cost` of the answer says.
fn by_cost(limit: RateLimit) -> RateLimit {
    limit.cost(|_, response| {
        let cost = response.headers().get("x-cost").and_then(|cost| cost.to_str().ok()?.parse().ok());
        cost.unwrap_or(1)
    })
}

async fn say_cost(ctx: &mut Context, next: Next<'_>) -> Result<Response, Error> {
    let cost = ctx.headers().get("x-cost").cloned();
    let mut response = next.run(ctx).await;
    if let Some(cost) = cost {
        response.headers_mut().insert("x-cost", cost);
    }
    Ok(response)
}

#[tokio::test]
async fn a_request_is_charged_its_cost_once_that_is_known() {
    for limit in [
        RateLimit::fixed_window(10, MINUTE),
        RateLimit::sliding_log(10, MINUTE),
        RateLimit::sliding_counter(10, MINUTE),
        RateLimit::gcra(10, MINUTE),
    ] {
        let name = format!("{limit:?}");
        let app = app().0.middleware(by_cost(limit)).middleware(from_fn("cost", say_cost)).build().expect("valid");
        let left = async |cost: &str| {
            get(&app, "/api/x", &[("x-cost", cost)]).await.header("x-ratelimit-remaining").to_owned()
        };
        assert_eq!(left("4").await, "9", "{name}: its cost is not known yet");
        assert_eq!(left("0").await, "5", "{name}");
        assert_eq!(left("100").await, "5", "{name}: the free one was given back");
        assert_eq!(get(&app, "/api/x", &[]).await.status, 429, "{name}: it cost more than was left");
    }
}

#[tokio::test]
async fn a_refusal_further_inside_gives_back_what_waits_for_its_cost() {
    let app = app()
        .0
        .middleware(by_cost(RateLimit::leaky_bucket(1, QUARTER, 2)).named("by-address"))
        .middleware(tokens())
        .middleware(RateLimit::fixed_window(1, MINUTE).by(Key::User))
        .build()
        .expect("valid");
    let of = async |token: &str| get(&app, "/api/x", &[("authorization", token)]).await.status;
    assert_eq!(of("Bearer token-of-u1-0123456789").await, 200);
    for _ in 0..5 {
        assert_eq!(of("Bearer token-of-u1-0123456789").await, 429);
    }
    assert_eq!(of("Bearer token-of-u2-0123456789").await, 200);
}

#[test]
fn limits_that_cannot_be_kept_or_told_are_mistakes() {
    let days = Duration::from_secs(86_400 * 3650);
    let error = app()
        .0
        .middleware(RateLimit::sliding_log(100, MINUTE).capacity(99).named("log"))
        .middleware(RateLimit::leaky_bucket(1, days, u32::MAX).named("bucket"))
        .middleware(RateLimit::gcra(0, Duration::ZERO).headers([RateLimitHeaders::Draft7, RateLimitHeaders::Draft10]))
        .build()
        .expect_err("mistakes")
        .to_string();
    for part in [
        "middleware.log: a sliding log of 100 needs a capacity of at least 1600",
        "middleware.bucket: so many in so long are more than can be counted; give a smaller limit",
        "middleware.rate-limit: a limit of 0 refuses everybody",
        "middleware.rate-limit: a window of no time limits nothing",
        "middleware.rate-limit: the drafts 7 and 10 write `RateLimit` in two ways; choose one of them",
    ] {
        assert!(error.contains(part), "{part:?} is missing in:\n{error}");
    }
}
