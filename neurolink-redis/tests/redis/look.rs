//! Looks into a Redis.

use redis::{Client, Connection};

use crate::kit::Redis;

pub(crate) fn connection(redis: &Redis) -> Connection {
    Client::open(redis.url()).and_then(|client| client.get_connection()).expect("it answers")
}

/// How often a command was called, inside of scripts too.
pub(crate) fn calls(redis: &Redis, command: &str) -> u64 {
    let info: String = redis::cmd("INFO").arg("commandstats").query(&mut connection(redis)).expect("stats");
    let line = info.lines().find_map(|line| line.strip_prefix(&format!("cmdstat_{command}:calls=")));
    line.and_then(|line| line.split(',').next()).map_or(0, |calls| calls.parse().expect("a number"))
}

/// How many connections it holds, those that it has not accepted among them; the system knows.
pub(crate) fn connections(redis: &Redis) -> usize {
    let table = std::fs::read_to_string("/proc/net/tcp").expect("Linux");
    let own = format!(":{:04X}", redis.port);
    let is_its = |line: &&str| line.split_whitespace().nth(1).is_some_and(|address| address.ends_with(&own));
    table.lines().filter(is_its).count()
}

/// Makes the user of this name as docs/redis.md says, and gives the URL that it connects with.
pub(crate) fn documented_user(redis: &Redis, name: &str) -> String {
    let page = include_str!("../../../docs/redis.md");
    let line =
        page.lines().find(|line| line.starts_with(&format!("ACL SETUSER {name} "))).expect("the page has the line");
    let mut words = line.split_whitespace();
    let mut acl = redis::cmd(words.next().expect("a command"));
    words.for_each(|word| _ = acl.arg(word));
    let _: () = acl.query(&mut connection(redis)).expect("a user");
    format!("redis://{name}:change-me@127.0.0.1:{}/", redis.port)
}

/// Every key.
pub(crate) fn keys(redis: &Redis) -> Vec<String> {
    redis::cmd("KEYS").arg("*").query(&mut connection(redis)).expect("keys")
}
