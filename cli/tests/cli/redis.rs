//! `serve` with limits in Redis.

use std::time::{Duration, Instant};

use crate::kit::{Serving, err, neurolink, out};
use crate::redis_kit::{Redis, free_port, url};

/// The default budget of a check, and what an answer may take beside it while many tests run at one time.
const IN_TIME: Duration = Duration::from_millis(50 + 250);
const PATH: &str = "/api/version";

/// A server whose limit counts in the Redis at `url`.
fn serve(url: &str, more: &[(&str, &str)]) -> Serving {
    let mut command = neurolink(&["serve", "--port", "0", "--rate-limit", "4/60s"]);
    command.env("NEUROLINK__RATE_LIMIT__STORE", "redis").env("NEUROLINK__RATE_LIMIT__REDIS_URL", url);
    Serving::start(command.envs(more.iter().copied()))
}

/// The status; the answer must be in time.
fn get(serving: &Serving) -> u16 {
    let start = Instant::now();
    let answer = serving.get(PATH, "");
    assert!(start.elapsed() < IN_TIME, "{:?}", start.elapsed());
    answer
        .strip_prefix("HTTP/1.1 ")
        .and_then(|rest| rest.get(..3))
        .and_then(|status| status.parse().ok())
        .expect(&answer)
}

fn until(serving: &Serving, wanted: u16) {
    let start = Instant::now();
    while get(serving) != wanted {
        assert!(start.elapsed() < Duration::from_secs(20), "never {wanted}");
        std::thread::sleep(Duration::from_millis(20));
    }
}

fn lines_about_the_store(log: &str) -> Vec<&str> {
    log.lines().filter(|line| line.contains("limit store")).collect()
}

#[test]
fn it_starts_without_its_redis_and_says_once_that_it_is_missing_and_once_that_it_is_there() {
    let port = free_port();
    let serving = serve(&url(port), &[]);
    for _ in 0..20 {
        assert_eq!(get(&serving), 503);
    }
    let _redis = Redis::on(port);
    until(&serving, 200);
    let (code, _, log) = serving.end("-TERM");
    assert_eq!(code, Some(0), "{log}");
    let lines = lines_about_the_store(&log);
    assert_eq!(lines.len(), 2, "{log}");
    assert!(lines[0].contains("WARN") && lines[1].contains("INFO"), "{lines:?}");
}

// Shows S2-02.
#[test]
fn two_servers_share_a_limit_and_each_has_its_part_while_redis_is_killed_or_stopped() {
    let mut redis = Redis::start();
    let local = [("NEUROLINK__RATE_LIMIT__ON_STORE_FAILURE", "local"), ("NEUROLINK__RATE_LIMIT__LOCAL_PERCENT", "25")];
    let servers = [(); 2].map(|()| serve(&redis.url(), &local));
    let passing = || servers.iter().map(|server| (0..8).filter(|_| get(server) == 200).count()).sum::<usize>();
    // The first answer may not come in time: then one more is counted here.
    let together = passing();
    assert!((4..=6).contains(&together), "{together}");
    redis.kill();
    let apart = passing();
    assert!(apart <= 2, "one of each server: {apart}");
    redis.restart();
    let start = Instant::now();
    until(&servers[0], 200);
    assert!(start.elapsed() < Duration::from_secs(2), "{:?}", start.elapsed());
    until(&servers[0], 429);
    redis.stop();
    for server in &servers {
        for _ in 0..20 {
            get(server);
        }
    }
    redis.go_on();
    until(&servers[1], 429);
}

#[test]
fn the_url_is_a_secret() {
    let secret = "redis://limits:hush-hush@127.0.0.1:1/0";
    let mut command = neurolink(&["config", "--rate-limit", "4/60s"]);
    command.env("NEUROLINK__RATE_LIMIT__STORE", "redis").env("NEUROLINK__RATE_LIMIT__REDIS_URL", secret);
    let shown = command.output().expect("the binary runs");
    assert!(shown.status.success(), "{}", err(&shown));
    assert!(out(&shown).contains("redis_url = \"[hidden]\"") && !out(&shown).contains("hush"), "{}", out(&shown));
    let wrong = "http://limits:hush-hush@127.0.0.1:1/0";
    let mut command = neurolink(&["serve", "--port", "0", "--rate-limit", "4/60s"]);
    command.env("NEUROLINK__RATE_LIMIT__STORE", "redis").env("NEUROLINK__RATE_LIMIT__REDIS_URL", wrong);
    let refused = command.output().expect("the binary runs");
    assert_eq!(refused.status.code(), Some(2));
    let text = err(&refused);
    assert!(text.contains("rate_limit.redis_url") && text.contains("redis://user:password@host"), "{text}");
    assert!(!text.contains("hush"), "{text}");
}
