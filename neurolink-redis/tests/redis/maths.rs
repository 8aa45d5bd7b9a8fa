//! The scripts count as the counters in memory do.

use std::cell::Cell;
use std::time::Duration;

use neurolink_core::middleware::limit_store::{
    Algorithm, Change, Charge, LimitKey, LimitStore, MemoryStore, Quota, Settlement, Taken,
};
use neurolink_redis::RedisStore;
use proptest::prelude::*;
use proptest::test_runner::TestRunner;
use tokio::runtime::Runtime;

use crate::kit::Redis;
use crate::support::store;

const START: Duration = Duration::from_millis(1_700_000_000_123);

/// What happens next, after some time.
#[derive(Clone, Copy, Debug)]
enum Act {
    Take,
    Look,
    /// Settles one of the charges that are open.
    Settle(usize, Change),
}

fn quota() -> impl Strategy<Value = Quota> {
    let algorithm = prop_oneof![
        Just(Algorithm::FixedWindow),
        Just(Algorithm::SlidingLog),
        Just(Algorithm::SlidingCounter),
        Just(Algorithm::StrictCounter),
        (0_u32..5).prop_map(|burst| Algorithm::LeakyBucket { burst }),
        Just(Algorithm::Gcra),
    ];
    // Redis forgets keys by its own clock: windows of hours do not end while a test runs.
    (1_u32..9, 3_600_000_u64..20_000_000, algorithm)
        .prop_map(|(limit, window, algorithm)| Quota::new(limit, Duration::from_millis(window), algorithm))
}

fn act() -> impl Strategy<Value = Act> {
    let change = prop_oneof![Just(Change::GiveBack), (1_u32..12).prop_map(Change::ChargeMore)];
    prop_oneof![3 => Just(Act::Take), 1 => Just(Act::Look), 1 => (any::<usize>(), change).prop_map(|(which, change)| Act::Settle(which, change))]
}

/// What can be compared: the charges mean something to their store only.
fn seen(taken: &Taken) -> (bool, u32, Duration) {
    (taken.charge.is_some(), taken.remaining, taken.wait)
}

struct Both<'a> {
    runtime: &'a Runtime,
    redis: &'a RedisStore,
    memory: MemoryStore,
}

impl Both<'_> {
    fn take(&self, key: &LimitKey, now: Duration) -> [Taken; 2] {
        self.runtime.block_on(async {
            let keys = std::slice::from_ref(key);
            let [redis, memory] = [self.redis.take(keys, now).await, self.memory.take(keys, now).await];
            [redis.expect("an answer")[0], memory.expect("an answer")[0]]
        })
    }

    fn look(&self, key: &LimitKey, now: Duration) -> [Taken; 2] {
        self.runtime.block_on(async {
            let keys = std::slice::from_ref(key);
            let [redis, memory] = [self.redis.look(keys, now).await, self.memory.look(keys, now).await];
            [redis.expect("an answer")[0], memory.expect("an answer")[0]]
        })
    }

    fn settle(&self, key: &LimitKey, taken: [Taken; 2], change: Change, now: Duration) {
        let [in_redis, in_memory] = taken.map(|taken| taken.charge.expect("it passed"));
        self.runtime.block_on(async {
            let settled = [Settlement::new(key.clone(), in_redis, change)];
            self.redis.settle(&settled, now).await.expect("an answer");
            let settled = [Settlement::new(key.clone(), in_memory, change)];
            self.memory.settle(&settled, now).await.expect("an answer");
        });
    }
}

#[test]
fn the_scripts_give_the_answers_of_the_counters_in_memory() {
    let server = Redis::start();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    let redis = store(&server.url()).callers_time();
    let cases = Cell::new(0_u32);
    let steps = proptest::collection::vec((0_u64..1000, act()), 1..60);
    let mut runner =
        TestRunner::new(ProptestConfig { cases: 150, failure_persistence: None, ..ProptestConfig::default() });
    let run = runner.run(&(quota(), prop_oneof![Just(1_u32), Just(16)], steps), |(quota, share, steps)| {
        cases.set(cases.get() + 1);
        let both = Both { runtime: &runtime, redis: &redis, memory: MemoryStore::new(100_000) };
        let key = LimitKey::new("rule", &cases.get().to_be_bytes(), share, quota);
        let (mut now, mut wait, mut open) = (START, Duration::ZERO, Vec::new());
        // Time is counted in whole milliseconds.
        let window = u64::try_from(quota.window.as_millis()).expect("fits");
        for (step, act) in steps {
            // Most steps are short, some are a part of a window, and some are what a client was told to wait.
            now += match step {
                0..600 => Duration::from_millis(step),
                600..850 => Duration::from_millis(window * (step - 590) / 750),
                _ => wait,
            };
            match act {
                Act::Take => {
                    let taken = both.take(&key, now);
                    prop_assert_eq!(seen(&taken[0]), seen(&taken[1]), "{:?} at {:?}", quota, now - START);
                    wait = taken[0].wait;
                    if taken[0].charge.is_some() {
                        open.push((taken, now));
                    }
                }
                Act::Look => {
                    let looked = both.look(&key, now);
                    prop_assert_eq!(seen(&looked[0]), seen(&looked[1]), "a look, {:?} at {:?}", quota, now - START);
                }
                Act::Settle(which, change) if !open.is_empty() => {
                    let (taken, since) = open.swap_remove(which % open.len());
                    // The counters in memory forget a log that is empty, and what was in it then costs no more.
                    if now < since + quota.window {
                        both.settle(&key, taken, change, now);
                    }
                }
                Act::Settle(..) => {}
            }
        }
        Ok(())
    });
    run.unwrap_or_else(|error| panic!("{error}"));
    assert!(cases.get() >= 150);
}

#[test]
fn what_is_charged_of_a_key_that_nothing_was_taken_of_counts_as_in_memory() {
    let server = Redis::start();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    let both = Both { runtime: &runtime, redis: &store(&server.url()).callers_time(), memory: MemoryStore::new(1000) };
    let quota = Quota::new(1, Duration::from_secs(3600), Algorithm::SlidingLog);
    let key = LimitKey::new("rule", b"one", 1, quota);
    let charged = [Settlement::new(key.clone(), Charge::new(0, 0), Change::ChargeMore(1))];
    let minute = |minutes: u64| START + Duration::from_secs(60 * minutes);
    for at in [0, 50, 100] {
        runtime.block_on(both.redis.settle(&charged, minute(at))).expect("an answer");
        runtime.block_on(both.memory.settle(&charged, minute(at))).expect("an answer");
        for (later, passes) in [(1, false), (59, false), (60, true)] {
            let looked = both.look(&key, minute(at + later));
            assert_eq!(looked.map(|looked| looked.charge.is_some()), [passes; 2], "{later} minutes after {at}");
            assert_eq!(seen(&looked[0]), seen(&looked[1]));
        }
    }
}

#[test]
fn a_key_s_time_never_goes_back() {
    let server = Redis::start();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    let redis = store(&server.url()).callers_time();
    let all = [
        Algorithm::FixedWindow,
        Algorithm::SlidingLog,
        Algorithm::SlidingCounter,
        Algorithm::Gcra,
        Algorithm::LeakyBucket { burst: 3 },
    ];
    for algorithm in all {
        let limit = if let Algorithm::LeakyBucket { .. } = algorithm { 1 } else { 4 };
        let quota = Quota::new(limit, Duration::from_secs(3600), algorithm);
        let key = [LimitKey::new("rule", format!("{algorithm:?}").as_bytes(), 1, quota)];
        let take = |now| runtime.block_on(redis.take(&key, now)).expect("an answer")[0];
        assert!(take(START).charge.is_some());
        let day = Duration::from_secs(86_400);
        // Another server's clock is a day behind, or goes back: it takes of the same four.
        let passed = (0..10).filter(|step| take(START - day * *step).charge.is_some()).count();
        assert_eq!(passed, 3, "{algorithm:?}");
        let refused = take(START - day);
        assert!(refused.wait <= quota.window, "{algorithm:?}: a wait is told by the key's own time: {refused:?}");
        assert!(take(START + refused.wait).charge.is_some(), "{algorithm:?}");
    }
}

#[test]
fn a_key_of_another_algorithm_or_window_begins_anew_and_another_limit_goes_on() {
    let server = Redis::start();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    let redis = store(&server.url());
    let left = |limit, seconds, algorithm| {
        let key = LimitKey::new("rule", b"one", 1, Quota::new(limit, Duration::from_secs(seconds), algorithm));
        runtime.block_on(redis.take(&[key], START)).expect("an answer")[0].remaining
    };
    assert_eq!(left(5, 60, Algorithm::FixedWindow), 4);
    assert_eq!(left(10, 60, Algorithm::FixedWindow), 8);
    assert_eq!(left(5, 61, Algorithm::FixedWindow), 4);
    assert_eq!(left(5, 60, Algorithm::SlidingLog), 4);
    assert_eq!(left(5, 60, Algorithm::SlidingCounter), 4);
    assert_eq!(left(5, 60, Algorithm::StrictCounter), 4);
    assert_eq!(left(5, 60, Algorithm::Gcra), 4);
}

#[test]
fn a_log_whose_limit_was_lowered_waits_for_the_oldest_that_still_decides() {
    let server = Redis::start();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    let redis = store(&server.url()).callers_time();
    let take = |limit, second| {
        let quota = Quota::new(limit, Duration::from_secs(3600), Algorithm::SlidingLog);
        let key = LimitKey::new("rule", b"one", 1, quota);
        runtime.block_on(redis.take(&[key], START + Duration::from_secs(second))).expect("an answer")[0]
    };
    for second in 0..5 {
        assert!(take(5, second).charge.is_some());
    }
    let refused = take(2, 5);
    assert_eq!((refused.charge, refused.wait), (None, Duration::from_secs(3598)), "the fourth has to go");
    assert!(take(2, 5 + 3598).charge.is_some());
}
