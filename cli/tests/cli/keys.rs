//! `key issue` and `key revoke`: what they show, and that servers go by it.

use neurolink::middleware::ApiKeyHash;
use serde_json::Value;

use crate::kit::{Serving, err, folder, neurolink, out, run};
use crate::redis_kit::Redis;

fn issued(arguments: &[&str]) -> Value {
    let output = run(&[&["key", "issue", "--format", "json"], arguments].concat());
    assert!(output.status.success(), "{}", err(&output));
    let (shown, logged) = (out(&output), err(&output));
    assert_eq!((shown.lines().count(), logged.as_str()), (1, ""));
    serde_json::from_str(&shown).expect("one object")
}

fn whoami(serving: &Serving, key: &str) -> bool {
    serving.get("/api/tools", &format!("X-API-Key: {key}\r\n")).starts_with("HTTP/1.1 200")
}

// Shows S1-53.
#[test]
fn a_key_is_shown_once_with_its_hash_and_has_43_characters() {
    let (one, other) = (issued(&["--user", "alice", "--role", "user"]), issued(&["--user", "alice"]));
    let key = one["key"].as_str().expect("a key");
    let random = key.strip_prefix("nl_").expect("the prefix");
    assert!(random.len() == 43 && random.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_".contains(&byte)));
    assert_eq!(one["hash"], ApiKeyHash::of(key).to_string());
    assert_eq!((&one["user"], &one["roles"][0]), (&"alice".into(), &"user".into()));
    assert_ne!(one["key"], other["key"]);
    let never = issued(&["--user", "ci", "--expires", "never", "--prefix", "acme_", "--rate-limit", "9"]);
    assert!(never["expires"].is_null() && never["rateLimit"] == 9);
    assert!(never["key"].as_str().is_some_and(|key| key.starts_with("acme_")));
}

#[test]
fn the_entry_that_is_shown_lets_the_key_in_and_does_not_hold_it() {
    let output = run(&["key", "issue", "--user", "alice \"a\"", "--role", "user", "--expires", "1d"]);
    let text = out(&output);
    let key = text.lines().next().and_then(|line| line.strip_prefix("key  ")).expect("the key");
    let (_, entry) = text.split_once("[[auth.api_keys.keys]]").expect("an entry");
    assert!(!entry.contains(key), "{entry}");
    let path = folder().join("issued.toml");
    std::fs::write(&path, format!("[[auth.api_keys.keys]]{entry}")).expect("written");
    let path = path.to_str().expect("UTF-8");
    let serving = Serving::start(&mut neurolink(&["serve", "--port", "0", "--config", path]));
    assert!(whoami(&serving, key) && !whoami(&serving, "nl_wrong"));
    let (_, shown, logged) = serving.end("-TERM");
    assert!(!shown.contains(key) && !logged.contains(key), "{shown}{logged}");
}

#[test]
fn a_key_in_the_store_counts_at_a_server_until_it_is_revoked() {
    let redis = Redis::start();
    let path = folder().join("stored-keys.toml");
    std::fs::write(&path, "[auth.api_keys]\nstore = \"redis\"\n").expect("written");
    let path = path.to_str().expect("UTF-8");
    let with_redis = |arguments: &[&str]| {
        let mut command = neurolink(arguments);
        command.env("NEUROLINK__AUTH__API_KEYS__REDIS_URL", redis.url());
        command
    };
    let serving = Serving::start(&mut with_redis(&["serve", "--port", "0", "--config", path]));
    let arguments = ["key", "issue", "--user", "alice", "--store", "--config", path, "--format", "json"];
    let output = with_redis(&arguments).output().expect("it runs");
    let issued: Value = serde_json::from_str(&out(&output)).expect("one object");
    let (key, id) = (issued["key"].as_str().expect("a key"), issued["id"].as_str().expect("an id"));
    assert!(whoami(&serving, key) && !whoami(&serving, id));
    let revoke = || with_redis(&["key", "revoke", id, "--config", path]).output().expect("it runs");
    let first = revoke();
    assert_eq!((first.status.code(), out(&first).trim()), (Some(0), "revoked"), "{}", err(&first));
    assert!(!whoami(&serving, key));
    let second = revoke();
    assert_eq!(second.status.code(), Some(1));
    assert!(err(&second).contains("the store has no key"), "{}", err(&second));
    serving.end("-TERM");
}

#[test]
fn mistakes_are_told_with_their_flag() {
    for (arguments, part) in [
        (&["--user", " "][..], "--user"),
        (&["--user", "a", "--expires", "0d"], "write 1 to 365 days"),
        (&["--user", "a", "--expires", "366d"], "write 1 to 365 days"),
        (&["--user", "a", "--expires", "soon"], "such as `30d`"),
        (&["--user", "a", "--rate-limit", "0"], "a limit of 0 refuses"),
        (&["--user", "a", "--store"], "the configuration has no store of keys"),
        (&["--role", "a"], "--user"),
    ] {
        let output = run(&[&["key", "issue"], arguments].concat());
        assert_eq!(output.status.code(), Some(2), "{arguments:?}");
        assert!(err(&output).contains(part) && out(&output).is_empty(), "{arguments:?}: {}", err(&output));
    }
}
