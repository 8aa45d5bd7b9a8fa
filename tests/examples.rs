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
    let me = ask(&address, "GET /me", "Authorization: Bearer a-token-of-at-least-16-bytes\r\n", "");
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
