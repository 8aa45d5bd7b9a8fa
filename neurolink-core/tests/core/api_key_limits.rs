//! API keys with a limit of their own, which limits by API key count by.

use std::time::Duration;

use neurolink_core::middleware::limit_store::{MemoryStore, StoreHandle};
use neurolink_core::middleware::{ApiKey, ApiKeyAuth, Key, RateLimit};
use neurolink_core::{App, AuthenticatedUser, ManualClock, Route};

use crate::support::{app, ask, mistakes};

const MINUTE: Duration = Duration::from_secs(60);
const SMALL: &str = "key-of-3-a-minute-0123456789";
const LARGE: &str = "key-of-9-a-minute-0123456789";
const USUAL: &str = "key-of-no-limit-0123456789";

fn limited(limit: RateLimit, clock: &std::sync::Arc<ManualClock>) -> App {
    let key = |text, user| ApiKey::new(text, AuthenticatedUser::new(user));
    let keys = [key(SMALL, "u1").rate_limit(3), key(LARGE, "u2").rate_limit(9), key(USUAL, "u3")];
    app()
        .clock(std::sync::Arc::clone(clock) as _)
        .middleware(limit)
        .middleware(ApiKeyAuth::keys(keys))
        .route(Route::get("/api/x", async || "x"))
        .route(Route::get("/api/y", async || "y"))
        .build()
        .expect("valid")
}

fn clock() -> std::sync::Arc<ManualClock> {
    std::sync::Arc::new(ManualClock::at(Duration::from_secs(1_700_000_040))) // where a minute begins
}

/// How many requests pass before one is refused, and the limit that is shown.
async fn passing(app: &App, path: &str, key: &str) -> (usize, String) {
    for count in 0..1000 {
        let answer = ask(app, "GET", path, "192.0.2.1:5", &[("x-api-key", key)]).await;
        match answer.status {
            200 => {}
            429 => return (count, answer.header("x-ratelimit-limit").to_owned()),
            other => panic!("{other}"),
        }
    }
    panic!("it has no limit")
}

fn all(count: u32) -> [RateLimit; 5] {
    [
        RateLimit::fixed_window(count, MINUTE),
        RateLimit::sliding_log(count, MINUTE),
        RateLimit::sliding_counter(count, MINUTE),
        RateLimit::leaky_bucket(count, MINUTE, count - 1),
        RateLimit::gcra(count, MINUTE),
    ]
}

// Shows S0-08.
#[tokio::test]
async fn a_key_with_a_limit_of_its_own_has_that_and_any_other_the_rule_s() {
    for limit in [RateLimit::fixed_window(5, MINUTE), RateLimit::sliding_log(5, MINUTE), RateLimit::gcra(5, MINUTE)] {
        for limit in [limit.clone(), limit.store(StoreHandle::new(MemoryStore::new(1000)))] {
            let app = limited(limit.by(Key::ApiKey), &clock());
            assert_eq!(passing(&app, "/api/x", SMALL).await, (3, "3".into()));
            assert_eq!(passing(&app, "/api/x", LARGE).await, (9, "9".into()));
            assert_eq!(passing(&app, "/api/x", USUAL).await, (5, "5".into()));
            assert_eq!(passing(&app, "/api/y", SMALL).await.0, 0, "one count for all routes");
        }
    }
}

#[tokio::test]
async fn what_comes_back_comes_at_the_key_s_own_rate_by_every_algorithm() {
    for limit in all(60) {
        let shown = format!("{limit:?}");
        let clock = clock();
        let app = limited(limit.by(Key::ApiKey), &clock);
        let first = passing(&app, "/api/x", SMALL).await.0;
        // The burst of a leaky bucket is the rule's own.
        assert_eq!(first, if shown.contains("leaky") { 60 } else { 3 }, "{shown}");
        clock.advance(Duration::from_secs(5));
        assert_eq!(passing(&app, "/api/x", SMALL).await.0, 0, "at the rule's rate five had come back: {shown}");
        clock.advance(2 * MINUTE);
        assert!((3..=6).contains(&passing(&app, "/api/x", SMALL).await.0), "{shown}");
    }
}

#[tokio::test]
async fn a_part_of_a_key_counts_by_it_and_a_limit_by_user_or_address_does_not() {
    let minute = RateLimit::fixed_window(5, MINUTE);
    let app = limited(minute.clone().by(Key::ApiKey.and(Key::Route)), &clock());
    assert_eq!((passing(&app, "/api/x", SMALL).await.0, passing(&app, "/api/y", SMALL).await.0), (3, 3));
    for key in [Key::User, Key::Address] {
        let app = limited(minute.clone().by(key), &clock());
        assert_eq!(passing(&app, "/api/x", SMALL).await.0, 5);
    }
}

#[tokio::test]
async fn a_limit_that_cannot_be_counted_is_the_rule_s() {
    for (own, most) in [(u32::MAX, 5), (257, 5), (256, 256)] {
        assert_eq!(of_a_log(own).await, most, "{own}");
    }
}

/// How many requests of a key with this limit a sliding log of 5 lets pass.
async fn of_a_log(own: u32) -> usize {
    let keys = ApiKeyAuth::keys([ApiKey::new(SMALL, AuthenticatedUser::new("u1")).rate_limit(own)]);
    let limit = RateLimit::sliding_log(5, MINUTE).by(Key::ApiKey);
    let app =
        app().middleware(limit).middleware(keys).route(Route::get("/api/x", async || "x")).build().expect("valid");
    passing(&app, "/api/x", SMALL).await.0
}

#[test]
fn a_limit_of_nothing_is_a_mistake() {
    let keys = ApiKeyAuth::keys([ApiKey::new(SMALL, AuthenticatedUser::new("u1")).rate_limit(0)]);
    let found = mistakes(app().middleware(keys).build()).join("\n");
    assert!(found.contains("the key `u1` has a limit of 0"), "{found}");
}
