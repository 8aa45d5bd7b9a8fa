//! The routes of logins: what they take and what they answer; `neurolink-core` tests the logins themselves.

use http::Method;
use neurolink_core::login::Login;
use neurolink_core::middleware::{BearerAuth, PasswordHash, PasswordUser, Passwords};
use neurolink_core::{App, AuthenticatedUser};
use neurolink_routes::{WithRoutes as _, auth};
use serde_json::{Value, json};

use crate::support::{builder, pairs, post, post_json, raw};

const HASH: &str = "$argon2id$v=19$m=7168,t=1,p=1$c2FsdC1mb3ItdGVzdHM$/1ZUydr1QQ0gEJrK1BFmOleeZaTC2eEV00YfNJTIKtg";

fn app() -> App {
    let ada = PasswordUser::new("ada", PasswordHash::parse(HASH).expect("a hash"), AuthenticatedUser::new("u1"));
    let login = Login::new(Passwords::users([ada]), "a secret of at least thirty-two bytes");
    let bearer = BearerAuth::jwt(login.keys());
    builder().state(login).middleware(bearer).all_routes().build().expect("valid")
}

#[tokio::test]
async fn a_login_is_begun_renewed_and_ended() {
    let app = app();
    let login = post_json(&app, "/api/auth/login", json!({ "username": "ada", "password": "correct horse" })).await;
    assert_eq!(login.headers["cache-control"], "no-store");
    let token = |data: &Value| data["refreshToken"].as_str().expect("a token").to_owned();
    let first = token(&login.data());
    let second = post_json(&app, "/api/auth/refresh", json!({ "refreshToken": first })).await.data();
    assert_eq!(second["tokenType"], "Bearer");
    let ended = post_json(&app, "/api/auth/logout", json!({ "refreshToken": token(&second) })).await.data();
    assert_eq!(ended, json!({ "loggedOut": true }));
    post_json(&app, "/api/auth/refresh", json!({ "refreshToken": token(&second) })).await.error(401);
}

#[tokio::test]
async fn every_field_that_is_wrong_is_told_and_none_is_repeated() {
    let app = app();
    let wrong = post_json(&app, "/api/auth/login", json!({ "password": ["hunter2"] })).await;
    let expected = [("username", "invalid_type"), ("password", "invalid_type")];
    assert_eq!(wrong.invalid("Invalid request body"), pairs(&expected));
    assert!(!wrong.body.contains("hunter2"));
    let twice = post(&app, "/api/auth/refresh", r#"{"refreshToken":"a","refreshToken":"b"}"#).await;
    assert_eq!(twice.invalid("Invalid request body"), pairs(&[("refreshToken", "duplicate_key")]));
    post(&app, "/api/auth/logout", "").await.error(400);
}

#[tokio::test]
async fn refusals_may_not_be_stored_either() {
    let app = app();
    for (body, status) in [("{", 400), (r#"{"username":"ada","password":"x"}"#, 401), (&*"x".repeat(5000), 413)] {
        let answer = raw(&app, Method::POST, "/api/auth/login", "", body).await;
        assert_eq!(
            (answer.status().as_u16(), &answer.headers()["cache-control"]),
            (status, &"no-store".parse().expect("a value"))
        );
    }
}

#[test]
fn the_group_needs_a_login_and_all_routes_leave_it_out_without_one() {
    let error = builder().group(auth("/api")).build().expect_err("there is no login").to_string();
    assert!(error.contains("Login"), "{error}");
    let without = builder().all_routes().build().expect("valid");
    assert!(!without.plan().routes.iter().any(|route| route.path.contains("/auth/")));
}
