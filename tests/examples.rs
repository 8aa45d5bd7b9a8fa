//! Every example runs and does what it is about.

use std::io::{Read as _, Write as _};
use std::net::TcpStream;

#[path = "kit/example.rs"]
mod example;

use example::Example;

/// Sends a request with these lines between its first line and its end, and reads until the server closes.
fn ask(address: &str, first: &str, lines: &str, body: &str) -> String {
    let mut stream = TcpStream::connect(address).expect("connects");
    write!(stream, "{first} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n{lines}\r\n{body}").expect("sends");
    let mut answer = String::new();
    stream.read_to_string(&mut answer).expect("answers");
    answer
}

fn body(answer: &str) -> &str {
    answer.split_once("\r\n\r\n").expect("a head").1
}

fn embeds(name: &str) {
    let mut example = Example::start(name, &[]);
    let address = example.address();
    let mine = ask(&address, "GET /mine", "", "");
    assert!(mine.starts_with("HTTP/1.1 200") && body(&mine).contains("mine"), "{mine}");
    assert!(!mine.to_ascii_lowercase().contains("x-request-id"), "{mine}");
    let ours = ask(&address, "GET /api/health", "", "");
    assert!(ours.starts_with("HTTP/1.1 200") && ours.contains("x-request-id"), "{ours}");
    let nope = ask(&address, "GET /nope", "", "");
    assert!(nope.starts_with("HTTP/1.1 404") && !nope.contains("x-request-id"), "{nope}");
}

fn protects(name: &str) {
    let mut example = Example::start(name, &[]);
    let address = example.address();
    let refused = ask(&address, "GET /me", "", "");
    assert!(refused.starts_with("HTTP/1.1 401") && refused.contains("AUTH_REQUIRED"), "{refused}");
    let me = ask(&address, "GET /me", "Authorization: Bearer a-token-of-at-least-128-bits\r\n", "");
    assert!(me.starts_with("HTTP/1.1 200") && body(&me).contains("u1"), "{me}");
    let open = ask(&address, "GET /open", "", "");
    assert!(open.starts_with("HTTP/1.1 200") && body(&open).contains("open"), "{open}");
}

macro_rules! examples {
    ($($does:ident: $($name:ident),*;)*) => {$($(
        #[test]
        fn $name() {
            $does(stringify!($name));
        }
    )*)*};
}

examples! {
    embeds: embed_axum, embed_actix, embed_warp, embed_poem;
    protects: protect_axum, protect_actix, protect_warp, protect_poem;
}

#[test]
fn four_frameworks() {
    let mut example = Example::start("four_frameworks", &[]);
    for _ in 0..4 {
        let answer = ask(&example.address(), "GET /api/hello", "", "");
        assert!(answer.starts_with("HTTP/1.1 200") && body(&answer).contains(r#"{"data":"hello""#), "{answer}");
    }
}

#[test]
fn write_middleware() {
    let mut example = Example::start("write_middleware", &[]);
    let address = example.address();
    let answer = ask(&address, "GET /api/tenant", "X-Tenant: t1\r\n", "");
    assert!(answer.contains("x-served-by: example") && answer.contains(r#""data":"t1""#), "{answer}");
    let refused = ask(&address, "GET /api/tenant", "", "");
    assert!(refused.starts_with("HTTP/1.1 400") && refused.contains("x-served-by: example"), "{refused}");
}

#[test]
fn write_adapter() {
    let mut example = Example::start("write_adapter", &[]);
    let address = example.address();
    let ours = ask(&address, "GET /api/health", "", "");
    assert!(ours.starts_with("HTTP/1.1 200") && ours.contains("x-request-id"), "{ours}");
    let hosts = ask(&address, "GET /nope", "", "");
    assert!(hosts.starts_with("HTTP/1.1 404") && body(&hosts) == "not found", "{hosts}");
}

#[test]
fn login() {
    let mut example = Example::start("login", &[("LOGIN_SECRET", "a secret of at least thirty-two bytes")]);
    let address = example.address();
    let post = |route: &str, sent: &str| {
        let lines = format!("Content-Type: application/json\r\nContent-Length: {}\r\n", sent.len());
        ask(&address, &format!("POST /api/auth/{route}"), &lines, sent)
    };
    let token = |answer: &str, name: &str| {
        let found = answer.split_once(&format!("\"{name}\":\"")).and_then(|(_, rest)| rest.split('"').next());
        found.unwrap_or_else(|| panic!("{answer}")).to_owned()
    };
    let me = |access: &str| ask(&address, "GET /api/me", &format!("Authorization: Bearer {access}\r\n"), "");
    let first = post("login", r#"{"username":"ada","password":"correct horse"}"#);
    let second = post("refresh", &format!(r#"{{"refreshToken":"{}"}}"#, token(&first, "refreshToken")));
    for answer in [&first, &second] {
        let mine = me(&token(answer, "accessToken"));
        assert!(mine.starts_with("HTTP/1.1 200") && body(&mine).contains(r#""data":"u1""#), "{mine}");
    }
    post("logout", &format!(r#"{{"refreshToken":"{}"}}"#, token(&second, "refreshToken")));
    let ended = me(&token(&second, "accessToken"));
    assert!(ended.starts_with("HTTP/1.1 401") && ended.contains("AUTH_INVALID"), "{ended}");
    let wrong = post("login", r#"{"username":"ada","password":"wrong"}"#);
    assert!(wrong.starts_with("HTTP/1.1 401") && wrong.contains("cache-control: no-store"), "{wrong}");
}

#[test]
fn jwt_provider() {
    let mut example = Example::start("jwt_provider", &[]);
    let (provider, server) = (example.address(), example.address());
    let token = body(&ask(&provider, "GET /token", "", "")).to_owned();
    let with = |token: &str| ask(&server, "GET /api/me", &format!("Authorization: Bearer {token}\r\n"), "");
    let me = with(&token);
    assert!(me.starts_with("HTTP/1.1 200") && body(&me).contains(r#""data":"alice""#), "{me}");
    let changed = with(&token.replacen('.', ".e30", 1));
    assert!(changed.starts_with("HTTP/1.1 401") && changed.contains("AUTH_INVALID"), "{changed}");
    assert!(changed.contains(r#"error="invalid_token", error_description="The token is not valid""#), "{changed}");
    let stranger = ask(&server, "GET /api/me", "", "");
    assert!(stranger.starts_with("HTTP/1.1 401") && stranger.contains("AUTH_REQUIRED"), "{stranger}");
}

#[test]
fn api_keys() {
    let admin = "nl_an-administrators-key-of-this-test-0123456789";
    let mut example = Example::start("api_keys", &[("ADMIN_KEY", admin)]);
    let address = example.address();
    let as_admin = |first: &str, json: &str| {
        let lines =
            format!("X-API-Key: {admin}\r\nContent-Type: application/json\r\nContent-Length: {}\r\n", json.len());
        ask(&address, first, &lines, json)
    };
    let issued = as_admin("POST /api/keys", r#"{"user":"alice","roles":["reader"]}"#);
    let data: serde_json::Value = serde_json::from_str(body(&issued)).expect("JSON");
    let (key, id) = (data["data"]["key"].as_str().expect("a key"), data["data"]["id"].as_str().expect("an id"));
    let reports = |key: &str| ask(&address, "GET /api/reports", &format!("X-API-Key: {key}\r\n"), "");
    let mine = reports(key);
    assert!(mine.starts_with("HTTP/1.1 200") && body(&mine).contains("alice") && mine.contains("limit: 3"), "{mine}");
    assert!(reports(admin).starts_with("HTTP/1.1 403"), "an administrator is no reader");
    assert!(reports(id).starts_with("HTTP/1.1 401"));
    let more = as_admin("POST /api/keys", r#"{"user":"eve","roles":["admin"]}"#);
    assert!(more.starts_with("HTTP/1.1 403"), "{more}");
    assert!(as_admin(&format!("DELETE /api/keys/{id}"), "").starts_with("HTTP/1.1 200"));
    assert!(reports(key).starts_with("HTTP/1.1 401"));
    assert!(as_admin(&format!("DELETE /api/keys/{id}"), "").starts_with("HTTP/1.1 404"));
}

#[test]
fn token_introspection() {
    let mut example = Example::start("token_introspection", &[]);
    let (provider, server) = (example.address(), example.address());
    let me = |token: &str| ask(&server, "GET /api/me", &format!("Authorization: Bearer {token}\r\n"), "");
    let tell =
        |path: &str| assert!(ask(&provider, &format!("POST {path}"), "", "").starts_with("HTTP/1.1 200"), "{path}");
    let mine = me("alice-0123456789");
    assert!(mine.starts_with("HTTP/1.1 200") && body(&mine).contains(r#""data":"alice""#), "{mine}");
    let in_query = ask(&server, "GET /api/me?access_token=alice-0123456789", "", "");
    assert!(in_query.starts_with("HTTP/1.1 200") && in_query.contains("cache-control: no-store"), "{in_query}");
    assert!(me("alice-0123456780").starts_with("HTTP/1.1 401"));
    tell("/stop");
    assert!(me("bob-0123456789").starts_with("HTTP/1.1 503"), "not judged");
    tell("/go-on");
    tell("/revoke");
    let begun = std::time::Instant::now();
    // An answer of the provider is believed for a second.
    while !me("alice-0123456789").starts_with("HTTP/1.1 401") {
        assert!(begun.elapsed() < std::time::Duration::from_secs(10), "a token goes on that was taken back");
    }
}
