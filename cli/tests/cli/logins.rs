//! `serve` with logins.

use serde_json::{Value, json};

use crate::kit::{Serving, err, folder, neurolink, out};
use crate::redis_kit::Redis;

/// Of `correct horse`.
const USERS: &str = r#"
[[auth.passwords]]
name = "ada"
hash = "$argon2id$v=19$m=7168,t=1,p=1$c2FsdC1mb3ItdGVzdHM$/1ZUydr1QQ0gEJrK1BFmOleeZaTC2eEV00YfNJTIKtg"
user = "u1"
"#;
const SECRET: (&str, &str) = ("NEUROLINK__AUTH__LOGIN__SECRET", "hush-hush-hush-hush-hush-hush-hush-hush");

/// A file with the users, and more.
fn file(more: &str) -> String {
    let path = folder().join("login.toml");
    std::fs::write(&path, format!("{USERS}{more}")).expect("a file");
    path.to_str().expect("UTF-8").to_owned()
}

fn serve(redis: &Redis) -> Serving {
    let mut command = neurolink(&["serve", "--port", "0", "--config", &file("")]);
    command.env(SECRET.0, SECRET.1).env("NEUROLINK__AUTH__LOGIN__STORE", "redis");
    Serving::start(command.env("NEUROLINK__AUTH__LOGIN__REDIS_URL", redis.url()))
}

fn post(serving: &Serving, route: &str, body: &Value) -> (u16, Value) {
    let body = body.to_string();
    answer(&serving.send(&format!(
        "POST /api/auth/{route} HTTP/1.1\r\nHost: {}\r\nConnection: close\r\nContent-Type: application/json\r\n\
         Content-Length: {}\r\n\r\n{body}",
        serving.address,
        body.len()
    )))
}

fn answer(text: &str) -> (u16, Value) {
    let status = text.get(9..12).and_then(|status| status.parse().ok()).expect(text);
    let body = text.split_once("\r\n\r\n").map(|(_, body)| body).unwrap_or_default();
    (status, serde_json::from_str(body).unwrap_or_default())
}

fn tokens((status, answer): (u16, Value)) -> (String, String) {
    assert_eq!(status, 200, "{answer}");
    let text = |name: &str| answer["data"][name].as_str().expect("a token").to_owned();
    (text("accessToken"), text("refreshToken"))
}

fn refresh(serving: &Serving, token: &str) -> (u16, Value) {
    post(serving, "refresh", &json!({ "refreshToken": token }))
}

fn tools(serving: &Serving, access: &str) -> u16 {
    answer(&serving.get("/api/tools", &format!("Authorization: Bearer {access}\r\n"))).0
}

// Shows S0-58.
#[test]
fn two_processes_share_logins_and_a_replay_at_one_ends_them_at_both() {
    let redis = Redis::start();
    let [one, other] = [(); 2].map(|()| serve(&redis));
    let (access, first) = tokens(post(&one, "login", &json!({ "username": "ada", "password": "correct horse" })));
    assert_eq!((tools(&one, &access), tools(&other, &access)), (200, 200));
    let (_, second) = tokens(refresh(&other, &first));
    assert_eq!(tokens(refresh(&one, &first)).1, second, "at once it gets the same again");
    let (newest, third) = tokens(refresh(&one, &second));
    assert_eq!(tools(&other, &newest), 200);
    assert_eq!(refresh(&other, &first).0, 401);
    for server in [&one, &other] {
        assert_eq!((tools(server, &access), tools(server, &newest), refresh(server, &third).0), (401, 401, 401));
    }
    let (code, _, log) = other.end("-TERM");
    assert_eq!(code, Some(0));
    assert!(log.contains("family revoked") && log.contains("a refresh token was used again"), "{log}");
    for secret in [SECRET.1, &first, &second, &third, &access, &newest, "correct horse"] {
        assert!(!log.contains(secret), "{log}");
    }
}

// Shows S0-14.
#[test]
fn routes_of_logins_are_public_and_there_with_a_login_only() {
    let path = file("");
    let mut command = neurolink(&["routes", "--config", &path]);
    let shown = command.env(SECRET.0, SECRET.1).output().expect("the binary runs");
    assert!(shown.status.success(), "{}", err(&shown));
    let text = out(&shown);
    for route in ["/api/auth/login", "/api/auth/refresh", "/api/auth/logout"] {
        let line = text.lines().find(|line| line.contains(route)).expect(route);
        assert!(line.contains("POST") && line.contains("public"), "{line}");
    }
    let without = neurolink(&["routes", "--config", &path]).output().expect("the binary runs");
    assert!(without.status.success() && !out(&without).contains("/api/auth/"), "{}", err(&without));
}

#[test]
fn the_configuration_shows_a_login_without_its_secrets() {
    let mut command = neurolink(&["config", "--config", &file("")]);
    command.env(SECRET.0, SECRET.1).env("NEUROLINK__AUTH__LOGIN__STORE", "redis");
    let shown = command.env("NEUROLINK__AUTH__LOGIN__REDIS_URL", "redis://hush:hush@127.0.0.1/").output();
    let shown = shown.expect("the binary runs");
    assert!(shown.status.success(), "{}", err(&shown));
    let text = out(&shown);
    assert!(text.contains("secret = \"[hidden]\"") && text.contains("access_lifetime = \"15m\""), "{text}");
    assert!(
        text.contains("redis_url = \"[hidden]\"") && !text.contains("hush") && !text.contains("argon2id"),
        "{text}"
    );
}
