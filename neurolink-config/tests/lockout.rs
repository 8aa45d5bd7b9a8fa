//! `auth.lockout_store`: where failures with names and passwords are counted.
#![cfg(feature = "redis")]

use neurolink_config::{Loaded, Loader};
use neurolink_core::{App, AppBuilder, ConfigError};
use neurolink_routes::OfflineEngine;

const ADA: &str = "[[auth.passwords]]\nname = \"ada\"\nhash = \
                   \"$argon2id$v=19$m=7168,t=1,p=1$c2FsdC1mb3ItdGVzdHM$/1ZUydr1QQ0gEJrK1BFmOleeZaTC2eEV00YfNJTIKtg\"\n\
                   user = \"u1\"\n";
const REDIS: &str = "[rate_limit]\nstore = \"redis\"\nredis_url = \"redis://127.0.0.1:1\"\n";
const KERYX: &str = "limit = \"9/1m\"\nalgorithm = \"strict_counter\"\nredis_keys = \"keryx\"\n";

/// What these sections are, with a user `ada`.
fn load(auth: &str, rest: &str) -> Loaded {
    Loader::new().text("test.toml", format!("[auth]\n{auth}\n{ADA}{rest}")).load().expect("valid")
}

fn applied(auth: &str, rest: &str) -> Result<AppBuilder, ConfigError> {
    load(auth, rest).config.apply(App::builder(OfflineEngine::new()))
}

/// Whether the lockout counts in Redis.
fn is_in_redis(auth: &str, rest: &str) -> bool {
    let app = applied(auth, rest).expect("valid").build().expect("valid");
    let plan = format!("{:?}", app.plan());
    assert!(plan.contains("failures of a name from one network"), "{plan}");
    plan.contains("in all, in 900s, in redis")
}

#[test]
fn a_lockout_counts_where_limits_do_unless_told() {
    assert!(!is_in_redis("", ""));
    assert!(is_in_redis("", REDIS));
    assert!(is_in_redis("", &format!("{REDIS}limit = \"9/1m\"\n")));
    assert!(is_in_redis("lockout_store = \"redis\"", REDIS));
    assert!(!is_in_redis("lockout_store = \"memory\"", REDIS));
    assert!(!is_in_redis("", &format!("{REDIS}{KERYX}")), "its keys hold no lockout");
}

#[test]
fn a_redis_that_is_not_there_or_holds_no_lockout_is_a_mistake() {
    for (rest, advice) in [
        (String::new(), "`rate_limit.store = \"redis\"`"),
        (format!("{REDIS}{KERYX}"), "`rate_limit.redis_keys = \"hashed\"`"),
    ] {
        let error = applied("lockout_store = \"redis\"", &rest).map(drop).expect_err("a mistake");
        let [problem] = error.problems() else { panic!("one: {error}") };
        assert_eq!(problem.key, "auth.lockout_store");
        assert!(problem.problem.contains(advice), "{problem}");
    }
}

#[test]
fn what_has_no_effect_is_told() {
    let warned = |text: String| {
        let warnings = Loader::new().text("test.toml", text).load().expect("valid").warnings;
        warnings.into_iter().filter(|warning| warning.contains("store")).collect::<Vec<_>>()
    };
    assert_eq!(
        warned("[auth]\nlockout_store = \"memory\"\n".into()),
        ["auth.lockout_store has no effect without auth.passwords"]
    );
    let idle = ["rate_limit.store has no effect while rate_limit.limit is `off` and no lockout counts there; name a \
                 limit, such as `100/60s`"];
    assert_eq!(warned(REDIS.into()), idle);
    assert_eq!(warned(format!("[auth]\nlockout_store = \"memory\"\n{ADA}{REDIS}")), idle);
    assert!(warned(format!("{ADA}{REDIS}")).is_empty());
}
