//! Section `auth.login`: what it makes, and its mistakes.

#[path = "../kit/files.rs"]
mod common;

use http_body_util::BodyExt as _;
use neurolink_config::{Config, Loader};
use neurolink_core::app::ConnInfo;
use neurolink_core::login::Login;
use neurolink_core::middleware::{PasswordHash, PasswordUser, Passwords};
use neurolink_core::{App, AuthenticatedUser};
use neurolink_routes::{OfflineEngine, WithRoutes as _};
use serde_json::Value;

const HASH: &str = "$argon2id$v=19$m=7168,t=1,p=1$c2FsdC1mb3ItdGVzdHM$/1ZUydr1QQ0gEJrK1BFmOleeZaTC2eEV00YfNJTIKtg";
const SECRET: &str = "secret = \"hush-hush-hush-hush-hush-hush-hush-hush\"\n";
/// The pair of RFC 8410, section 10.
const PRIVATE: &str = "-----BEGIN PRIVATE KEY-----\nMC4CAQAwBQYDK2VwBCIEINTuctv5E1hK1bbY8fdp+K06/nwoy/HU++CXqI9EdVhC\n-----END PRIVATE KEY-----\n";

/// A user `ada` with the password `correct horse`, and a login with these keys.
fn file(login: &str) -> String {
    format!("[[auth.passwords]]\nname = \"ada\"\nhash = {HASH:?}\nuser = \"u1\"\n[auth.login]\n{login}")
}

fn config(login: &str) -> Config {
    Loader::new().file(common::file("login.toml", &file(login))).load().expect("valid").config
}

fn app(config: &Config) -> App {
    config.apply(App::builder(OfflineEngine::new())).expect("valid").all_routes().build().expect("valid")
}

async fn send(app: &App, request: http::request::Builder, body: &str) -> (u16, Value) {
    let request = request.header("host", "localhost").header("content-type", "application/json");
    let request = request.body(body.to_owned().into()).expect("a request");
    let answer = app.handle(request, ConnInfo::new(Some(([127, 0, 0, 1], 5000).into()))).await;
    let status = answer.status().as_u16();
    let body = answer.into_body().collect().await.expect("a body").to_bytes();
    (status, serde_json::from_slice(&body).expect("JSON"))
}

async fn log_in(app: &App) -> Value {
    let body = r#"{"username":"ada","password":"correct horse"}"#;
    let (status, answer) = send(app, http::Request::post("/api/auth/login"), body).await;
    assert_eq!(status, 200, "{answer}");
    answer["data"].clone()
}

async fn tools(app: &App, authorization: &str) -> u16 {
    send(app, http::Request::get("/api/tools").header("authorization", authorization), "").await.0
}

#[tokio::test]
async fn a_login_is_routes_and_an_authenticator_and_basic_only_if_it_says_so() {
    const BASIC: &str = "Basic YWRhOmNvcnJlY3QgaG9yc2U=";
    for (basic, status) in [(false, 401), (true, 200)] {
        let config = config(&format!("{SECRET}basic = {basic}"));
        assert!(config.auth.is_configured() && config.auth.has_bearer());
        let app = app(&config);
        let tokens = log_in(&app).await;
        let bearer = format!("Bearer {}", tokens["accessToken"].as_str().expect("a token"));
        assert_eq!((tools(&app, &bearer).await, tools(&app, BASIC).await), (200, status));
    }
}

#[tokio::test]
async fn times_parties_and_keys_come_from_the_configuration() {
    let key = common::file("key.pem", PRIVATE);
    let config = config(&format!(
        "{SECRET}access_lifetime = \"5m\"\nidle_lifetime = \"1h\"\nmax_lifetime = \"2h\"\nissuer = \"me\"\n\
         audience = \"you\"\nsigning_key = {:?}",
        key.to_str().expect("UTF-8")
    ));
    let shown = toml::to_string(&config).expect("TOML");
    assert!(
        !shown.contains("hush") && !shown.contains("PRIVATE") && !format!("{config:?}").contains("hush"),
        "{shown}"
    );
    let app = app(&config);
    let tokens = log_in(&app).await;
    assert_eq!((&tokens["expiresIn"], &tokens["refreshExpiresIn"]), (&300.into(), &3600.into()));
    let access = tokens["accessToken"].as_str().expect("a token");
    assert!(access.starts_with("eyJhbGciOiJFZERTQSI"), "EdDSA: {access}");
    assert_eq!(tools(&app, &format!("Bearer {access}")).await, 200);
}

#[tokio::test]
async fn a_login_of_code_stays() {
    let hash = PasswordHash::parse(HASH).expect("a hash");
    let own = Login::new(Passwords::users([PasswordUser::new("eve", hash, AuthenticatedUser::new("u2"))]), [7; 32]);
    let builder = App::builder(OfflineEngine::new()).state(own);
    let app = config(SECRET).apply(builder).expect("valid").all_routes().build().expect("valid");
    let body = r#"{"username":"ada","password":"correct horse"}"#;
    assert_eq!(send(&app, http::Request::post("/api/auth/login"), body).await.0, 401);
}

#[test]
fn without_it_there_are_no_routes() {
    let app = app(&Config::default());
    assert!(!app.plan().routes.iter().any(|route| route.path.contains("/auth/")));
}

#[test]
fn a_stack_knows_no_logins_in_memory_and_says_so() {
    let error = config(SECRET).stack().err().expect("a mistake").to_string();
    assert!(error.contains("auth.login.store") && error.contains("write `redis`"), "{error}");
}

#[cfg(feature = "redis")]
#[test]
fn a_stack_takes_tokens_of_logins_in_redis() {
    let redis = "store = \"redis\"\nredis_url = \"redis://127.0.0.1:1/\"\n";
    assert!(config(&format!("{SECRET}{redis}")).stack().expect("valid").build().is_ok());
    let wrong = config(&format!("{SECRET}store = \"redis\"\nredis_url = \"http://hush@127.0.0.1\""));
    let error = wrong.apply(App::builder(OfflineEngine::new())).err().expect("a mistake").to_string();
    assert!(error.contains("auth.login.redis_url") && !error.contains("hush"), "{error}");
    let prefix = config(&format!("{SECRET}{redis}prefix = \"a{{b}}\""));
    let built = prefix.apply(App::builder(OfflineEngine::new())).expect("valid").build();
    assert!(built.expect_err("a mistake").to_string().contains("1 to 64 letters"));
}

#[test]
fn mistakes_name_their_key_and_their_fix() {
    for (login, key, advice) in [
        ("", "auth.login.secret", "set NEUROLINK__AUTH__LOGIN__SECRET"),
        ("secret = \"hush\"", "auth.login.secret", "at least 32 random bytes"),
        (&*format!("{SECRET}idle_lifetime = \"1m\""), "auth.login.access_lifetime", "15 minutes, 30 days and 90 days"),
        (&format!("{SECRET}max_lifetime = \"1d\""), "auth.login.access_lifetime", "15 minutes, 30 days and 90 days"),
        (&format!("{SECRET}access_lifetime = \"0s\""), "auth.login.access_lifetime", "it is zero"),
        (&format!("{SECRET}per_user = 0"), "auth.login.per_user", "from 1 to 1000"),
        (&format!("{SECRET}store = \"disk\""), "auth.login.store", "`memory` and `redis`"),
        (&format!("{SECRET}store = \"redis\""), "auth.login.redis_url", "NEUROLINK__AUTH__LOGIN__REDIS_URL"),
        (&format!("{SECRET}redis_url = \"redis://hush@x\""), "auth.login.store", "write `store = \"redis\"`"),
        (&format!("{SECRET}signing_key = \"no-such.pem\""), "auth.login.signing_key", "no such file"),
        (&format!("{SECRET}signing_key = \"Cargo.toml\""), "auth.login.access_lifetime", "openssl genpkey"),
        (&format!("{SECRET}lifetime = \"1d\""), "auth.login.lifetime", "did you mean"),
        (
            &format!(
                "{SECRET}[auth.jwt]\nsecret = \"hush-hush-hush-hush-hush-hush-hush\"\nissuer = \"i\"\naudience = \"a\""
            ),
            "auth.login",
            "`auth.jwt` is there as well",
        ),
    ] {
        let error = Loader::new().file(common::file("login.toml", &file(login))).load().expect_err(login);
        let found = error.problems().iter().find(|problem| problem.key == key);
        let problem = found.unwrap_or_else(|| panic!("{login}: {error}"));
        assert!(problem.problem.contains(advice), "{login}: {problem}");
        assert!(!format!("{error} {error:?}").contains("hush"), "{error}");
    }
    let nobody = common::file("login.toml", &format!("[auth.login]\n{SECRET}"));
    let error = Loader::new().file(nobody).load().expect_err("nobody").to_string();
    assert!(error.contains("name users in `auth.passwords`"), "{error}");
    let flag = Loader::new().set("auth.login.secret", "hush-hush", "flag --x").load().expect_err("a flag").to_string();
    assert!(flag.contains("a secret has no flag") && !flag.contains("hush"), "{flag}");
}

#[test]
fn a_prefix_without_redis_is_warned_about() {
    let path = common::file("login.toml", &file(&format!("{SECRET}prefix = \"x\"")));
    let warnings = Loader::new().file(path).load().expect("valid").warnings;
    assert_eq!(warnings, ["auth.login.prefix has no effect unless auth.login.store is `redis`"]);
}
